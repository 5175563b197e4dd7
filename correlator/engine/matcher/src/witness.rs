//! What a rule cannot do without.
//!
//! A witness set of a rule is a list of atoms of which at least one holds on every event that the rule holds on. So a
//! rule none of whose atoms was seen need not be evaluated. An atom may only ever be weaker than the leaf it stands
//! for; where nothing sound is known there is no set, and the rule is always evaluated.

use crate::{
    fold::fold,
    form::{Compare, Expression, Field, Leaf, Part},
    keywords::searchable,
    names::{Names, Slot},
};

/// Something that can be seen of a field at little cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Atom {
    /// The field is present.
    Present(Slot),
    /// A folded text of the field is this.
    Text(Slot, Box<[u8]>),
    /// A folded text of the field has this in it.
    Literal(Slot, Box<[u8]>),
    /// The field is this number.
    Integer(Slot, i64),
    /// The line has this in it, in either case.
    Keyword(Box<[u8]>),
}

impl Atom {
    /// How often it will be seen for nothing, as a guess; smaller is better.
    fn cost(&self) -> u32 {
        match self {
            Self::Present(_) => 2000,
            Self::Integer(..) => 60,
            Self::Keyword(text) => [2000, 1500, 700, 300, 150, 100, 80, 60, 40][text.len().min(8)],
            Self::Text(_, text) => [200, 200, 90, 50, 30][text.len().min(4)] / (1 + text.len() as u32 / 8),
            Self::Literal(_, text) => {
                [2000, 1500, 700, 200, 80, 40, 25, 18, 12][text.len().min(8)] / (1 + text.len() as u32 / 12)
            }
        }
        .max(1)
    }
}

/// The cheapest witness set that is found, if there is any.
pub fn witness(condition: &Expression, names: &mut Names) -> Option<Vec<Atom>> {
    Search { names }.set(condition, true)
}

struct Search<'a> {
    names: &'a mut Names,
}

impl Search<'_> {
    /// A set for "the condition is `wanted`".
    fn set(&mut self, condition: &Expression, wanted: bool) -> Option<Vec<Atom>> {
        match condition {
            Expression::Not(of) => self.set(of, !wanted),
            Expression::Leaf(leaf) => self.atom(leaf, wanted).map(|atom| vec![atom]),
            Expression::And(of) if wanted => self.cheapest(of, wanted),
            Expression::Or(of) if !wanted => self.cheapest(of, wanted),
            Expression::And(of) | Expression::Or(of) => self.union(of, wanted),
        }
    }

    /// All parts are as wanted, so any one part's set will do.
    fn cheapest(&mut self, of: &[Expression], wanted: bool) -> Option<Vec<Atom>> {
        let sets = of.iter().filter_map(|part| self.set(part, wanted));
        sets.min_by_key(|set| set.iter().map(Atom::cost).sum::<u32>())
    }

    /// One part is as wanted, nobody knows which.
    fn union(&mut self, of: &[Expression], wanted: bool) -> Option<Vec<Atom>> {
        let sets: Option<Vec<_>> = of.iter().map(|part| self.set(part, wanted)).collect();
        sets.map(|sets| sets.concat())
    }

    fn atom(&mut self, leaf: &Leaf, wanted: bool) -> Option<Atom> {
        if !wanted {
            return match leaf {
                Leaf::Null(null) => Some(self.present(&null.field)),
                Leaf::Exists(exists) if !exists.value => Some(self.present(&exists.field)),
                _ => None,
            };
        }
        match leaf {
            Leaf::Match(leaf) => Some(self.of_pattern(&leaf.field, &leaf.parts)),
            Leaf::Bool(leaf) => {
                let word: &[u8] = if leaf.value { b"true" } else { b"false" };
                Some(Atom::Text(self.names.intern(&leaf.field), word.into()))
            }
            Leaf::Number(leaf) => Some(match leaf.value.integer().filter(|_| leaf.cmp == Compare::Eq) {
                Some(value) => Atom::Integer(self.names.intern(&leaf.field), value),
                None => self.present(&leaf.field),
            }),
            Leaf::Exists(leaf) => leaf.value.then(|| self.present(&leaf.field)),
            Leaf::Re(leaf) => Some(self.present(&leaf.field)),
            Leaf::Cidr(leaf) => Some(self.present(&leaf.field)),
            Leaf::FieldRef(leaf) => Some(self.present(&leaf.field)),
            Leaf::Time(leaf) => Some(self.present(&leaf.field)),
            Leaf::Keyword(leaf) => {
                let literals = literals(&leaf.parts);
                let parts = literals.iter().filter_map(|literal| searchable(literal));
                parts.max_by_key(|part| part.len()).map(|part| Atom::Keyword(part.as_bytes().into()))
            }
            Leaf::Null(_) | Leaf::ReKeyword(_) => None,
        }
    }

    fn present(&mut self, field: &Field) -> Atom {
        Atom::Present(self.names.intern(field))
    }

    /// A folded text holds the folded literal wherever the text holds the literal, so a cased pattern may use it too.
    fn of_pattern(&mut self, field: &Field, parts: &[Part]) -> Atom {
        let slot = self.names.intern(field);
        let literals = literals(parts);
        let exact = literals.len() == 1;
        match literals.into_iter().max_by_key(String::len).map(|text| text.into_bytes().into_boxed_slice()) {
            Some(text) if exact => Atom::Text(slot, text),
            Some(text) if !text.is_empty() => Atom::Literal(slot, text),
            _ => Atom::Present(slot),
        }
    }
}

/// The folded texts between wildcards, empty ones too.
fn literals(parts: &[Part]) -> Vec<String> {
    let mut literals = vec![String::new()];
    for part in parts {
        match (part, literals.last_mut()) {
            (Part::Literal(text), Some(last)) => last.push_str(&fold(text)),
            _ => literals.push(String::new()),
        }
    }
    literals
}

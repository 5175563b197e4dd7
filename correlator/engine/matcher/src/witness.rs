//! What a rule cannot do without.
//!
//! A witness set of a rule is a list of atoms of which at least one holds on every event that the rule holds on. So a
//! rule none of whose atoms was seen need not be evaluated, and one whose set is empty never holds. An atom may only
//! ever be weaker than the leaf it stands for; where nothing sound is known there is no set, and the rule is always
//! evaluated.

use crate::{
    common,
    fold::fold,
    form::{Compare, Expression, Field, Leaf, Part},
    json::canonical,
    keywords::searchable,
    names::{Names, Slot},
    test::required,
};

/// Where a literal stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Whole,
    Start,
    End,
    Inside,
}

/// Something that can be seen of a field at little cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Atom {
    /// The field is present.
    Present(Slot),
    /// The canonical form of a text of the field has this there.
    Literal(Slot, Place, Box<[u8]>),
    /// The field is this number.
    Integer(Slot, i64),
    /// The line has this in it, in either case.
    Keyword(Box<[u8]>),
}

/// Something known of the events that a plan is for.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// A field with one value, an integer.
    pub slot: Slot,
    /// That integer; nothing for one that no rule compares with for equality.
    pub value: Option<i64>,
}

impl Atom {
    /// How often it will be seen for nothing, and how dear it is to look for, as a guess; smaller is better.
    fn cost(&self) -> u32 {
        // Short ones are dear: the shortest of a field decides how far apart the places are that are looked at.
        const INSIDE: [u32; 9] = [2000, 2000, 2000, 2000, 600, 400, 250, 150, 60];
        const OUTSIDE: [u32; 9] = [200, 200, 150, 90, 60, 50, 40, 30, 25];
        let (inside, outside) = (|text: &[u8]| INSIDE[text.len().min(8)], |text: &[u8]| OUTSIDE[text.len().min(8)]);
        let guess = match self {
            Self::Present(_) => 2000,
            Self::Integer(..) => 60,
            Self::Keyword(text) => [2000, 1500, 700, 300, 150, 100, 80, 60, 40][text.len().min(8)],
            Self::Literal(_, Place::Inside, text) if text.len() < 4 && !text.is_ascii() => 10,
            Self::Literal(_, Place::Whole, text) => outside(text) / (1 + text.len() as u32 / 8),
            Self::Literal(_, Place::Inside, text) => inside(text) / (1 + text.len() as u32 / 12),
            Self::Literal(_, Place::End, text) => outside(text) / (1 + text.len() as u32 / 12),
            Self::Literal(_, Place::Start, text) => outside(text) / (1 + text.len() as u32 / 16),
        };
        match self {
            Self::Literal(_, place, text) if common::is_common(*place, text) => guess + common::COST,
            _ => guess.max(1),
        }
    }
}

/// The cheapest witness set that is found, if there is any, for events of which a fact may be known.
pub fn witness(condition: &Expression, names: &Names, fact: Option<Fact>) -> Option<Vec<Atom>> {
    Search { names, fact }.set(condition, true)
}

struct Search<'a> {
    names: &'a Names,
    fact: Option<Fact>,
}

impl Search<'_> {
    /// A set for "the condition is `wanted`".
    fn set(&self, condition: &Expression, wanted: bool) -> Option<Vec<Atom>> {
        match condition {
            Expression::Not(of) => self.set(of, !wanted),
            Expression::Leaf(leaf) => match self.known(leaf) {
                Some(held) => (held != wanted).then(Vec::new),
                None => self.atoms(leaf, wanted),
            },
            Expression::And(of) if wanted => self.cheapest(of, wanted),
            Expression::Or(of) if !wanted => self.cheapest(of, wanted),
            Expression::And(of) | Expression::Or(of) => self.union(of, wanted),
        }
    }

    /// All parts are as wanted, so any one part's set will do.
    fn cheapest(&self, of: &[Expression], wanted: bool) -> Option<Vec<Atom>> {
        let sets = of.iter().filter_map(|part| self.set(part, wanted));
        sets.min_by_key(|set| set.iter().map(Atom::cost).sum::<u32>())
    }

    /// One part is as wanted, nobody knows which.
    fn union(&self, of: &[Expression], wanted: bool) -> Option<Vec<Atom>> {
        let sets: Option<Vec<_>> = of.iter().map(|part| self.set(part, wanted)).collect();
        sets.map(|sets| sets.concat())
    }

    /// Whether a leaf holds, where the fact tells.
    fn known(&self, leaf: &Leaf) -> Option<bool> {
        let fact = self.fact?;
        let about = |field: &Field| self.names.find(field) == Some(fact.slot);
        match leaf {
            Leaf::Number(leaf) if about(&leaf.field) => match (fact.value, leaf.value.integer()) {
                (Some(met), Some(value)) => Some(leaf.cmp.holds(met.cmp(&value))),
                (None, Some(_)) if leaf.cmp == Compare::Eq => Some(false),
                _ => None,
            },
            Leaf::Null(leaf) if about(&leaf.field) => Some(false),
            Leaf::Exists(leaf) if about(&leaf.field) => Some(leaf.value),
            _ => None,
        }
    }

    fn atoms(&self, leaf: &Leaf, wanted: bool) -> Option<Vec<Atom>> {
        if !wanted {
            return match leaf {
                Leaf::Null(null) => self.present(&null.field),
                Leaf::Exists(exists) if !exists.value => self.present(&exists.field),
                _ => None,
            }
            .map(|atom| vec![atom]);
        }
        let one = match leaf {
            Leaf::Match(leaf) => self.of_pattern(&leaf.field, &leaf.parts),
            Leaf::Bool(leaf) => {
                let word: &[u8] = if leaf.value { b"true" } else { b"false" };
                Some(Atom::Literal(self.names.find(&leaf.field)?, Place::Whole, word.into()))
            }
            Leaf::Number(leaf) => match leaf.value.integer().filter(|_| leaf.cmp == Compare::Eq) {
                Some(value) => Some(Atom::Integer(self.names.find(&leaf.field)?, value)),
                None => self.present(&leaf.field),
            },
            Leaf::Exists(leaf) => self.present(&leaf.field).filter(|_| leaf.value),
            Leaf::Re(leaf) => return self.of_regex(&leaf.field, &leaf.pattern, &leaf.flags),
            Leaf::Cidr(leaf) => self.present(&leaf.field),
            Leaf::FieldRef(leaf) => self.present(&leaf.field),
            Leaf::Time(leaf) => self.present(&leaf.field),
            Leaf::Keyword(leaf) => {
                let literals: Vec<String> = literals(&leaf.parts).iter().map(|literal| fold(literal)).collect();
                let parts = literals.iter().filter_map(|literal| searchable(literal));
                parts.max_by_key(|part| part.len()).map(|part| Atom::Keyword(part.as_bytes().into()))
            }
            Leaf::Null(_) | Leaf::ReKeyword(_) => None,
        };
        one.map(|atom| vec![atom])
    }

    fn present(&self, field: &Field) -> Option<Atom> {
        self.names.find(field).map(Atom::Present)
    }

    /// A folded text holds the folded literal wherever the text holds the literal, so a cased pattern may use it too.
    fn of_pattern(&self, field: &Field, parts: &[Part]) -> Option<Atom> {
        let slot = self.names.find(field)?;
        let literals = literals(parts);
        let last = literals.len() - 1;
        let place = |at: usize| match at {
            0 if last == 0 => Place::Whole,
            0 => Place::Start,
            _ if at == last => Place::End,
            _ => Place::Inside,
        };
        let sound = literals.iter().enumerate().filter(|(_, text)| is_sound(text));
        let atoms = sound.map(|(at, text)| (place(at), canonical(text))).map(|(place, text)| {
            // A pattern without wildcards may be the empty text; any other text has an empty one anywhere.
            if text.is_empty() && place != Place::Whole {
                Atom::Present(slot)
            } else {
                Atom::Literal(slot, place, text)
            }
        });
        atoms.min_by_key(Atom::cost).or(Some(Atom::Present(slot)))
    }

    /// What a regular expression finds in a text has one of these literals in it.
    fn of_regex(&self, field: &Field, pattern: &str, flags: &str) -> Option<Vec<Atom>> {
        let slot = self.names.find(field)?;
        let literals = required(pattern, flags).filter(|literals| literals.iter().all(|text| is_sound(text)));
        let atoms = literals.map(|literals| {
            let atom = |text: &String| Atom::Literal(slot, Place::Inside, canonical(text));
            literals.iter().map(atom).collect::<Vec<_>>()
        });
        let cost = |atoms: &Vec<Atom>| atoms.iter().map(Atom::cost).sum::<u32>();
        atoms.filter(|atoms| cost(atoms) < 2000).or_else(|| Some(vec![Atom::Present(slot)]))
    }
}

/// Whether a text is looked for as it is. Damage reads as U+FFFD, and does not stand in the line as that.
fn is_sound(text: &str) -> bool {
    !text.contains('\u{FFFD}')
}

/// The texts between wildcards, empty ones too.
fn literals(parts: &[Part]) -> Vec<String> {
    let mut literals = vec![String::new()];
    for part in parts {
        match (part, literals.last_mut()) {
            (Part::Literal(text), Some(last)) => last.push_str(text),
            _ => literals.push(String::new()),
        }
    }
    literals
}

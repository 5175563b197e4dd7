//! What is looked for in one field, and the rules that each thing seen calls for.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::{
    ends::{Ends, Entry, Side},
    event::Met,
    grams::{GRAM, Grams},
    names::Slot,
    test::Decimal,
    witness::Place,
};

type Rules = Vec<u32>;

/// An index of rules by what they wait for in one field.
pub struct Index {
    pub slot: Slot,
    /// Called whenever the field is present.
    pub present: Rules,
    /// Called by a text without characters.
    empty: Rules,
    /// Called by a text that is not ASCII.
    foreign: Rules,
    integers: HashMap<i64, Rules, FixedState>,
    starts: Option<Ends>,
    ends: Option<Ends>,
    parts: Option<Parts>,
    /// Those that only a text that is not ASCII can have in it.
    foreign_parts: Option<Parts>,
}

/// Literals inside of texts, and the rules that each calls for.
struct Parts {
    literals: Grams,
    rules: Vec<Rules>,
}

/// The same while it is made.
#[derive(Default)]
pub struct Gathered {
    pub present: Rules,
    pub integers: HashMap<i64, Rules, FixedState>,
    pub literals: HashMap<(Place, Box<[u8]>), Rules>,
}

impl Index {
    /// Prepare what was gathered for a field.
    pub fn new(slot: Slot, gathered: Gathered) -> Self {
        let Gathered { present, integers, literals } = gathered;
        let mut index = Self {
            slot,
            present,
            empty: Rules::new(),
            foreign: Rules::new(),
            integers,
            starts: None,
            ends: None,
            parts: None,
            foreign_parts: None,
        };
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        let (mut parts, mut foreign) = (Vec::new(), Vec::new());
        for ((place, literal), rules) in literals {
            let whole = place == Place::Whole;
            match place {
                Place::Whole if literal.is_empty() => index.empty.extend(rules),
                Place::Inside if literal.len() < GRAM && !literal.is_ascii() => index.foreign.extend(rules),
                // What stands anywhere in a text and is too short to look for asks for nothing.
                _ if literal.is_empty() || place == Place::Inside && literal.len() < GRAM => {
                    index.present.extend(rules);
                }
                Place::Start => starts.push(Entry { literal, whole, rules }),
                Place::Whole | Place::End => ends.push(Entry { literal, whole, rules }),
                Place::Inside if literal.is_ascii() => parts.push((literal, rules)),
                Place::Inside => foreign.push((literal, rules)),
            }
        }
        index.starts = Ends::new(Side::Start, starts);
        index.ends = Ends::new(Side::End, ends);
        index.parts = Parts::new(parts);
        index.foreign_parts = Parts::new(foreign);
        index
    }

    /// Whether the values of the field matter, or only whether there is one.
    pub fn looks_at_values(&self) -> bool {
        let tables = self.starts.is_some() || self.ends.is_some() || self.parts.is_some();
        tables
            || self.foreign_parts.is_some()
            || !self.integers.is_empty()
            || !self.empty.is_empty()
            || !self.foreign.is_empty()
    }

    /// Call `call` with every rule that a value calls for.
    #[inline]
    pub fn see(&self, met: &mut Met, call: &mut impl FnMut(u32)) {
        let plain = met.is_plain();
        let Some(text) = met.canonical() else { return };
        if !plain && !text.is_ascii() {
            self.foreign.iter().for_each(|rule| call(*rule));
            self.foreign_parts.iter().for_each(|parts| parts.see(text, call));
        }
        if text.is_empty() {
            self.empty.iter().for_each(|rule| call(*rule));
            return;
        }
        if !self.integers.is_empty() {
            let rules = Decimal::parse(text).and_then(|number| self.integers.get(&number.integer()?));
            rules.into_iter().flatten().for_each(|rule| call(*rule));
        }
        for ends in [&self.starts, &self.ends].into_iter().flatten() {
            ends.see(text, call);
        }
        if let Some(parts) = &self.parts {
            parts.see(text, call);
        }
    }
}

impl Parts {
    fn new(parts: Vec<(Box<[u8]>, Rules)>) -> Option<Self> {
        let (literals, rules) = parts.into_iter().unzip();
        Grams::new(literals).map(|literals| Self { literals, rules })
    }

    #[inline]
    fn see(&self, text: &[u8], call: &mut impl FnMut(u32)) {
        self.literals.find(text, |part| self.rules[part].iter().for_each(|rule| call(*rule)));
    }
}

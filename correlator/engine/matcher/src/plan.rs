//! The rules that apply to events of one log source, indexed by what they cannot do without.

use std::collections::HashMap;

use crate::{
    event::Event,
    index::{Gathered, Index},
    keywords::Keywords,
    names::Slot,
    witness::Atom,
};

type Rules = Vec<u32>;

/// An index of rules by their witness sets.
pub struct Plan {
    /// Rules without a witness set.
    always: Rules,
    keywords: Option<Keywords>,
    fields: Vec<Index>,
}

#[derive(Default)]
struct Gathering {
    always: Rules,
    keywords: HashMap<Box<[u8]>, Rules>,
    fields: HashMap<Slot, Gathered>,
}

impl Plan {
    /// Index rules by their witness sets. Those whose set is empty can never hold, and are left out.
    pub fn new<'a>(rules: impl IntoIterator<Item = (u32, Option<&'a [Atom]>)>) -> Self {
        let mut gathered = Gathering::default();
        for (rule, witness) in rules {
            match witness {
                Some(atoms) => atoms.iter().for_each(|atom| gathered.add(atom, rule)),
                None => gathered.always.push(rule),
            }
        }
        let Gathering { always, keywords, fields } = gathered;
        let keywords = Keywords::new(keywords);
        let mut fields: Vec<Index> = fields.into_iter().map(|(slot, gathered)| Index::new(slot, gathered)).collect();
        fields.sort_unstable_by_key(|index| index.slot);
        Self { always, keywords, fields }
    }

    /// Call `call` with every rule that may hold on an event, perhaps more than once.
    pub fn candidates(&self, event: &mut Event, line: &[u8], call: &mut impl FnMut(u32)) {
        self.always.iter().for_each(|rule| call(*rule));
        if let Some(keywords) = &self.keywords {
            keywords.see(line, event.strange(), call);
        }
        for index in &self.fields {
            if event.has(index.slot) {
                index.present.iter().for_each(|rule| call(*rule));
                if index.looks_at_values() {
                    event.any(line, index.slot, |mut met| {
                        index.see(&mut met, call);
                        false
                    });
                }
            }
        }
    }
}

impl Gathering {
    fn add(&mut self, atom: &Atom, rule: u32) {
        let rules = match atom {
            Atom::Present(slot) => &mut self.field(*slot).present,
            Atom::Literal(slot, place, text) => self.field(*slot).literals.entry((*place, text.clone())).or_default(),
            Atom::Integer(slot, value) => self.field(*slot).integers.entry(*value).or_default(),
            Atom::Keyword(part) => self.keywords.entry(part.clone()).or_default(),
        };
        if rules.last() != Some(&rule) {
            rules.push(rule);
        }
    }

    fn field(&mut self, slot: Slot) -> &mut Gathered {
        self.fields.entry(slot).or_default()
    }
}

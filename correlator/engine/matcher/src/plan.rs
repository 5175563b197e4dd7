//! The rules that apply to events of one log source, indexed by what they cannot do without.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use foldhash::fast::FixedState;

use crate::{
    event::{Event, Met},
    keywords::Keywords,
    names::Slot,
    test::Decimal,
    witness::Atom,
};

/// Bytes of literals up to which a field's automaton is built for speed rather than size.
const SMALL: usize = 16 << 10;

type Rules = Vec<u32>;

/// An index of rules by their witness sets.
pub struct Plan {
    rules: usize,
    /// Rules without a witness set.
    always: Rules,
    keywords: Option<Keywords>,
    fields: Vec<Index>,
}

/// What is looked for in one field, and the rules that each thing seen calls for.
struct Index {
    slot: Slot,
    present: Rules,
    integers: HashMap<i64, Rules, FixedState>,
    texts: HashMap<Box<[u8]>, Rules, FixedState>,
    literals: Option<AhoCorasick>,
    of_literal: Vec<Rules>,
}

#[derive(Default)]
struct Gathering {
    always: Rules,
    keywords: HashMap<Box<[u8]>, Rules>,
    fields: HashMap<Slot, Gathered>,
}

#[derive(Default)]
struct Gathered {
    present: Rules,
    integers: HashMap<i64, Rules, FixedState>,
    texts: HashMap<Box<[u8]>, Rules, FixedState>,
    literals: HashMap<Box<[u8]>, Rules>,
}

impl Plan {
    /// Index rules; `witnesses` is indexed by rule.
    pub fn new(rules: &[u32], witnesses: &[Option<Vec<Atom>>]) -> Self {
        let mut gathered = Gathering::default();
        for &rule in rules {
            match &witnesses[rule as usize] {
                Some(atoms) => atoms.iter().for_each(|atom| gathered.add(atom, rule)),
                None => gathered.always.push(rule),
            }
        }
        let Gathering { always, keywords, fields } = gathered;
        let keywords = Keywords::new(keywords);
        let mut fields: Vec<Index> = fields.into_iter().map(|(slot, gathered)| Index::new(slot, gathered)).collect();
        fields.sort_unstable_by_key(|index| index.slot);
        Self { rules: rules.len(), always, keywords, fields }
    }

    /// Number of rules that it indexes.
    pub fn rules(&self) -> usize {
        self.rules
    }

    /// Call `call` with every rule that may hold on an event, perhaps more than once.
    pub fn candidates(&self, event: &mut Event, line: &[u8], call: &mut impl FnMut(u32)) {
        self.always.iter().for_each(|rule| call(*rule));
        if let Some(keywords) = &self.keywords {
            keywords.see(line, call);
        }
        for index in &self.fields {
            if event.has(index.slot) {
                index.present.iter().for_each(|rule| call(*rule));
                if index.looks_at_values() {
                    event.any(line, index.slot, |met| {
                        index.see(met, call);
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
            Atom::Text(slot, text) => self.field(*slot).texts.entry(text.clone()).or_default(),
            Atom::Literal(slot, text) => self.field(*slot).literals.entry(text.clone()).or_default(),
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

impl Index {
    fn new(slot: Slot, gathered: Gathered) -> Self {
        let Gathered { mut present, integers, texts, literals } = gathered;
        let (patterns, of_literal): (Vec<_>, Vec<_>) = literals.into_iter().unzip();
        let automaton = automaton(&patterns);
        if automaton.is_none() {
            // Without an automaton its rules are called for whenever the field is present: slower, never wrong.
            present.extend(of_literal.iter().flatten());
        }
        Self { slot, present, integers, texts, literals: automaton, of_literal }
    }

    fn looks_at_values(&self) -> bool {
        self.literals.is_some() || !self.texts.is_empty() || !self.integers.is_empty()
    }

    fn see(&self, mut met: Met, call: &mut impl FnMut(u32)) {
        if !self.integers.is_empty() {
            let value = met.text().and_then(Decimal::parse).and_then(|number| number.integer());
            let rules = value.and_then(|value| self.integers.get(&value));
            rules.into_iter().flatten().for_each(|rule| call(*rule));
        }
        if self.literals.is_none() && self.texts.is_empty() {
            return;
        }
        let Some(text) = met.comparable(false) else { return };
        self.texts.get(text).into_iter().flatten().for_each(|rule| call(*rule));
        if let Some(automaton) = &self.literals {
            for found in automaton.find_overlapping_iter(text) {
                self.of_literal[found.pattern().as_usize()].iter().for_each(|rule| call(*rule));
            }
        }
    }
}

fn automaton(patterns: &[Box<[u8]>]) -> Option<AhoCorasick> {
    let size: usize = patterns.iter().map(|pattern| pattern.len()).sum();
    let kind = if size <= SMALL { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    AhoCorasick::builder().kind(Some(kind)).build(patterns).ok().filter(|_| size > 0)
}

//! Which rules apply to an event: groups of rules with one log source, chosen by the event's own.

use std::collections::HashMap;

use crate::{
    event::{Event, Met},
    fold::fold,
    form::{Field, LogSource, Rule},
    names::{Names, Slot},
};

/// Number of a group: the rules of one log source.
pub type Group = u32;

const PARTS: [&str; 3] = ["product", "category", "service"];

/// Categories of the taxonomy that stand for several others: a rule for the first sees the events of all.
const GENERIC: [(&str, &[&str]); 1] =
    [("registry_event", &["registry_add", "registry_delete", "registry_set", "registry_rename"])];

/// The groups, and where an event says its log source.
#[derive(Debug)]
pub struct LogSources {
    sources: Vec<[Option<String>; 3]>,
    rules: Vec<Vec<u32>>,
    named: [Slot; 3],
    bare: [Slot; 3],
}

impl LogSources {
    /// Group rules by log source.
    pub fn new(rules: &[Rule], names: &mut Names) -> Self {
        let mut slots = |prefix: &str| PARTS.map(|part| names.intern(&Field(format!("{prefix}{part}").into())));
        let (named, bare) = (slots("logsource."), slots(""));
        let mut groups = Self { sources: Vec::new(), rules: Vec::new(), named, bare };
        let mut numbers = HashMap::new();
        for (index, rule) in rules.iter().enumerate() {
            let source = folded(&rule.logsource);
            let number = *numbers.entry(source.clone()).or_insert_with(|| groups.add(source));
            groups.rules[number].push(index as u32);
        }
        groups
    }

    /// The rules of some groups, in order.
    pub fn rules(&self, groups: &[Group]) -> Vec<u32> {
        let mut rules: Vec<u32> = groups.iter().flat_map(|group| &self.rules[*group as usize]).copied().collect();
        rules.sort_unstable();
        rules
    }

    /// The groups that apply to an event of that key.
    pub fn groups(&self, key: &[u8]) -> Vec<Group> {
        let parts = read_key(key);
        let applies = |source: &[Option<String>; 3]| {
            source
                .iter()
                .zip(&parts)
                .all(|(wanted, met)| wanted.as_ref().is_none_or(|wanted| met.iter().any(|met| fits(wanted, met))))
        };
        let applying = self.sources.iter().enumerate().filter(|(_, source)| applies(source));
        applying.map(|(number, _)| number as Group).collect()
    }

    /// Write the log source of an event as a key: for each part its values, each with its length before it, then a
    /// length that no value has.
    pub fn key(&self, event: &mut Event, line: &[u8], key: &mut Vec<u8>) {
        self.write(event, line, key, |met, key| write(met.comparable(false), key));
    }

    /// The same in the case it is written in, and escaped: events with one such key have one key.
    pub fn written_key(&self, event: &mut Event, line: &[u8], key: &mut Vec<u8>) {
        self.write(event, line, key, |met, key| write(met.canonical(), key));
    }

    #[inline]
    fn write(&self, event: &mut Event, line: &[u8], key: &mut Vec<u8>, value: impl Fn(&mut Met, &mut Vec<u8>)) {
        let slots = if self.named.iter().any(|slot| event.has(*slot)) { &self.named } else { &self.bare };
        key.clear();
        for slot in slots {
            event.any(line, *slot, |mut met| {
                value(&mut met, key);
                false
            });
            key.extend_from_slice(&u32::MAX.to_le_bytes());
        }
    }

    fn add(&mut self, source: [Option<String>; 3]) -> usize {
        self.sources.push(source);
        self.rules.push(Vec::new());
        self.sources.len() - 1
    }
}

#[inline]
fn write(text: Option<&[u8]>, key: &mut Vec<u8>) {
    if let Some(text) = text {
        key.extend_from_slice(&(text.len() as u32).to_le_bytes());
        key.extend_from_slice(text);
    }
}

/// Whether what a rule wants is what an event says, or a generic category that it belongs to.
fn fits(wanted: &str, met: &[u8]) -> bool {
    let kinds = GENERIC.iter().find(|(generic, _)| *generic == wanted);
    wanted.as_bytes() == met || kinds.is_some_and(|(_, kinds)| kinds.iter().any(|kind| kind.as_bytes() == met))
}

fn folded(source: &LogSource) -> [Option<String>; 3] {
    [&source.product, &source.category, &source.service].map(|part| part.as_deref().map(fold))
}

fn read_key(mut key: &[u8]) -> [Vec<&[u8]>; 3] {
    let mut parts = [const { Vec::new() }; 3];
    let mut part = 0;
    while let Some((length, rest)) = key.split_first_chunk::<4>() {
        match u32::from_le_bytes(*length) {
            u32::MAX => {
                part += 1;
                key = rest;
            }
            length => {
                let (text, rest) = rest.split_at(length as usize);
                parts[part].push(text);
                key = rest;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generic_category_sees_the_events_of_those_it_stands_for_and_not_the_other_way() {
        for kind in ["registry_event", "registry_add", "registry_delete", "registry_rename", "registry_set"] {
            assert!(fits("registry_event", kind.as_bytes()), "{kind}");
        }
        assert!(!fits("registry_set", b"registry_event"));
        assert!(!fits("registry_set", b"registry_add"));
        assert!(!fits("registry_event", b"file_event"));
    }
}

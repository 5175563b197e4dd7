//! Leaves compiled to what they ask of an event.

use regex::Regex;

use crate::{
    event::{Event, Met},
    form::{Compare, How, Leaf, Match, Part, TimePart},
    names::{Names, Slot},
    runs::Sought,
    slots::Kind,
    test::{AnyOf, Decimal, Network, Pattern, RawPattern, address, any_pair, part_of, regex, required},
};

/// Literals of which a text has to have one; none where nothing is known.
type Required = Box<[Sought]>;

/// One distinct test of an event.
pub enum Predicate {
    Match { slot: Slot, pattern: Pattern, cased: bool, raw: Option<RawPattern>, required: Required },
    AnyOf { slot: Slot, any: Box<AnyOf> },
    Keyword { pattern: Pattern, cased: bool },
    Number { slot: Slot, compare: Compare, value: Decimal },
    Bool { slot: Slot, value: bool },
    Null { slot: Slot },
    Exists { slot: Slot, value: bool },
    Regex { slot: Slot, regex: Box<Regex>, required: Required },
    RegexKeyword { regex: Box<Regex> },
    Cidr { slot: Slot, network: Network },
    FieldRef { slot: Slot, other: Slot, how: How, cased: bool },
    Time { slot: Slot, part: TimePart, compare: Compare, value: i64 },
}

impl Predicate {
    /// Compile a leaf; its fields get slots.
    pub fn compile(leaf: &Leaf, names: &mut Names) -> Result<Self, String> {
        Ok(match leaf {
            Leaf::Match(leaf) => Self::Match {
                slot: names.intern(&leaf.field),
                pattern: Pattern::whole(&leaf.parts, leaf.cased),
                cased: leaf.cased,
                raw: RawPattern::new(&leaf.parts).filter(|_| !leaf.cased),
                required: longest_literal(&leaf.parts).and_then(|text| Sought::any_of([text])).unwrap_or_default(),
            },
            Leaf::Keyword(leaf) => {
                Self::Keyword { pattern: Pattern::within(&leaf.parts, leaf.cased), cased: leaf.cased }
            }
            Leaf::Number(leaf) => {
                Self::Number { slot: names.intern(&leaf.field), compare: leaf.cmp, value: leaf.value.clone() }
            }
            Leaf::Bool(leaf) => Self::Bool { slot: names.intern(&leaf.field), value: leaf.value },
            Leaf::Null(leaf) => Self::Null { slot: names.intern(&leaf.field) },
            Leaf::Exists(leaf) => Self::Exists { slot: names.intern(&leaf.field), value: leaf.value },
            Leaf::Re(leaf) => {
                let regex = regex(&leaf.pattern, &leaf.flags)?.into();
                let literals = required(&leaf.pattern, &leaf.flags).unwrap_or_default();
                let required = Sought::any_of(literals.iter().map(String::as_str)).unwrap_or_default();
                Self::Regex { slot: names.intern(&leaf.field), regex, required }
            }
            Leaf::ReKeyword(leaf) => Self::RegexKeyword { regex: regex(&leaf.pattern, &leaf.flags)?.into() },
            Leaf::Cidr(leaf) => Self::Cidr { slot: names.intern(&leaf.field), network: leaf.network },
            Leaf::FieldRef(leaf) => {
                let (slot, other) = (names.intern(&leaf.field), names.intern(&leaf.other));
                Self::FieldRef { slot, other, how: leaf.how, cased: leaf.cased }
            }
            Leaf::Time(leaf) => {
                Self::Time { slot: names.intern(&leaf.field), part: leaf.part, compare: leaf.cmp, value: leaf.value }
            }
        })
    }

    /// Compile texts of one field of which any has to match, each such as [`AnyOf`] takes.
    pub fn compile_any(list: &[&Match], names: &mut Names) -> Self {
        let slot = list.first().map_or(0, |leaf| names.intern(&leaf.field));
        Self::AnyOf { slot, any: AnyOf::new(list).into() }
    }

    /// What it costs to try, as a guess.
    pub fn cost(&self) -> u32 {
        match self {
            Self::Null { .. } | Self::Exists { .. } | Self::Number { .. } | Self::Bool { .. } => 1,
            Self::Match { raw: Some(raw), .. } => raw.cost(),
            Self::AnyOf { any, .. } => any.cost(),
            Self::Match { .. } | Self::Cidr { .. } | Self::Time { .. } | Self::FieldRef { .. } => 20,
            Self::Regex { .. } => 100,
            Self::Keyword { .. } | Self::RegexKeyword { .. } => 1000,
        }
    }

    /// Whether it holds on an event.
    pub fn holds(&self, event: &mut Event, line: &[u8]) -> bool {
        match self {
            Self::Match { slot, pattern, cased, raw, required } => event.any(line, *slot, |mut met| {
                let told = raw.as_ref().and_then(|raw| {
                    let (text, runs) = met.searched(raw.searches())?;
                    raw.matches(text, runs)
                });
                told.unwrap_or_else(|| {
                    !lacks(&mut met, required) && met.comparable(*cased).is_some_and(|text| pattern.matches(text))
                })
            }),
            Self::AnyOf { slot, any } => event.any(line, *slot, |mut met| any.holds(&mut met)),
            Self::Keyword { pattern, cased } => {
                event.any_scalar(line, |mut met| met.comparable(*cased).is_some_and(|text| pattern.matches(text)))
            }
            Self::Number { slot, compare, value } => event.any(line, *slot, |mut met| {
                met.text().and_then(Decimal::parse).is_some_and(|met| compare.holds(met.cmp(value)))
            }),
            Self::Bool { slot, value } => {
                let word: &[u8] = if *value { b"true" } else { b"false" };
                event.any(line, *slot, |mut met| met.text().is_some_and(|text| text.eq_ignore_ascii_case(word)))
            }
            Self::Null { slot } => !event.has(*slot) || event.any(line, *slot, |met| met.kind == Kind::Null),
            Self::Exists { slot, value } => event.has(*slot) == *value,
            Self::Regex { slot, regex, required } => event.any(line, *slot, |mut met| {
                !lacks(&mut met, required) && met.text().is_some_and(|text| found(regex, text))
            }),
            Self::RegexKeyword { regex } => {
                event.any_scalar(line, |mut met| met.text().is_some_and(|text| found(regex, text)))
            }
            Self::Cidr { slot, network } => event.any(line, *slot, |mut met| {
                met.text().and_then(address).is_some_and(|address| network.contains(address))
            }),
            Self::FieldRef { slot, other, how, cased } => {
                let left = texts(event, line, *slot, *cased);
                !left.is_empty() && any_pair(*how, &left, &texts(event, line, *other, *cased))
            }
            Self::Time { slot, part, compare, value } => event.any(line, *slot, |mut met| {
                let met = met.text().and_then(|text| part_of(text, *part));
                met.is_some_and(|met| compare.holds(Ord::cmp(&met, value)))
            }),
        }
    }
}

/// Whether a text has none of the literals of which it has to have one, as far as its runs tell.
fn lacks(met: &mut Met, required: &[Sought]) -> bool {
    let runs = if required.is_empty() { None } else { met.searched(1).and_then(|(_, runs)| runs) };
    runs.is_some_and(|runs| !required.iter().any(|sought| runs.may_have(*sought)))
}

fn longest_literal(parts: &[Part]) -> Option<&str> {
    let literals =
        parts.iter().filter_map(|part| if let Part::Literal(text) = part { Some(text.as_str()) } else { None });
    literals.max_by_key(|text| text.len())
}

fn found(regex: &Regex, text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| regex.is_match(text))
}

fn texts(event: &mut Event, line: &[u8], slot: Slot, cased: bool) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    event.any(line, slot, |mut met| {
        texts.extend(met.comparable(cased).map(<[u8]>::to_vec));
        false
    });
    texts
}

//! Literals of one field of which a text has to have any: rules name whole lists of programs and words.

use crate::{
    ends::{Ends, Entry, Side},
    event::Met,
    form::Match,
    test::{Pattern, RawPattern, raw::Shape},
};

/// Patterns of one literal each, not cased, over the same field.
pub struct AnyOf {
    patterns: Box<[Pattern]>,
    literals: Box<[RawPattern]>,
    starts: Option<Ends>,
    ends: Option<Ends>,
    /// Numbers of those that may stand anywhere.
    parts: Box<[u32]>,
}

impl AnyOf {
    /// Whether a leaf may be one of them.
    pub fn takes(leaf: &Match) -> bool {
        !leaf.cased && RawPattern::new(&leaf.parts).is_some()
    }

    /// Those of some leaves that may be.
    pub fn new(leaves: &[&Match]) -> Self {
        let leaves = leaves.iter().filter(|leaf| !leaf.cased);
        let (literals, patterns): (Vec<_>, Vec<_>) =
            leaves.filter_map(|leaf| Some((RawPattern::new(&leaf.parts)?, Pattern::whole(&leaf.parts, false)))).unzip();
        let (mut starts, mut ends, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for (number, raw) in (0..).zip(&literals) {
            let whole = raw.shape() == Shape::Equals;
            let entry = Entry { literal: raw.literal().into(), whole, rules: vec![number] };
            match raw.shape() {
                Shape::Prefix => starts.push(entry),
                Shape::Equals | Shape::Suffix => ends.push(entry),
                Shape::Contains => parts.push(number),
            }
        }
        Self {
            patterns: patterns.into(),
            literals: literals.into(),
            starts: Ends::new(Side::Start, starts),
            ends: Ends::new(Side::End, ends),
            parts: parts.into(),
        }
    }

    /// What it costs to try, as a guess.
    pub fn cost(&self) -> u32 {
        let outermost = u32::from(self.starts.is_some()) + u32::from(self.ends.is_some());
        2 * outermost + 2 * self.parts.len() as u32
    }

    /// Whether the text of a value has any of them.
    pub fn holds(&self, met: &mut Met) -> bool {
        let Some((text, runs)) = met.searched(self.parts.len()) else { return false };
        let (mut held, mut doubtful) = (false, Vec::new());
        let mut take = |number: u32, told: Option<bool>| match told {
            Some(told) => held |= told,
            None => doubtful.push(number),
        };
        for ends in [&self.starts, &self.ends].into_iter().flatten() {
            ends.see(text, &mut |number| take(number, self.literals[number as usize].matches(text, None)));
        }
        for number in &self.parts {
            match self.literals[*number as usize].matches(text, runs) {
                Some(true) => return true,
                told => take(*number, told),
            }
        }
        held || doubtful
            .into_iter()
            .any(|number| met.comparable(false).is_some_and(|text| self.patterns[number as usize].matches(text)))
    }
}

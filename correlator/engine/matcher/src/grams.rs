//! Literals looked for in text, in either case of ASCII, by sampling runs of four bytes.
//!
//! Let `m` be the length of the shortest literal. Wherever a literal stands, any `m` bytes of it start `m - 3` runs of
//! four bytes, at consecutive places; so looking at every `m - 3`rd place of the text meets one of them. A place is
//! looked up in a small table; only where that says so, in a larger one, and only there are literals compared.
//!
//! Which `m` bytes of a literal those are is free. The runs that other literals have too are avoided: what rules have
//! in common (`\windows\`, `.exe`) is what events have in common.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Length of a run, and of the shortest literal that can be looked for.
pub const GRAM: usize = 4;

/// Longest distance of places that are looked at: a longer one takes more runs of each literal than it saves.
const MAX_STEP: usize = 8;

/// Places that are looked up before the first branch.
const AT_ONCE: usize = 4;

/// Bits of the table for each run, and how many at least and at most: it should stay in the cache that is nearest.
const BITS_A_RUN: usize = 128;
const MIN_BITS: usize = 1 << 8;
const MAX_BITS: usize = 1 << 17;

const FACTOR: u32 = 0x9E37_79B1;

/// The literals, ready to be looked for.
pub struct Grams {
    literals: Vec<Box<[u8]>>,
    step: usize,
    shift: u32,
    /// A bit for each place that a run leads to.
    table: Box<[u64]>,
    /// Where literals have a run.
    places: HashMap<u32, Vec<Place>, FixedState>,
}

/// A run of a literal.
struct Place {
    literal: u32,
    /// Where in the literal it is.
    at: u32,
    /// Another run of the literal (the same where it has none beside), and where that is: told apart at little cost.
    other: u32,
    other_at: u32,
}

impl Grams {
    /// Prepare literals, each of `GRAM` bytes at least; nothing where there are none.
    pub fn new(literals: Vec<Box<[u8]>>) -> Option<Self> {
        let shortest = literals.iter().map(|literal| literal.len()).min()?;
        let step = shortest.checked_sub(GRAM - 1).filter(|step| *step > 0)?.min(MAX_STEP);
        let bits = (literals.len() * step * BITS_A_RUN).next_power_of_two().clamp(MIN_BITS, MAX_BITS);
        let shift = u32::BITS - bits.ilog2();
        let mut grams = Self { literals, step, shift, table: vec![0; bits / 64].into(), places: HashMap::default() };
        let common = common(&grams.literals);
        for number in 0..grams.literals.len() {
            grams.add(number, &common);
        }
        Some(grams)
    }

    /// Call `found` with the number of each literal that is in the text, perhaps more than once.
    #[inline]
    pub fn find(&self, text: &[u8], mut found: impl FnMut(usize)) {
        let (step, mut at) = (self.step, 0);
        let (table, shift) = (&*self.table, self.shift);
        while let Some(places) = text.get(at..at + step * (AT_ONCE - 1) + GRAM) {
            let mut hits = 0;
            for place in 0..AT_ONCE {
                hits |= looked_up(table, gram(&places[place * step..]), shift);
            }
            if hits & 1 == 1 {
                self.compare(text, at, &mut found);
            }
            at += step * AT_ONCE;
        }
        self.compare(text, at, &mut found);
    }

    /// Look at the next few places from `at` on, as far as the text goes.
    fn compare(&self, text: &[u8], at: usize, found: &mut impl FnMut(usize)) {
        let places = (0..AT_ONCE).map(|place| at + place * self.step);
        for at in places.take_while(|at| at + GRAM <= text.len()) {
            let gram = gram(&text[at..]);
            if looked_up(&self.table, gram, self.shift) & 1 == 1 {
                self.compare_one(text, at, gram, found);
            }
        }
    }

    fn compare_one(&self, text: &[u8], at: usize, gram: u32, found: &mut impl FnMut(usize)) {
        for place in self.places.get(&gram).into_iter().flatten() {
            let Some(rest) = at.checked_sub(place.at as usize).map(|start| &text[start..]) else { continue };
            let other = rest.get(place.other_at as usize..).and_then(<[u8]>::first_chunk);
            if other.is_none_or(|other| gram_of(*other) != place.other) {
                continue;
            }
            let literal = &self.literals[place.literal as usize];
            if rest.get(..literal.len()).is_some_and(|met| met.eq_ignore_ascii_case(literal)) {
                found(place.literal as usize);
            }
        }
    }

    fn add(&mut self, number: usize, common: &HashMap<u32, u32, FixedState>) {
        let literal = &self.literals[number];
        let runs: Vec<u32> = literal.windows(GRAM).map(gram).collect();
        let costs: Vec<u32> = runs.iter().map(|run| 8 * common[run] + plainness(*run)).collect();
        let sums = costs.windows(self.step).map(|costs| costs.iter().sum::<u32>());
        let first = sums.enumerate().min_by_key(|(_, sum)| *sum).map_or(0, |(first, _)| first);
        for (at, gram) in runs.iter().enumerate().skip(first).take(self.step) {
            let slot = slot(*gram, self.shift);
            self.table[slot / 64] |= 1 << (slot % 64);
            // The run that stands beside it, as far as the literal goes.
            let other = if at + GRAM < runs.len() { at + GRAM } else { at.saturating_sub(GRAM) };
            let place = Place { literal: number as u32, at: at as u32, other: runs[other], other_at: other as u32 };
            self.places.entry(*gram).or_default().push(place);
        }
    }
}

/// Where a run leads to.
#[inline(always)]
fn slot(gram: u32, shift: u32) -> usize {
    (gram.wrapping_mul(FACTOR) >> shift) as usize
}

/// The lowest bit says whether some run leads to where this one does.
#[inline(always)]
fn looked_up(table: &[u64], gram: u32, shift: u32) -> u64 {
    let slot = slot(gram, shift);
    table[slot / 64] >> (slot % 64)
}

/// How many literals have each run.
fn common(literals: &[Box<[u8]>]) -> HashMap<u32, u32, FixedState> {
    let mut common = HashMap::default();
    for literal in literals {
        literal.windows(GRAM).for_each(|run| *common.entry(gram(run)).or_default() += 1);
    }
    common
}

/// How many of the bytes of a run are among the commonest of names and paths.
fn plainness(run: u32) -> u32 {
    run.to_le_bytes().iter().filter(|byte| b"etaoinsr0-. \\|".contains(byte)).count() as u32
}

/// The first bytes of a text as a number. One bit hides the case of letters; that it makes other bytes one too is seen
/// when comparing.
#[inline(always)]
fn gram(text: &[u8]) -> u32 {
    gram_of([text[0], text[1], text[2], text[3]])
}

#[inline(always)]
fn gram_of(run: [u8; GRAM]) -> u32 {
    u32::from_le_bytes(run) | 0x2020_2020
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn what_is_there_is_found(literals in vec("[ab:]{4,14}", 1..6), text in "[abAB:]{0,60}", at in 0usize..60) {
            let text = format!("{}{}{}", &text[..at.min(text.len())], literals[0], &text[at.min(text.len())..]);
            let bytes = literals.iter().map(|literal| literal.as_bytes().into()).collect();
            let mut found = vec![false; literals.len()];
            Grams::new(bytes).unwrap().find(text.as_bytes(), |number| found[number] = true);
            let text = text.to_lowercase();
            let there: Vec<bool> = literals.iter().map(|literal| text.contains(literal.as_str())).collect();
            prop_assert_eq!(found, there);
        }
    }

    #[test]
    fn short_literals_are_not_for_it() {
        assert!(Grams::new(vec![b"abc".as_slice().into()]).is_none());
        assert!(Grams::new(Vec::new()).is_none());
    }
}

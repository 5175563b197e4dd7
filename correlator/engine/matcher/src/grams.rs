//! Few literals looked for in long text, in either case of ASCII, by sampling runs of four bytes.
//!
//! Let `m` be the length of the shortest literal. Wherever a literal stands, its first `m` bytes start `m - 3` runs of
//! four bytes, at consecutive places; so looking at every `m - 3`rd place meets one of them. A place is looked up in a
//! small bitmap; only where that says so, in a table, and only there are literals compared.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Length of a run, and of the shortest literal that can be looked for.
pub const GRAM: usize = 4;

const BITS: u32 = 16;

/// The literals, ready to be looked for.
pub struct Grams {
    literals: Vec<Box<[u8]>>,
    step: usize,
    bitmap: Vec<u64>,
    /// Literals that have a run, and where in them it is.
    places: HashMap<u32, Vec<(u32, u32)>, FixedState>,
}

impl Grams {
    /// Prepare literals, each of `GRAM` bytes at least; nothing where there are none.
    pub fn new(literals: Vec<Box<[u8]>>) -> Option<Self> {
        let step =
            literals.iter().map(|literal| literal.len()).min()?.checked_sub(GRAM - 1).filter(|step| *step > 0)?;
        let mut grams =
            Self { literals: Vec::new(), step, bitmap: vec![0; 1 << (BITS - 6)], places: HashMap::default() };
        for (number, literal) in literals.iter().enumerate() {
            for (place, run) in literal.windows(GRAM).take(step).enumerate() {
                let gram = gram(run);
                grams.bitmap[slot(gram) >> 6] |= 1 << (slot(gram) & 63);
                grams.places.entry(gram).or_default().push((number as u32, place as u32));
            }
        }
        grams.literals = literals;
        Some(grams)
    }

    /// Call `found` with the number of each literal that is in the text, perhaps more than once.
    pub fn find(&self, text: &[u8], mut found: impl FnMut(usize)) {
        for (number, run) in text.windows(GRAM).step_by(self.step).enumerate() {
            let gram = gram(run);
            if self.bitmap[slot(gram) >> 6] >> (slot(gram) & 63) & 1 == 1 {
                self.compare(text, number * self.step, gram, &mut found);
            }
        }
    }

    #[cold]
    fn compare(&self, text: &[u8], at: usize, gram: u32, found: &mut impl FnMut(usize)) {
        for (number, place) in self.places.get(&gram).into_iter().flatten() {
            let literal = &self.literals[*number as usize];
            let met = at.checked_sub(*place as usize).and_then(|start| text.get(start..start + literal.len()));
            if met.is_some_and(|met| met.eq_ignore_ascii_case(literal)) {
                found(*number as usize);
            }
        }
    }
}

/// A run as a number. One bit hides the case of letters; that it makes other bytes one too is seen when comparing.
fn gram(run: &[u8]) -> u32 {
    u32::from_le_bytes([run[0], run[1], run[2], run[3]]) | 0x2020_2020
}

fn slot(gram: u32) -> usize {
    (gram.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn what_is_there_is_found(literals in vec("[ab:]{4,7}", 1..6), text in "[abAB:]{0,60}") {
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

//! Literals that texts start with, end with or are, found by their outermost bytes.
//!
//! Up to eight bytes at the end of a text (or at its start) are one number, with the case of letters hidden. It is
//! looked up in a small bitmap; only where that says so, in a table, and only there are literals compared.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Numbers of bytes that are looked up at once.
const WIDTHS: [usize; 4] = [8, 4, 2, 1];

const WORDS: usize = 16;

/// Which end of a text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Start,
    End,
}

/// A literal, and what it calls for.
pub struct Entry {
    pub literal: Box<[u8]>,
    /// Whether the text has to be the literal.
    pub whole: bool,
    pub rules: Vec<u32>,
}

/// Literals at one side of texts, in either case of ASCII.
pub struct Ends {
    side: Side,
    tables: Vec<Table>,
}

/// The literals of which so many bytes are looked up.
struct Table {
    width: usize,
    filter: [u64; WORDS],
    entries: HashMap<u64, Vec<Entry>, FixedState>,
}

impl Ends {
    /// Prepare literals, none of them empty; nothing where there are none.
    pub fn new(side: Side, entries: Vec<Entry>) -> Option<Self> {
        let mut tables: Vec<Table> = Vec::new();
        for entry in entries {
            let width = *WIDTHS.iter().find(|width| entry.literal.len() >= **width)?;
            let number = number(side, width, &entry.literal);
            let at = tables.iter().position(|table| table.width == width).unwrap_or_else(|| {
                tables.push(Table { width, filter: [0; WORDS], entries: HashMap::default() });
                tables.len() - 1
            });
            let bit = bit(number);
            tables[at].filter[bit / 64] |= 1 << (bit % 64);
            tables[at].entries.entry(number).or_default().push(entry);
        }
        (!tables.is_empty()).then_some(Self { side, tables })
    }

    /// Call `call` with every rule of each literal that the text has at this side.
    #[inline]
    pub fn see(&self, text: &[u8], call: &mut impl FnMut(u32)) {
        for table in &self.tables {
            if text.len() >= table.width {
                let number = number(self.side, table.width, text);
                let bit = bit(number);
                if table.filter[bit / 64] >> (bit % 64) & 1 == 1 {
                    self.compare(table, number, text, call);
                }
            }
        }
    }

    fn compare(&self, table: &Table, number: u64, text: &[u8], call: &mut impl FnMut(u32)) {
        for entry in table.entries.get(&number).into_iter().flatten() {
            let length = entry.literal.len();
            if text.len() < length || entry.whole && text.len() > length {
                continue;
            }
            let met = match self.side {
                Side::Start => &text[..length],
                Side::End => &text[text.len() - length..],
            };
            if met.eq_ignore_ascii_case(&entry.literal) {
                entry.rules.iter().for_each(|rule| call(*rule));
            }
        }
    }
}

/// So many bytes of a text that is no shorter, as a number. One bit hides the case of letters; that it makes other bytes
/// one too is seen when comparing.
#[inline(always)]
fn number(side: Side, width: usize, text: &[u8]) -> u64 {
    const CASE: u64 = 0x2020_2020_2020_2020;
    let word = match (side, width) {
        (Side::Start, 8) => text.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
        (Side::End, 8) => text.last_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
        (Side::Start, 4) => text.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes))),
        (Side::End, 4) => text.last_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes))),
        (Side::Start, 2) => text.first_chunk().map(|bytes| u64::from(u16::from_le_bytes(*bytes))),
        (Side::End, 2) => text.last_chunk().map(|bytes| u64::from(u16::from_le_bytes(*bytes))),
        (Side::Start, _) => text.first().map(|byte| u64::from(*byte)),
        (Side::End, _) => text.last().map(|byte| u64::from(*byte)),
    };
    word.unwrap_or(0) | CASE
}

#[inline(always)]
fn bit(number: u64) -> usize {
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn what_stands_at_the_end_is_found(
            literals in vec(("[ab@`]{1,10}", any::<bool>()), 1..8), text in "[abAB@`]{0,12}", start in any::<bool>()
        ) {
            let side = if start { Side::Start } else { Side::End };
            let entry = |(number, (literal, whole)): (usize, &(String, bool))| {
                Entry { literal: literal.as_bytes().into(), whole: *whole, rules: vec![number as u32] }
            };
            let mut found = vec![false; literals.len()];
            let ends = Ends::new(side, literals.iter().enumerate().map(entry).collect()).unwrap();
            ends.see(text.as_bytes(), &mut |rule| found[rule as usize] = true);
            let text = text.to_lowercase();
            let there: Vec<bool> = literals.iter().map(|(literal, whole)| match (whole, side) {
                (true, _) => text == *literal,
                (false, Side::Start) => text.starts_with(literal.as_str()),
                (false, Side::End) => text.ends_with(literal.as_str()),
            }).collect();
            prop_assert_eq!(found, there);
        }
    }
}

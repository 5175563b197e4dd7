//! Where the strings of a line start and end, found for the whole line at once, 64 bytes at a time.

use std::{num::NonZero, ops::Range};

use super::lanes::{Lanes, lanes};

const BLOCK: usize = 64;

/// Quotes that no backslash escapes, and where the line is plain.
///
/// Plain bytes are printable ASCII, with no `\u` and no `\/`. A text of plain bytes stands in the line as it is, but
/// for escapes that are the only way to write what they stand for.
///
/// Which quotes are escaped is told by the backslashes right before each alone, as inside a string. Outside of one
/// that is no JSON, so whoever relies on it has to have seen the bytes between strings.
#[derive(Default)]
pub struct Quotes {
    at: Vec<u32>,
    count: usize,
    /// Blocks that are not plain, in order.
    strange: Vec<u32>,
    /// By block, the bytes that a backslash escapes, a bit for each; of the first blocks, up to the last that has one.
    escaped: Vec<u64>,
}

impl Quotes {
    /// Find the quotes of a line shorter than 4 GiB.
    pub fn find(&mut self, line: &[u8]) {
        self.count = 0;
        let (blocks, tail) = line.as_chunks::<BLOCK>();
        let mut escapes = Escapes::default();
        self.strange.clear();
        self.escaped.clear();
        for (number, block) in blocks.iter().enumerate() {
            self.take(lanes(block), &mut escapes, number);
        }
        if !tail.is_empty() {
            let mut block = [b' '; BLOCK];
            block[..tail.len()].copy_from_slice(tail);
            self.take(lanes(&block), &mut escapes, blocks.len());
        }
    }

    /// The positions, in order.
    pub fn positions(&self) -> &[u32] {
        &self.at[..self.count]
    }

    /// Whether every byte of the line is plain.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.strange.is_empty()
    }

    /// The positions of what backslashes escape, in order.
    pub fn escaped(&self) -> impl Iterator<Item = usize> {
        self.escaped.iter().enumerate().flat_map(|(number, bits)| Ones(*bits).map(move |at| number * BLOCK + at))
    }

    /// From the first block that is not plain to the end of the last.
    pub fn strange(&self) -> Range<usize> {
        let end = self.strange.last().map_or(0, |block| (*block as usize + 1) * BLOCK);
        self.strange.first().map_or(0, |block| *block as usize * BLOCK)..end
    }

    /// Whether some bytes of the line are plain, as far as blocks tell: those of a block are plain together.
    pub fn are_plain(&self, span: Range<u32>) -> bool {
        let (first, end) = (span.start / BLOCK as u32, span.end.div_ceil(BLOCK as u32));
        let after = self.strange.partition_point(|block| *block < first);
        span.is_empty() || self.strange.get(after).is_none_or(|block| *block >= end)
    }

    /// Note the quotes of a block, and whether it is plain.
    #[inline(always)]
    fn take(&mut self, lanes: Lanes, escapes: &mut Escapes, number: usize) {
        let start = (number * BLOCK) as u32;
        let mut strange = lanes.unprintable;
        if lanes.backslashes == 0 && escapes.carried == 0 {
            self.note(lanes.quotes, start);
        } else {
            let escaped = escapes.escaped(lanes.backslashes);
            self.note(lanes.quotes & !escaped, start);
            strange |= escaped & lanes.doubtful;
            self.escaped.resize(number, 0);
            self.escaped.push(escaped);
        }
        if strange != 0 {
            self.strange.push(number as u32);
        }
    }

    #[inline(always)]
    fn note(&mut self, mut quotes: u64, start: u32) {
        if self.at.len() < self.count + BLOCK {
            self.at.resize(2 * self.at.len() + BLOCK, 0);
        }
        let out = &mut self.at[self.count..self.count + BLOCK];
        let mut found = 0;
        while let Some(some) = NonZero::new(quotes) {
            out[found % BLOCK] = start + some.trailing_zeros();
            found += 1;
            quotes &= quotes - 1;
        }
        self.count += found;
    }
}

/// The places of the bits that are set, from the lowest on.
struct Ones(u64);

impl Iterator for Ones {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let some = NonZero::new(self.0)?;
        self.0 &= self.0 - 1;
        Some(some.trailing_zeros() as usize)
    }
}

/// Which bytes a backslash escapes, from block to block.
#[derive(Default)]
struct Escapes {
    /// 1 where the first byte of the next block is escaped.
    carried: u64,
}

impl Escapes {
    /// In a run of backslashes every second is escaped, and what follows the run where that is of odd length. Runs are
    /// added to where they start, so that the carry tells whether their end is at an odd or an even place.
    #[inline(always)]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let backslashes = backslashes & !self.carried;
        let follows = backslashes << 1 | self.carried;
        let odd_starts = backslashes & !EVEN & !follows;
        let (ends, overflow) = odd_starts.overflowing_add(backslashes);
        self.carried = u64::from(overflow);
        (EVEN ^ (ends << 1)) & follows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select};

    fn slow(line: &[u8]) -> (Vec<u32>, bool) {
        let escaped = |at: usize| line[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        let quotes = (0..line.len()).filter(|at| line[*at] == b'"' && !escaped(*at)).map(|at| at as u32).collect();
        let strange = |at: usize| !matches!(line[at], b' '..=b'\x7F') || matches!(line[at], b'u' | b'/') && escaped(at);
        (quotes, !(0..line.len()).any(strange))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

        #[test]
        fn quotes_are_those_not_escaped(line in vec(select(b"\"\\\\u/ab c\xC3\n\x7F".as_slice()), 0..300)) {
            let mut quotes = Quotes::default();
            quotes.find(b"\"\"\"");
            quotes.find(&line);
            prop_assert_eq!((quotes.positions().to_vec(), quotes.is_plain()), slow(&line));
            let escaped = |at: &usize| line[..*at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
            let found: Vec<usize> = quotes.escaped().filter(|at| *at < line.len()).collect();
            prop_assert_eq!(found, (0..line.len()).filter(escaped).collect::<Vec<_>>());
        }

        #[test]
        fn bytes_are_plain_where_the_line_is(line in vec(prop_oneof![60 => Just(b'a'), 1 => Just(b'\\'), 1 => Just(b'u'),
            1 => Just(b'\n')], 0..400), start in 0usize..400, end in 0usize..400)
        {
            let mut quotes = Quotes::default();
            quotes.find(&line);
            let (start, end) = (start.min(end).min(line.len()), end.max(start).min(line.len()));
            let escaped = |at: usize| line[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
            let strange = |at: usize| line[at] == b'\n' || line[at] == b'u' && escaped(at);
            if quotes.are_plain(start as u32..end as u32) {
                prop_assert!(!(start..end).any(strange));
            } else {
                let (first, after) = (start / BLOCK * BLOCK, end.next_multiple_of(BLOCK).min(line.len()));
                prop_assert!((first..after).any(strange));
            }
        }

        #[test]
        fn runs_of_backslashes_cross_blocks(before in 0usize..70, run in 0usize..200) {
            let line = [vec![b'a'; before], vec![b'\\'; run], b"\"u\"".to_vec()].concat();
            let mut quotes = Quotes::default();
            quotes.find(&line);
            prop_assert_eq!((quotes.positions().to_vec(), quotes.is_plain()), slow(&line));
        }
    }
}

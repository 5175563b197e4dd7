//! Where the strings of a line start and end, found for the whole line at once, 64 bytes at a time.

use std::num::NonZero;

use super::lanes::{Lanes, lanes};

const BLOCK: usize = 64;

/// Quotes that no backslash escapes, and whether the line is plain.
///
/// Which quotes are escaped is told by the backslashes right before each alone, as inside a string. Outside of one
/// that is no JSON, so whoever relies on it has to have seen the bytes between strings.
#[derive(Default)]
pub struct Quotes {
    at: Vec<u32>,
    count: usize,
    plain: bool,
}

impl Quotes {
    /// Find the quotes of a line shorter than 4 GiB.
    pub fn find(&mut self, line: &[u8]) {
        self.count = 0;
        let (blocks, tail) = line.as_chunks::<BLOCK>();
        let mut escapes = Escapes::default();
        let mut strange = 0;
        for (number, block) in blocks.iter().enumerate() {
            strange |= self.take(lanes(block), &mut escapes, number * BLOCK);
        }
        if !tail.is_empty() {
            let mut block = [b' '; BLOCK];
            block[..tail.len()].copy_from_slice(tail);
            strange |= self.take(lanes(&block), &mut escapes, blocks.len() * BLOCK);
        }
        self.plain = strange == 0;
    }

    /// The positions, in order.
    pub fn positions(&self) -> &[u32] {
        &self.at[..self.count]
    }

    /// Whether every text of the line stands in it as it is, but for escapes that are the only way to write what they
    /// stand for: the line is printable ASCII, with no `\u` and no `\/`.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// Note the quotes of a block; the result is not zero where the block is not plain.
    #[inline(always)]
    fn take(&mut self, lanes: Lanes, escapes: &mut Escapes, start: usize) -> u64 {
        if lanes.backslashes == 0 && escapes.carried == 0 {
            self.note(lanes.quotes, start as u32);
            return lanes.unprintable;
        }
        let escaped = escapes.escaped(lanes.backslashes);
        self.note(lanes.quotes & !escaped, start as u32);
        lanes.unprintable | escaped & lanes.doubtful
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

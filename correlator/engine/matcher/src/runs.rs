//! Which runs of three bytes a text has, in either case of ASCII, so that a literal that is not in it need not be
//! looked for.
//!
//! A run is a bit, and several may share one: what the bits say a text lacks, it lacks.

use crate::{common::commonness, json::canonical};

/// Length of a run.
const RUN: usize = 3;

/// Bits for each byte of a text, and how many at least and at most.
const BITS_A_BYTE: usize = 8;
const MIN_BITS: usize = 1 << 9;
const MAX_BITS: usize = 1 << 17;

/// Longest text that is worth it: of a longer one most bits would be set.
const MAX_TEXT: usize = MAX_BITS / 2;

/// Runs of a text.
#[derive(Default)]
pub struct Runs {
    words: Vec<u64>,
    shift: u32,
}

/// Two runs of a literal, hashed.
#[derive(Clone, Copy, Debug)]
pub struct Sought([u32; 2]);

impl Runs {
    /// Whether they are worth noting for a text in which so many literals are looked for. Noting takes as long as
    /// looking for that many: fewer in a short text, where each search takes a time to begin.
    pub fn are_worth(text: &[u8], literals: usize) -> bool {
        literals > (4 + text.len() / 64).min(16) && text.len() <= MAX_TEXT
    }

    /// Note the runs of a text in place of those of another.
    pub fn note(&mut self, text: &[u8]) {
        let bits = (BITS_A_BYTE * text.len()).next_power_of_two().clamp(MIN_BITS, MAX_BITS);
        let shift = u32::BITS - bits.ilog2();
        self.words.clear();
        self.words.resize(bits / 64, 0);
        let words = &mut *self.words;
        let mut note = |hash: u32| words[(hash >> shift) as usize / 64] |= 1 << (hash >> shift & 63);
        text.array_windows().for_each(|wide: &[u8; RUN + 1]| note(hash(u32::from_le_bytes(*wide))));
        text.last_chunk().into_iter().for_each(|run| note(hash_of(*run)));
        self.shift = shift;
    }

    /// Whether a text with these runs may have the literal in it.
    #[inline]
    pub fn may_have(&self, sought: Sought) -> bool {
        let [first, second] = sought.0.map(|hash| {
            let bit = hash >> self.shift;
            self.words[bit as usize / 64] >> (bit & 63)
        });
        first & second & 1 == 1
    }
}

impl Sought {
    /// What to look for of literals of which a text has to have one, brought to canonical form; nothing where that cannot
    /// be told for some.
    pub fn any_of<'a>(literals: impl IntoIterator<Item = &'a str>) -> Option<Box<[Self]>> {
        // Damage reads as U+FFFD, and does not stand in the line as that.
        let one = |literal: &str| Self::new(&canonical(literal)).filter(|_| !literal.contains('\u{FFFD}'));
        literals.into_iter().map(one).collect()
    }

    /// What to look for of a literal in canonical form: its least common runs; nothing where it is shorter than a run.
    pub fn new(literal: &[u8]) -> Option<Self> {
        let cost = |run: &&[u8; RUN]| run.iter().map(|byte| u32::from(commonness(*byte))).sum::<u32>();
        let mut runs = literal.array_windows().map(|run| (cost(&run), run));
        let (mut first, mut second) = (runs.next()?, None);
        for run in runs {
            if run.0 < first.0 {
                second = Some(std::mem::replace(&mut first, run));
            } else if second.is_none_or(|second: (u32, _)| run.0 < second.0) {
                second = Some(run);
            }
        }
        Some(Self([first, second.unwrap_or(first)].map(|(_, run)| hash_of(*run))))
    }
}

#[inline(always)]
fn hash_of([first, second, third]: [u8; RUN]) -> u32 {
    hash(u32::from_le_bytes([first, second, third, 0]))
}

/// The hash of the run in the three lower bytes. One bit of each byte hides the case of letters; that it makes other
/// bytes one too does no harm. A fourth byte is shifted out of the number.
#[inline(always)]
fn hash(run: u32) -> u32 {
    ((run | 0x0020_2020) << 8).wrapping_mul(0x9E37_79B1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn runs(text: &[u8]) -> Runs {
        let mut runs = Runs::default();
        runs.note(text);
        runs
    }

    proptest! {
        #[test]
        fn what_is_there_is_never_denied(before in ".{0,40}", literal in ".{1,12}", after in ".{0,40}") {
            let text = format!("{before}{}{after}", literal.to_ascii_uppercase());
            if let Some(sought) = Sought::new(literal.to_ascii_lowercase().as_bytes()) {
                prop_assert!(runs(text.as_bytes()).may_have(sought));
            }
        }
    }

    #[test]
    fn what_is_not_there_is_mostly_denied() {
        let runs = runs(br"C:\\Windows\\System32\\cmd.exe /c whoami");
        let denied = |literal: &str| !runs.may_have(Sought::new(literal.as_bytes()).unwrap());
        assert!(["mimikatz", "rundll32", "-enc", "powershell"].into_iter().all(denied));
    }

    #[test]
    fn some_texts_are_not_for_it() {
        assert!(!Runs::are_worth(&[b'a'; MAX_TEXT + 1], 1000));
        assert!(!Runs::are_worth(b"ab", 1));
        assert!(Sought::new(b"ab").is_none());
    }
}

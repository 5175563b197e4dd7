//! Which runs of three bytes a text has, in either case of ASCII, so that a literal that is not in it need not be
//! looked for.
//!
//! A run is a bit, and several may share one: what the bits say a text lacks, it lacks.

/// Length of a run.
const RUN: usize = 3;

const WORDS: usize = 64;

/// Longest text that is worth it: of a longer one most bits are set.
const MAX_TEXT: usize = 2048;

/// Runs of a text.
pub struct Runs([u64; WORDS]);

/// Two runs of a literal, as bits.
#[derive(Clone, Copy, Debug)]
pub struct Sought([u16; 2]);

impl Runs {
    /// The runs of a text; nothing where it is too long.
    pub fn of(text: &[u8]) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut words = [0; WORDS];
        for run in text.windows(RUN) {
            let bit = bit(run);
            words[usize::from(bit >> 6) % WORDS] |= 1 << (bit & 63);
        }
        Some(Self(words))
    }

    /// Whether a text with these runs may have the literal in it.
    #[inline]
    pub fn may_have(&self, sought: Sought) -> bool {
        let [first, second] = sought.0.map(|bit| self.0[usize::from(bit >> 6) % WORDS] >> (bit & 63));
        first & second & 1 == 1
    }
}

impl Sought {
    /// What to look for of a literal: the runs of least `commonness`; nothing where it is shorter than a run.
    pub fn new(literal: &[u8], commonness: impl Fn(u8) -> u8) -> Option<Self> {
        let cost = |run: &&[u8]| run.iter().map(|byte| u32::from(commonness(*byte))).sum::<u32>();
        let mut runs: Vec<&[u8]> = literal.windows(RUN).collect();
        runs.sort_by_key(cost);
        let first = runs.first()?;
        Some(Self([bit(first), bit(runs.get(1).unwrap_or(first))]))
    }
}

/// The bit of a run. One bit of each byte hides the case of letters; that it makes other bytes one too does no harm.
#[inline(always)]
fn bit(run: &[u8]) -> u16 {
    let number = u32::from_le_bytes([run[0] | 0x20, run[1] | 0x20, run[2] | 0x20, 0]);
    (number.wrapping_mul(0x9E37_79B1) >> (32 - (64 * WORDS).ilog2())) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_there_is_never_denied(before in ".{0,40}", literal in ".{1,12}", after in ".{0,40}") {
            let text = format!("{before}{}{after}", literal.to_ascii_uppercase());
            if let Some(sought) = Sought::new(literal.to_ascii_lowercase().as_bytes(), |byte| byte) {
                prop_assert!(Runs::of(text.as_bytes()).unwrap().may_have(sought));
            }
        }
    }

    #[test]
    fn what_is_not_there_is_mostly_denied() {
        let runs = Runs::of(br"C:\\Windows\\System32\\cmd.exe /c whoami").unwrap();
        let denied = |literal: &str| !runs.may_have(Sought::new(literal.as_bytes(), |_| 0).unwrap());
        assert!(["mimikatz", "rundll32", "-enc", "powershell"].into_iter().all(denied));
    }

    #[test]
    fn some_texts_are_not_for_it() {
        assert!(Runs::of(&[b'a'; MAX_TEXT + 1]).is_none());
        assert!(Sought::new(b"ab", |_| 0).is_none());
    }
}

//! Bounds on what the windows hold, and what is said when one is hit.

use std::collections::BTreeMap;

/// How much the windows may hold. What is beyond does not enter, and is reported: nothing that is in is put out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys of all correlations together.
    pub keys: usize,
    /// Items of one key.
    pub items: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 10_000_000, items: 1_000_000 }
    }
}

/// Which bound was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound {
    Keys,
    Items,
}

/// How many items each correlation had to leave out, by bound, since the last look.
#[derive(Debug, Default)]
pub(crate) struct Refused(BTreeMap<(usize, Bound), u64>);

impl Refused {
    pub fn count(&mut self, rule: usize, bound: Bound, items: u64) {
        if items > 0 {
            *self.0.entry((rule, bound)).or_default() += items;
        }
    }

    /// One readable line for each correlation and bound, with the index of the correlation.
    pub fn take(&mut self, limits: Limits) -> Vec<(usize, String)> {
        let describe = |((rule, bound), items): ((usize, Bound), u64)| {
            let what = match bound {
                Bound::Keys => {
                    format!("{items} matches not counted: {} groups are being watched, the most allowed", limits.keys)
                }
                Bound::Items => {
                    format!("{items} matches not counted: their group holds {}, the most allowed", limits.items)
                }
            };
            (rule, what)
        };
        std::mem::take(&mut self.0).into_iter().map(describe).collect()
    }
}

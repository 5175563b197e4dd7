//! Bounds on what the windows hold, and what is said when one is hit.

use std::collections::BTreeMap;

use crate::compile::Correlation;

/// How much the windows may hold. What is beyond does not enter, and is reported: nothing that is in is put out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys of all correlations together that are in memory. With a shelf, those beyond go to the store at a commit, and
    /// until then there may be `SLACK` times as many.
    pub keys: usize,
    /// Keys that are in the store alone, about 30 bytes of memory each.
    pub stored: usize,
    /// Items of one key.
    pub items: usize,
    /// Items of one key of a correlation with a place or an order: there every item may be compared with all others of
    /// its window (with those near it, if the relation bounds the distance or asks for the same zone), so a flood of one
    /// key would hold up all the others.
    pub compared: usize,
    /// The same for a correlation with an absence, where an item costs several times as much.
    pub awaiting: usize,
    /// A window of so few items is looked at as it is; larger ones are followed as they move. Changes speed alone.
    pub few: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 2_000_000, stored: 50_000_000, items: 1_000_000, compared: 50_000, awaiting: 10_000, few: 128 }
    }
}

/// So many times the bound of keys may be in memory before the store has taken those that changed.
const SLACK: usize = 4;

impl Limits {
    /// The number of items at which a key of the correlation takes no new one in, and what to call that bound.
    pub(crate) fn most_items(self, correlation: &Correlation) -> (usize, Bound) {
        match (correlation.awaited != 0, correlation.slides()) {
            (true, _) => (self.items.min(self.awaiting), Bound::Awaiting),
            (false, false) => (self.items.min(self.compared), Bound::Compared),
            (false, true) => (self.items, Bound::Items),
        }
    }

    /// The number of keys in memory at which no new one is taken in.
    pub(crate) fn most_keys(self, shelf: bool) -> usize {
        if shelf { self.keys.saturating_mul(SLACK) } else { self.keys }
    }
}

/// Which bound was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound {
    Keys,
    Items,
    Compared,
    Awaiting,
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
    pub fn take(&mut self, limits: Limits, shelf: bool) -> Vec<(usize, String)> {
        let keys = limits.most_keys(shelf);
        let describe = |((rule, bound), refused): ((usize, Bound), u64)| {
            let held = |most: usize, where_: &str| {
                format!("{refused} matches not counted: their group holds {most}, the most allowed{where_}")
            };
            let what = match bound {
                Bound::Keys => {
                    format!("{refused} matches not counted: {keys} groups are in memory, the most allowed")
                }
                Bound::Items => held(limits.items, ""),
                Bound::Compared => {
                    held(limits.items.min(limits.compared), " where a rule asks for a place or an order")
                }
                Bound::Awaiting => held(limits.items.min(limits.awaiting), " where a rule asks for an absence"),
            };
            (rule, what)
        };
        std::mem::take(&mut self.0).into_iter().map(describe).collect()
    }
}

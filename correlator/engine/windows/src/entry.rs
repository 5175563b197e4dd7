//! One item as a key keeps it.

use std::sync::Arc;

use crate::item::Whereabouts;

/// What the window of an entry came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// The condition does not hold.
    #[default]
    None,
    /// It holds.
    Holds,
    /// It holds once event time has passed the end of the wait for an absent rule.
    Awaits,
}

/// An item in the sorted sequence of a key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub time: i64,
    pub id: Arc<str>,
    /// Positions of the rules that it matched.
    pub rules: u64,
    /// What the measure counts: digests of values, or fixed-point numbers.
    pub values: Box<[u128]>,
    pub whereabouts: Option<Arc<Whereabouts>>,
    pub explained: bool,
    pub verdict: Verdict,
    /// The verdict counts now: the wait is over, and some member is unexplained.
    pub fires: bool,
    /// The component it is a member of, 0 for none.
    pub label: u32,
    /// The alert as whose firing the later correlations know it, 0 for none.
    pub shown: u32,
    /// The event time at which they know it.
    pub shown_at: i64,
    /// Its place changed, and they do not know that yet.
    pub moved: bool,
    /// The row of the store that it is written to, 0 before it is in a sequence.
    pub chunk: u32,
    /// What it adds to the digest of an alert, 0 before it is a member.
    pub digest: u64,
}

impl Entry {
    /// What the sequence is sorted by.
    pub fn order(&self) -> (i64, &str) {
        (self.time, &self.id)
    }

    /// Whether nothing depends on it yet.
    pub fn is_quiet(&self) -> bool {
        !self.explained && !self.fires && self.verdict == Verdict::None && self.shown == 0
    }

    /// Whether it waits for the end of an absence.
    pub fn waits(&self) -> bool {
        self.verdict == Verdict::Awaits && !self.fires
    }

    /// Takes in the same item matched once more; says whether that changed anything.
    pub fn absorb(&mut self, other: Entry) -> bool {
        let before = (self.rules, self.explained, self.values.len(), self.whereabouts.clone());
        self.rules |= other.rules;
        // The newest word of the plan counts: it may take an explanation back, or give it after all.
        self.explained = other.explained;
        if other.whereabouts.is_some() {
            self.moved |= self.whereabouts != other.whereabouts;
            self.whereabouts = other.whereabouts;
        }
        if self.values != other.values {
            let mut values: Vec<u128> = self.values.iter().chain(other.values.iter()).copied().collect();
            values.sort_unstable();
            values.dedup();
            self.values = values.into();
        }
        before != (self.rules, self.explained, self.values.len(), self.whereabouts.clone())
    }
}

//! Events whose explanation by the plan may still change: what stands near them may be evaluated anew until then.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// An event with its event time and the event time (µs) up to which its explanation may change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pending {
    /// Until then.
    pub until: i64,
    /// Event time.
    pub time: i64,
    /// Event id.
    pub id: Arc<str>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pending: BTreeSet<Pending>,
    ids: HashSet<Arc<str>>,
    /// How many there are at an event time.
    times: BTreeMap<i64, u32>,
}

impl Held {
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Their event times, ascending.
    pub fn times(&self) -> impl Iterator<Item = i64> {
        self.times.keys().copied()
    }

    pub fn add(&mut self, pending: Pending) {
        if self.ids.insert(pending.id.clone()) {
            *self.times.entry(pending.time).or_default() += 1;
            self.pending.insert(pending);
        }
    }

    /// Lets go of those whose time is over.
    pub fn release(&mut self, now: i64) {
        while let Some(over) = self.pending.pop_first() {
            if over.until >= now {
                self.pending.insert(over);
                return;
            }
            self.ids.remove(&over.id);
            if let Some(count) = self.times.get_mut(&over.time) {
                *count -= 1;
                if *count == 0 {
                    self.times.remove(&over.time);
                }
            }
        }
    }
}

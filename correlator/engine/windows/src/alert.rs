//! The published alerts of a key, by slot: what a change is compared with.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One alert as it was last published.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alert {
    pub id: Arc<str>,
    pub revision: u32,
    /// Digest of what was published; no change, no revision.
    pub fingerprint: u64,
    /// Not gone.
    pub live: bool,
    /// Time and id of the earliest member.
    pub first: (i64, Arc<str>),
    /// Event time of the newest member.
    pub last: i64,
    pub at: i64,
    pub newest: Arc<str>,
}

/// Alerts by slot number; gone ones stay until they can no longer come back, so that revisions count on.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    slots: BTreeMap<u32, Alert>,
    by_id: HashMap<Arc<str>, u32>,
    next: u32,
}

impl Alerts {
    /// The slot of an alert id, if it was ever published.
    pub fn slot_of(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub fn get(&self, slot: u32) -> Option<&Alert> {
        self.slots.get(&slot)
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Alert> {
        self.slots.get_mut(&slot)
    }

    /// Puts an alert into a new slot; slots count from 1.
    pub fn add(&mut self, alert: Alert) -> u32 {
        self.next += 1;
        self.put(self.next, alert);
        self.next
    }

    /// Puts an alert into a given slot.
    pub fn put(&mut self, slot: u32, alert: Alert) {
        self.next = self.next.max(slot);
        self.by_id.insert(alert.id.clone(), slot);
        self.slots.insert(slot, alert);
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Alert)> {
        self.slots.iter().map(|(slot, alert)| (*slot, alert))
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Keeps only the alerts for which `keep` holds; gives the ids of the others.
    pub fn retain(&mut self, keep: impl Fn(u32, &Alert) -> bool) -> Vec<Arc<str>> {
        let mut dropped = Vec::new();
        self.slots.retain(|slot, alert| {
            let kept = keep(*slot, alert);
            if !kept {
                dropped.push(alert.id.clone());
            }
            kept
        });
        let slots = &self.slots;
        self.by_id.retain(|_, slot| slots.contains_key(slot));
        dropped
    }
}

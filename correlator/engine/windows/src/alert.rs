//! The published alerts of a key, by slot: what a change is compared with.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Alerts of one row of the store.
const BLOCK: u32 = 16;

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
    /// The highest slot ever given. Later correlations know alerts by slot, so none is given twice.
    last: u32,
    /// Blocks of slots that changed since they were written.
    unwritten: BTreeSet<u32>,
}

impl Alerts {
    /// The block that a slot lies in.
    pub fn block_of(slot: u32) -> u32 {
        slot / BLOCK
    }

    /// The slot of an alert id, if it was ever published.
    pub fn slot_of(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub fn get(&self, slot: u32) -> Option<&Alert> {
        self.slots.get(&slot)
    }

    /// An alert to change.
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Alert> {
        self.unwritten.insert(Self::block_of(slot));
        self.slots.get_mut(&slot)
    }

    /// Puts an alert into a new slot; slots count from 1.
    pub fn add(&mut self, alert: Alert) -> u32 {
        let slot = self.last.saturating_add(1);
        self.put(slot, alert);
        self.unwritten.insert(Self::block_of(slot));
        slot
    }

    /// The highest slot ever given.
    pub fn last(&self) -> u32 {
        self.last
    }

    /// Goes on after a slot that was given before a restart.
    pub fn resume(&mut self, last: u32) {
        self.last = self.last.max(last);
    }

    /// The alerts of a block.
    pub fn block(&self, block: u32) -> impl Iterator<Item = (u32, &Alert)> {
        let first = block.saturating_mul(BLOCK);
        self.slots.range(first..=first.saturating_add(BLOCK - 1)).map(|(slot, alert)| (*slot, alert))
    }

    /// Blocks that changed since the last call.
    pub fn take_unwritten(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.unwritten)
    }

    /// All blocks that the store may have.
    pub fn blocks(&self) -> BTreeSet<u32> {
        self.slots.keys().map(|slot| Self::block_of(*slot)).chain(self.unwritten.iter().copied()).collect()
    }

    /// Puts an alert into a given slot.
    pub fn put(&mut self, slot: u32, alert: Alert) {
        self.last = self.last.max(slot);
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
        let Self { slots, by_id, unwritten, .. } = self;
        slots.retain(|slot, alert| {
            let kept = keep(*slot, alert);
            if !kept {
                unwritten.insert(Self::block_of(*slot));
                by_id.remove(&alert.id);
                dropped.push(alert.id.clone());
            }
            kept
        });
        dropped
    }
}

//! All keys, by name and by number, with the event times at which they want to be looked at.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::compile::Correlation;
use crate::entry::Entry;
use crate::key::Key;
use crate::name::{group, split};
use crate::quiet::Quiet;

/// The number of a key, used again when the key is gone.
pub(crate) type Handle = u32;

/// What is kept under a number.
#[derive(Debug)]
pub(crate) enum Record {
    Quiet(Quiet),
    Live(Box<Key>),
}

#[derive(Debug)]
struct Slot {
    record: Record,
    /// The event time at which the key is looked at, `i64::MAX` for none.
    wake: i64,
    unwritten: bool,
}

/// The keys of all correlations.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    slots: Vec<Slot>,
    free: Vec<Handle>,
    by_name: HashTable<Handle>,
    hashing: RandomState,
    /// Some are out of date: a key counts only under the time that its slot names.
    wakes: BTreeMap<i64, Vec<Handle>>,
    unwritten: Vec<Handle>,
}

impl Keys {
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn find(&self, name: &[u8]) -> Option<Handle> {
        let same = |handle: &Handle| self.name(*handle) == name;
        self.by_name.find(self.hashing.hash_one(name), same).copied()
    }

    /// Makes a key; its name must be new.
    pub fn add(&mut self, record: Record) -> Handle {
        let slot = Slot { record, wake: i64::MAX, unwritten: false };
        let handle = match self.free.pop() {
            Some(handle) => {
                self.slots[handle as usize] = slot;
                handle
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as Handle
            }
        };
        let Self { by_name, slots, hashing, .. } = self;
        let hash = |handle: &Handle| hashing.hash_one(slots[*handle as usize].record.name());
        by_name.insert_unique(hash(&handle), handle, hash);
        handle
    }

    /// Takes a key away.
    pub fn remove(&mut self, handle: Handle) {
        let hash = self.hashing.hash_one(self.name(handle));
        if let Ok(entry) = self.by_name.find_entry(hash, |known| *known == handle) {
            entry.remove();
            self.slots[handle as usize] =
                Slot { record: Record::Quiet(Quiet::new(&[])), wake: i64::MAX, unwritten: false };
            self.free.push(handle);
        }
    }

    pub fn name(&self, handle: Handle) -> &[u8] {
        self.slots[handle as usize].record.name()
    }

    pub fn record(&self, handle: Handle) -> &Record {
        &self.slots[handle as usize].record
    }

    pub fn record_mut(&mut self, handle: Handle) -> &mut Record {
        &mut self.slots[handle as usize].record
    }

    /// The key as one that can be worked on, unpacked if it is at rest.
    pub fn live(&mut self, handle: Handle, correlation: &Correlation) -> &mut Key {
        let record = &mut self.slots[handle as usize].record;
        if let Record::Quiet(quiet) = record {
            let name = quiet.name();
            let group = group(correlation, split(name).1).unwrap_or_default();
            let mut key = Key { name: name.into(), group, ..Key::default() };
            key.insert_all(quiet.entries());
            *record = Record::Live(Box::new(key));
        }
        match record {
            Record::Live(key) => key,
            Record::Quiet(_) => unreachable!("it was just unpacked"),
        }
    }

    /// The key, unless it is at rest.
    pub fn live_one(&self, handle: Handle) -> Option<&Key> {
        match self.record(handle) {
            Record::Quiet(_) => None,
            Record::Live(key) => Some(key),
        }
    }

    /// Takes an item into a key at rest, unless it has to be worked on for that.
    pub fn admit_quietly(&mut self, handle: Handle, correlation: &Correlation, entry: &Entry) -> bool {
        let admitted = match self.record_mut(handle) {
            Record::Quiet(quiet) => quiet.admit(correlation, entry),
            Record::Live(_) => false,
        };
        if admitted {
            self.mark(handle);
        }
        admitted
    }

    /// Event time at which a key is looked at next.
    pub fn wake(&self, handle: Handle) -> i64 {
        self.slots[handle as usize].wake
    }

    pub fn set_wake(&mut self, handle: Handle, wake: i64) {
        if std::mem::replace(&mut self.slots[handle as usize].wake, wake) != wake && wake != i64::MAX {
            self.wakes.entry(wake).or_default().push(handle);
        }
    }

    /// Takes the keys that want to be looked at before an event time, with their correlation.
    pub fn take_due(&mut self, before: i64) -> Vec<(usize, Handle)> {
        let mut due = Vec::new();
        while let Some(first) = self.wakes.first_entry().filter(|e| *e.key() < before) {
            let (wake, handles) = first.remove_entry();
            for handle in handles {
                let slot = &mut self.slots[handle as usize];
                if slot.wake == wake {
                    slot.wake = i64::MAX;
                    due.push((split(slot.record.name()).0, handle));
                }
            }
        }
        due
    }

    /// The key has to be written at the next commit.
    pub fn mark(&mut self, handle: Handle) {
        if !std::mem::replace(&mut self.slots[handle as usize].unwritten, true) {
            self.unwritten.push(handle);
        }
    }

    /// The keys that were marked since the last call and are still there.
    pub fn take_unwritten(&mut self) -> Vec<Handle> {
        let mut unwritten = std::mem::take(&mut self.unwritten);
        unwritten.retain(|handle| std::mem::take(&mut self.slots[*handle as usize].unwritten));
        unwritten
    }
}

impl Record {
    pub fn name(&self) -> &[u8] {
        match self {
            Self::Quiet(quiet) => quiet.name(),
            Self::Live(key) => &key.name,
        }
    }
}

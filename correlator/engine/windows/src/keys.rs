//! All keys in memory, by name and by number, with the event times at which they want to be looked at.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::arena::{Arena, Run};
use crate::codec::Writer;
use crate::compile::Correlation;
use crate::entry::Entry;
use crate::key::Key;
use crate::name::{group, split};
use crate::quiet::{Packed, Quiet};

/// The number of a key, used again when the key is gone.
pub(crate) type Handle = u32;

/// A key on its way into memory.
#[derive(Debug)]
pub(crate) enum Record {
    Quiet(Quiet),
    Live(Box<Key>),
}

/// A key as it lies in memory.
#[derive(Debug)]
pub(crate) enum Seen<'a> {
    Quiet(Packed<'a>),
    Live(&'a Key),
}

/// What is kept under a number.
#[derive(Debug)]
enum Kept {
    None,
    Quiet(Run),
    Live(Box<Key>),
}

/// Keyed anew in every process, so that nobody can choose names that collide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NameHash(u32);

impl NameHash {
    /// As the table wants it: which bucket from the low bits, a tag from the highest.
    fn wide(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }
}

#[derive(Debug)]
struct Slot {
    kept: Kept,
    /// The event time at which the key is looked at, `i64::MAX` for none.
    wake: i64,
    /// Changed since it was last written.
    unwritten: bool,
    /// Written, but whoever writes has not yet said that this is durable.
    pending: bool,
    /// Met since the last search for keys that may leave memory.
    met: bool,
    /// An item of it is explained, or was.
    explained: bool,
    /// The store says, or will with the next commit, that a start has to read it at once.
    pinned: bool,
}

impl Slot {
    fn of(kept: Kept) -> Self {
        Self { kept, wake: i64::MAX, unwritten: false, pending: false, met: true, explained: false, pinned: false }
    }
}

/// The keys of all correlations.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    slots: Vec<Slot>,
    free: Vec<Handle>,
    /// The bytes of keys at rest.
    arena: Arena,
    /// Where an item is written before it is taken in.
    item: Writer,
    /// The hash stands beside the number, so that a growing table need not visit the keys.
    by_name: HashTable<(NameHash, Handle)>,
    hashing: RandomState,
    /// Some are out of date: a key counts only under the time that its slot names.
    wakes: BTreeMap<i64, Vec<Handle>>,
    wakes_kept: usize,
    unwritten: Vec<Handle>,
    pending: Vec<Handle>,
    /// Where the search for keys that may leave memory goes on.
    hand: usize,
}

impl Keys {
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn hash(&self, name: &[u8]) -> NameHash {
        NameHash(self.hashing.hash_one(name) as u32)
    }

    pub fn find(&self, name: &[u8]) -> Option<Handle> {
        self.find_hashed(self.hash(name), name)
    }

    pub fn find_hashed(&self, hash: NameHash, name: &[u8]) -> Option<Handle> {
        let same = |known: &(NameHash, Handle)| known.0 == hash && self.name(known.1) == name;
        self.by_name.find(hash.wide(), same).map(|(_, handle)| *handle)
    }

    /// A key that has the hash, most likely the one that is meant.
    pub fn guess(&self, hash: NameHash) -> Option<Handle> {
        self.by_name.find(hash.wide(), |known| known.0 == hash).map(|(_, handle)| *handle)
    }

    /// Reads a little of a key: done for several keys in a row, their memory is fetched at the same time.
    pub fn glance(&self, handle: Handle) -> u8 {
        match self.record(handle) {
            Seen::Quiet(packed) => packed.glance(),
            Seen::Live(_) => 0,
        }
    }

    /// Makes a key; its name must be new.
    pub fn add(&mut self, record: Record) -> Handle {
        let hash = self.hash(record.name());
        let kept = match record {
            Record::Quiet(quiet) => Kept::Quiet(self.arena.put(quiet.packed().0, &[])),
            Record::Live(key) => Kept::Live(key),
        };
        self.insert(hash, kept)
    }

    /// Makes a key at rest whose name, which must be new, has this hash. It has no item yet.
    pub fn add_empty(&mut self, hash: NameHash, name: &[u8]) -> Handle {
        self.item.truncate(0);
        self.item.number(name.len() as u64);
        let run = self.arena.put(self.item.bytes(), name);
        self.insert(hash, Kept::Quiet(run))
    }

    fn insert(&mut self, hash: NameHash, kept: Kept) -> Handle {
        let slot = Slot::of(kept);
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
        self.by_name.insert_unique(hash.wide(), (hash, handle), |known| known.0.wide());
        handle
    }

    /// Takes a key away.
    pub fn remove(&mut self, handle: Handle) {
        let hash = self.hash(self.name(handle));
        if let Ok(entry) = self.by_name.find_entry(hash.wide(), |known| known.1 == handle) {
            entry.remove();
            self.replace(handle, Kept::None);
            self.slots[handle as usize] = Slot::of(Kept::None);
            self.free.push(handle);
        }
    }

    /// Puts a key to rest.
    pub fn pack(&mut self, handle: Handle, quiet: &Quiet) {
        let run = self.arena.put(quiet.packed().0, &[]);
        self.replace(handle, Kept::Quiet(run));
    }

    fn replace(&mut self, handle: Handle, kept: Kept) {
        if let Kept::Quiet(run) = std::mem::replace(&mut self.slots[handle as usize].kept, kept) {
            self.arena.free(run);
        }
    }

    pub fn name(&self, handle: Handle) -> &[u8] {
        match self.record(handle) {
            Seen::Quiet(packed) => packed.name(),
            Seen::Live(key) => &key.name,
        }
    }

    pub fn record(&self, handle: Handle) -> Seen<'_> {
        match &self.slots[handle as usize].kept {
            Kept::None => Seen::Quiet(Packed(&[])),
            Kept::Quiet(run) => Seen::Quiet(Packed(self.arena.get(*run))),
            Kept::Live(key) => Seen::Live(key),
        }
    }

    /// A key that is not at rest.
    pub fn live_mut(&mut self, handle: Handle) -> Option<&mut Key> {
        match &mut self.slots[handle as usize].kept {
            Kept::Live(key) => Some(key),
            _ => None,
        }
    }

    /// The key as one that can be worked on, unpacked if it is at rest.
    pub fn live(&mut self, handle: Handle, correlation: &Correlation) -> &mut Key {
        self.slots[handle as usize].met = true;
        if let Seen::Quiet(packed) = self.record(handle) {
            let name = packed.name();
            let group = group(correlation, split(name).1).unwrap_or_default();
            let mut key = Key { name: name.into(), group, ..Key::default() };
            key.insert_all(packed.entries());
            self.replace(handle, Kept::Live(Box::new(key)));
        }
        match &mut self.slots[handle as usize].kept {
            Kept::Live(key) => key,
            _ => unreachable!("it was just unpacked"),
        }
    }

    /// The key, unless it is at rest.
    pub fn live_one(&self, handle: Handle) -> Option<&Key> {
        match self.record(handle) {
            Seen::Quiet(_) => None,
            Seen::Live(key) => Some(key),
        }
    }

    /// Takes an item into a key at rest, unless it has to be worked on for that.
    pub fn admit_quietly(&mut self, handle: Handle, correlation: &Correlation, entry: &Entry) -> bool {
        let slot = &mut self.slots[handle as usize];
        slot.met = true;
        let Kept::Quiet(run) = &mut slot.kept else { return false };
        let admitted = Packed(self.arena.get(*run)).admit(correlation, entry, &mut self.item);
        if admitted {
            *run = self.arena.extend(*run, self.item.bytes());
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
            self.wakes_kept += 1;
            if self.wakes_kept > 2 * self.slots.len() + 1024 {
                self.tidy_wakes();
            }
        }
    }

    /// Drops what is out of date: keys that come and go would else leave ever more behind.
    fn tidy_wakes(&mut self) {
        self.wakes.clear();
        let wanted = self.slots.iter().zip(0..).filter(|(slot, _)| slot.wake != i64::MAX);
        wanted.for_each(|(slot, handle)| self.wakes.entry(slot.wake).or_default().push(handle));
        self.wakes_kept = self.wakes.values().map(Vec::len).sum();
    }

    /// Takes the keys that want to be looked at before an event time, with their correlation.
    pub fn take_due(&mut self, before: i64) -> Vec<(usize, Handle)> {
        let mut due = Vec::new();
        while let Some(first) = self.wakes.first_entry().filter(|e| *e.key() < before) {
            let (wake, handles) = first.remove_entry();
            self.wakes_kept -= handles.len();
            for handle in handles {
                let slot = &mut self.slots[handle as usize];
                if slot.wake == wake {
                    slot.wake = i64::MAX;
                    due.push((split(self.name(handle)).0, handle));
                }
            }
        }
        due
    }

    /// Whether an item of a key is explained, or was when that was last looked at.
    pub fn is_explained(&self, handle: Handle) -> bool {
        self.slots[handle as usize].explained
    }

    pub fn set_explained(&mut self, handle: Handle, explained: bool) {
        self.slots[handle as usize].explained = explained;
    }

    /// Sets whether a start has to read the key at once; says whether it had to.
    pub fn set_pinned(&mut self, handle: Handle, pinned: bool) -> bool {
        std::mem::replace(&mut self.slots[handle as usize].pinned, pinned)
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
        unwritten.retain(|handle| {
            let slot = &mut self.slots[*handle as usize];
            slot.pending |= slot.unwritten;
            std::mem::take(&mut slot.unwritten)
        });
        self.pending.extend_from_slice(&unwritten);
        unwritten
    }

    /// What was taken as unwritten so far is durable.
    pub fn settle(&mut self) {
        for handle in std::mem::take(&mut self.pending) {
            self.slots[handle as usize].pending = false;
        }
    }

    /// A key whose rows are durable as it stands and that nothing met since the search last came by, and for which
    /// `fits` holds for its correlation and itself. Gives up after having seen every key twice.
    pub fn idle(&mut self, fits: impl Fn(usize, &Seen<'_>) -> bool) -> Option<Handle> {
        for _ in 0..self.slots.len() * 2 {
            self.hand = (self.hand + 1) % self.slots.len();
            let handle = self.hand as Handle;
            let slot = &mut self.slots[self.hand];
            let met = std::mem::take(&mut slot.met) || slot.unwritten || slot.pending;
            if !met && !matches!(slot.kept, Kept::None) && fits(split(self.name(handle)).0, &self.record(handle)) {
                return Some(handle);
            }
        }
        None
    }
}

impl Record {
    pub fn name(&self) -> &[u8] {
        match self {
            Self::Quiet(quiet) => quiet.packed().name(),
            Self::Live(key) => &key.name,
        }
    }
}

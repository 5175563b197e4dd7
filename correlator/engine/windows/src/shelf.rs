//! Keys that are not in memory: they lie in the store, and only a mark of each stays here.
//!
//! A key may leave memory once its rows are durable as it stands. When an item comes for it, it is read back and goes on
//! as after a restart. What has nothing to wait for is also read back when its items may have expired, so that its rows
//! are removed.

use std::collections::hash_map::RandomState;
use std::fmt::Debug;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::engine::Windows;
use crate::id::digest64;
use crate::keys::{Handle, Seen};
use crate::name::{split, stored};

/// So many keys at most are read back at once because their time is over.
const SLICE: usize = 4096;

/// Live keys of more items stay in memory: to read them back would take too long.
const MOST_ITEMS: usize = 4096;

/// A row of the store: its name and its state.
pub type StoredRow = (Vec<u8>, Vec<u8>);

/// Names of rows from one (included) to another (excluded), or without an end.
pub type KeyRange = (Vec<u8>, Option<Vec<u8>>);

/// Where durable rows are read back from.
pub trait Shelf: Debug + Send {
    /// All rows that `Windows::dirty` gave, in their newest state, whose names are in one of some ranges, those of each
    /// by name; `most` of them at most.
    ///
    /// # Errors
    ///
    /// A readable reason, if the store cannot be read.
    fn load(&self, ranges: &[KeyRange], most: Option<usize>) -> Result<Vec<StoredRow>, String>;
}

/// The first name behind all that begin with a prefix, if there is one.
pub(crate) fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    Some([&prefix[..last], &[prefix[last] + 1]].concat())
}

/// What stays in memory of a key.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Of its name in the store. Keys that share one have one mark, and come back together.
    digest: u64,
    /// The event time at which it is looked at.
    until: i64,
}

/// The marks of all keys that are not in memory.
#[derive(Debug, Default)]
pub(crate) struct Away {
    marks: HashTable<Mark>,
    /// Anyone can compute a digest; where it stands in the table, nobody can foresee.
    hashing: RandomState,
    /// Marks whose time is over, to be read back slice by slice.
    due: Vec<u64>,
    /// Keys put here since all marks were last looked through, and the event time then.
    put: usize,
    swept: i64,
}

impl Away {
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    pub fn has(&self, digest: u64) -> bool {
        self.len() > 0 && self.marks.find(self.hashing.hash_one(digest), |mark| mark.digest == digest).is_some()
    }

    fn put(&mut self, digest: u64, until: i64) {
        let Self { marks, hashing, .. } = self;
        self.put += 1;
        match marks.find_mut(hashing.hash_one(digest), |mark| mark.digest == digest) {
            Some(mark) => mark.until = mark.until.min(until),
            None => {
                let hash = |mark: &Mark| hashing.hash_one(mark.digest);
                marks.insert_unique(hashing.hash_one(digest), Mark { digest, until }, hash);
            }
        }
    }

    fn take(&mut self, digest: u64) -> Option<Mark> {
        let hash = self.hashing.hash_one(digest);
        self.marks.find_entry(hash, |mark| mark.digest == digest).ok().map(|entry| entry.remove().0)
    }

    /// Some keys whose time is over. All marks are looked through only when a good part of them is new, or after
    /// `patience`: to remove rows somewhat later does no harm.
    fn take_due(&mut self, now: i64, patience: i64) -> Vec<u64> {
        let worth_it = self.put * 4 > self.len() || now.saturating_sub(self.swept) > patience;
        if self.due.is_empty() && self.len() > 0 && worth_it {
            (self.put, self.swept) = (0, now);
            self.due.extend(self.marks.iter().filter(|mark| mark.until < now).map(|mark| mark.digest));
        }
        self.due.split_off(self.due.len().saturating_sub(SLICE))
    }
}

impl Windows {
    /// Lets keys beyond the bound lie in the store alone; `shelf` reads them back. Before any state is restored.
    pub fn set_shelf(&mut self, shelf: Box<dyn Shelf>) {
        self.shelf = Some(shelf);
    }

    /// Everything that `dirty` gave so far is durable: keys beyond the bound leave memory now.
    pub fn committed(&mut self) {
        self.keys.settle();
        while self.shelf.is_some() && self.keys.len() > self.limits.keys && self.away.len() < self.limits.stored {
            let correlations = &self.correlations;
            let Some(handle) = self.keys.idle(|index, key| may_leave(correlations[index].referred, key)) else {
                return;
            };
            self.put_away(handle);
        }
    }

    /// Keys that are in memory, and keys that are not.
    pub fn population(&self) -> (usize, usize) {
        (self.keys.len(), self.away.len())
    }

    /// Why the windows stand still: a key could not be read back from the store. They take nothing in any more, since
    /// they would be wrong; start again from the store.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// A key that was just restored stays in memory only within the bound.
    pub(crate) fn put_away_beyond_bound(&mut self, index: usize, handle: Handle) {
        let beyond = self.shelf.is_some() && self.keys.len() > self.limits.keys;
        let room = self.away.len() < self.limits.stored;
        if beyond && room && may_leave(self.correlations[index].referred, &self.keys.record(handle)) {
            self.put_away(handle);
        }
    }

    fn put_away(&mut self, handle: Handle) {
        self.pin(split(self.keys.name(handle)).0, handle, false);
        let digest = self.digest(self.keys.name(handle));
        self.away.put(digest, self.keys.wake(handle));
        self.keys.remove(handle);
    }

    pub(crate) fn digest(&self, name: &[u8]) -> u64 {
        let (index, values) = split(name);
        digest64(&stored(&self.correlations[index].id, values))
    }

    /// The key of a name, read back if it is not in memory.
    pub(crate) fn recall(&mut self, name: &[u8]) -> Option<Handle> {
        if (self.away.len() == 0 && self.unread.is_over()) || self.failure.is_some() {
            return None;
        }
        let digest = self.digest(name);
        let read = self.read_for(digest).then(|| self.keys.find(name)).flatten();
        read.or_else(|| {
            self.bring_back(digest);
            self.keys.find(name)
        })
    }

    /// Forgets keys that are not in memory and whose time is over.
    pub(crate) fn forget_away(&mut self) {
        for digest in self.away.take_due(self.now, self.longest / 16) {
            for (index, handle) in self.bring_back(digest) {
                self.forget(index, handle);
            }
        }
    }

    /// Takes the keys of a digest back into memory, if there are any.
    fn bring_back(&mut self, digest: u64) -> Vec<(usize, Handle)> {
        let Some(shelf) = &self.shelf else { return Vec::new() };
        if self.failure.is_some() || self.away.take(digest).is_none() {
            return Vec::new();
        }
        let prefix = digest.to_be_bytes();
        let rows = shelf.load(&[(prefix.to_vec(), behind(&prefix))], None);
        let read = rows.and_then(|rows| match rows.is_empty() {
            true => Err("the state of a key is no longer in the store".into()),
            false => self.read_back(&rows).map_err(|error| error.to_string()),
        });
        read.unwrap_or_else(|why| {
            self.failure = Some(why);
            Vec::new()
        })
    }
}

/// Whether a key has nothing to do unless an item comes: it waits for nothing, and nothing outside refers to it.
fn may_leave(referred: bool, key: &Seen<'_>) -> bool {
    match key {
        Seen::Quiet(_) => true,
        Seen::Live(key) => {
            let small = key.entries.len() <= MOST_ITEMS && key.waits.is_empty();
            small && !referred && key.entries.iter().all(|e| !e.explained)
        }
    }
}

//! What of the store has not been read since a start: the rows of a key are read when an item comes for it, and the rest
//! bit by bit.
//!
//! Rows stand by the digest of their key, so that they fall into parts of about the same size. Of a part that is unread
//! no key is in memory but those that are pinned, which a start reads at once: they have something to do, or to say,
//! without an item coming. A part is read before a key of it is made or removed: so what is read is what holds.

use std::collections::HashSet;

use crate::engine::Windows;
use crate::keys::{Handle, Seen};
use crate::name::{split, stored};
use crate::row::{NOW, head_name};
use crate::shelf::{KeyRange, StoredRow, behind};
use crate::state::StateError;

/// So many bits of a digest say which part it is in.
const BITS: u32 = 16;
const PARTS: usize = 1 << BITS;

/// So many pinned keys are read at once.
const SLICE: usize = 1024;

/// Which parts of the store are unread.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// A bit for each part; empty when all are read.
    parts: Vec<u64>,
    left: usize,
    /// Where reading ahead goes on: no part before it is unread.
    next: usize,
    /// Pinned keys that are on their way into memory, by the name of their first row.
    coming: HashSet<Vec<u8>>,
    /// Rows that failed their check since they were last asked for.
    lost: usize,
}

impl Unread {
    pub fn is_over(&self) -> bool {
        self.left == 0
    }

    fn all() -> Self {
        Self { parts: vec![u64::MAX; PARTS / 64], left: PARTS, ..Self::default() }
    }

    fn has(&self, part: usize) -> bool {
        self.parts.get(part / 64).is_some_and(|bits| bits >> (part % 64) & 1 == 1)
    }

    fn note_read(&mut self, part: usize) {
        if self.has(part) {
            self.parts[part / 64] &= !(1 << (part % 64));
            self.left -= 1;
            if self.left == 0 {
                self.parts = Vec::new();
            }
        }
    }

    /// The first part that is unread.
    fn first(&mut self) -> Option<usize> {
        self.next = (self.next..PARTS).find(|part| self.has(*part))?;
        Some(self.next)
    }
}

impl Windows {
    /// Goes on from the rows of the shelf: event time and the keys that are pinned, by the names that `pins` gave, are
    /// read now, all others when they are needed, or by `read_ahead`.
    pub fn resume(&mut self, pinned: Vec<Vec<u8>>) -> Result<(), String> {
        self.unread = Unread::all();
        let now = self.load(&[(NOW.to_vec(), Some([NOW, &[0]].concat()))], None)?;
        let now = now.iter().map(|(name, state)| (name.as_slice(), state.as_slice()));
        match self.restore(now) {
            Err(StateError::Damaged { .. }) => self.note_lost(&[NOW.to_vec()]),
            done => done.map_err(|error| error.to_string())?,
        }
        for names in pinned.chunks(SLICE) {
            self.unread.coming = names.iter().cloned().collect();
            let ranges: Vec<KeyRange> = names.iter().map(|name| by_digest(name)).collect();
            let rows = self.load(&ranges, None)?;
            self.take_up(&rows)?;
            let gone = std::mem::take(&mut self.unread.coming);
            self.pins.extend(gone.into_iter().map(|name| (name, false)));
        }
        Ok(())
    }

    /// Reads on, about so many rows; says whether anything is left.
    pub fn read_ahead(&mut self, most: usize) -> Result<bool, String> {
        let Some(first) = self.unread.first().filter(|_| most > 0) else { return Ok(!self.unread.is_over()) };
        let mut rows = self.load(&[(start_of(first), None)], Some(most))?;
        let mut end = PARTS;
        if rows.len() >= most {
            // The last part may go on behind what was read.
            end = rows.last().map_or(PARTS, |(name, _)| part_of_row(name));
            if end <= first {
                return self.read_part(first).map(|()| !self.unread.is_over());
            }
        }
        rows.retain(|(name, _)| part_of_row(name) < end && self.unread.has(part_of_row(name)));
        self.take_up(&rows)?;
        (first..end).for_each(|part| self.unread.note_read(part));
        Ok(!self.unread.is_over())
    }

    /// How many rows failed their check since the last call. They are removed with the next commit, and their groups
    /// begin anew.
    pub fn lost(&mut self) -> usize {
        std::mem::take(&mut self.unread.lost)
    }

    /// Keys that a start has to read at once (true), or no longer, since the last call, by the name of their first row.
    pub fn pins(&mut self) -> Vec<(Vec<u8>, bool)> {
        std::mem::take(&mut self.pins)
    }

    /// Makes sure that what the store has of a digest was read. Says whether anything was read for it.
    pub(crate) fn read_for(&mut self, digest: u64) -> bool {
        let part = (digest >> (u64::BITS - BITS)) as usize;
        if !self.unread.has(part) || self.failure.is_some() {
            return false;
        }
        self.failure = self.read_part(part).err();
        true
    }

    /// Takes down whether a start has to read a key at once, if that is something new.
    pub(crate) fn renew_pin(&mut self, index: usize, handle: Handle) {
        let wanted = match self.keys.record(handle) {
            Seen::Quiet(_) => false,
            Seen::Live(key) => {
                let told_of = self.correlations[index].referred && key.alerts.len() > 0;
                told_of || !key.waits.is_empty() || self.keys.is_explained(handle)
            }
        };
        self.pin(index, handle, wanted);
    }

    pub(crate) fn pin(&mut self, index: usize, handle: Handle, wanted: bool) {
        if self.keys.set_pinned(handle, wanted) != wanted {
            let values = split(self.keys.name(handle)).1;
            self.pins.push((head_name(&stored(&self.correlations[index].id, values)), wanted));
        }
    }

    fn read_part(&mut self, part: usize) -> Result<(), String> {
        let end = (part + 1 < PARTS).then(|| start_of(part + 1));
        let rows = self.load(&[(start_of(part), end)], None)?;
        self.take_up(&rows)?;
        self.unread.note_read(part);
        Ok(())
    }

    fn load(&self, ranges: &[KeyRange], most: Option<usize>) -> Result<Vec<StoredRow>, String> {
        self.shelf.as_ref().map_or_else(|| Ok(Vec::new()), |shelf| shelf.load(ranges, most))
    }

    /// Takes up rows in their order, all of a digest together. What fails its check is left out.
    fn take_up(&mut self, rows: &[StoredRow]) -> Result<(), String> {
        for same in rows.chunk_by(|(a, _), (b, _)| digest_of(a) == digest_of(b)) {
            if same[0].0 == NOW || self.away.has(digest_of(&same[0].0)) {
                continue;
            }
            match self.read_back(same) {
                Ok(keys) => keys.into_iter().for_each(|(index, key)| self.put_away_beyond_bound(index, key)),
                Err(StateError::Damaged { .. }) => {
                    let names: Vec<Vec<u8>> = same.iter().map(|(name, _)| name.clone()).collect();
                    self.note_lost(&names);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    fn note_lost(&mut self, names: &[Vec<u8>]) {
        self.unread.lost += names.len();
        self.gone.extend_from_slice(names);
    }

    /// Takes down of a key that came into memory whether it is pinned.
    pub(crate) fn settle_in(&mut self, index: usize, handle: Handle) {
        if !self.unread.coming.is_empty() {
            let values = split(self.keys.name(handle)).1;
            let name = head_name(&stored(&self.correlations[index].id, values));
            let known = self.unread.coming.remove(&name);
            self.keys.set_pinned(handle, known);
        }
        self.renew_pin(index, handle);
    }
}

fn digest_of(row: &[u8]) -> u64 {
    row.first_chunk::<8>().map_or(u64::MAX, |digest| u64::from_be_bytes(*digest))
}

fn by_digest(row: &[u8]) -> KeyRange {
    let digest = &row[..row.len().min(8)];
    (digest.to_vec(), behind(digest))
}

fn part_of_row(row: &[u8]) -> usize {
    let byte = |at: usize| row.get(at).copied().map_or(0, usize::from);
    byte(0) << 8 | byte(1)
}

fn start_of(part: usize) -> Vec<u8> {
    (part as u16).to_be_bytes().to_vec()
}

//! Which items of a key are written together: a commit writes what changed of a long key, not all of it.

use std::collections::{BTreeMap, BTreeSet};

/// Items of one row. More of them make fewer rows, fewer make a late change cheaper to write.
const ITEMS: u32 = 32;

/// A row of items: how many, and between which event times they lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk {
    pub items: u32,
    pub span: (i64, i64),
}

/// The rows of a key, by number; numbers are not used twice.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    rows: BTreeMap<u32, Chunk>,
    open: u32,
    unwritten: BTreeSet<u32>,
}

impl Chunks {
    /// The row for a new item: whichever is open, since items that come together are written and forgotten together.
    pub fn place(&mut self, time: i64) -> u32 {
        if self.rows.get(&self.open).is_none_or(|chunk| chunk.items >= ITEMS) {
            self.open = self.open.saturating_add(1);
        }
        self.put(self.open, time);
        self.unwritten.insert(self.open);
        self.open
    }

    /// Takes note of an item that was read from a row.
    pub fn put(&mut self, number: u32, time: i64) {
        let chunk = self.rows.entry(number).or_insert(Chunk { items: 0, span: (time, time) });
        chunk.items += 1;
        chunk.span = (chunk.span.0.min(time), chunk.span.1.max(time));
        self.open = self.open.max(number);
    }

    /// An item of the row changed.
    pub fn touch(&mut self, number: u32) {
        if number != 0 {
            self.unwritten.insert(number);
        }
    }

    /// An item of the row is no more.
    pub fn leave(&mut self, number: u32) {
        self.touch(number);
        if let Some(chunk) = self.rows.get_mut(&number) {
            chunk.items -= 1;
            if chunk.items == 0 {
                self.rows.remove(&number);
            }
        }
    }

    /// Rows that changed since the last call; `None`: the row is gone.
    pub fn take_unwritten(&mut self) -> Vec<(u32, Option<Chunk>)> {
        let unwritten = std::mem::take(&mut self.unwritten);
        unwritten.into_iter().map(|number| (number, self.rows.get(&number).copied())).collect()
    }

    /// The numbers of all rows that the store may have.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.rows.keys().chain(&self.unwritten).copied()
    }
}

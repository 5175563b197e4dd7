//! A window that moves over the sequence of a key with its tally, so that nothing is looked at more than twice.

use std::collections::VecDeque;

use crate::compile::Correlation;
use crate::entry::Entry;
use crate::item::Certainty;
use crate::measure::Tally;

/// A stretch of the sequence with the tally of those items in it that count.
#[derive(Debug)]
pub(crate) struct Slide {
    low: usize,
    high: usize,
    tally: Tally,
    unexplained: usize,
    /// Items that may only possibly stand in relation.
    possible: usize,
}

impl Slide {
    /// An empty window that starts at an index.
    pub fn at(index: usize, correlation: &Correlation) -> Self {
        Self { low: index, high: index, tally: Tally::new(correlation), unexplained: 0, possible: 0 }
    }

    /// The index behind the newest item taken in.
    pub fn high(&self) -> usize {
        self.high
    }

    /// The items in it, with those that do not count; the oldest one counts, unless all that do stand at the end.
    pub fn items<'a>(&self, entries: &'a VecDeque<Entry>) -> impl Iterator<Item = &'a Entry> {
        entries.range(self.low..self.high)
    }

    /// Takes note of an entry that counts and was put into the sequence inside the window.
    pub fn admit(&mut self, entry: &Entry) {
        self.take_in(entry, Certainty::Certain);
        self.high += 1;
    }

    /// Moves the newest end up to `high`, and the oldest to the first item that counts and is not before `since`, but
    /// not beyond `until`. `counts` says the same of an item every time.
    pub fn move_to(
        &mut self,
        entries: &VecDeque<Entry>,
        (since, until): (i64, i64),
        high: usize,
        mut counts: impl FnMut(&Entry) -> Option<Certainty>,
    ) {
        while self.high < high {
            let entry = &entries[self.high];
            counts(entry).inspect(|certainty| self.take_in(entry, *certainty));
            self.high += 1;
        }
        while let Some(oldest) = entries.get(self.low).filter(|_| self.low < self.high) {
            let counted = counts(oldest);
            if oldest.time >= since && (counted.is_some() || oldest.time >= until) {
                break;
            }
            counted.inspect(|certainty| self.let_go(oldest, *certainty));
            self.low += 1;
        }
    }

    /// What is in it.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether some member is unexplained.
    pub fn is_unexplained(&self) -> bool {
        self.unexplained > 0
    }

    /// The weakest certainty of its items.
    pub fn certainty(&self) -> Certainty {
        if self.possible == 0 { Certainty::Certain } else { Certainty::Possible }
    }

    /// Counts an item.
    pub fn take_in(&mut self, entry: &Entry, certainty: Certainty) {
        self.tally.add(entry);
        self.unexplained += usize::from(!entry.explained);
        self.possible += usize::from(certainty == Certainty::Possible);
    }

    /// Takes back that an item was counted.
    pub fn let_go(&mut self, entry: &Entry, certainty: Certainty) {
        self.tally.remove(entry);
        self.unexplained -= usize::from(!entry.explained);
        self.possible -= usize::from(certainty == Certainty::Possible);
    }
}

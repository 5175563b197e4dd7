//! The window that slides over the sequence of a key, for correlations whose windows are stretches of time.

use std::collections::VecDeque;

use crate::compile::Correlation;
use crate::entry::Entry;
use crate::measure::Tally;

/// A stretch of the sequence with its tally.
#[derive(Debug)]
pub(crate) struct Slide {
    low: usize,
    high: usize,
    tally: Tally,
    unexplained: usize,
}

impl Slide {
    /// An empty window that starts at an index.
    pub fn at(index: usize, correlation: &Correlation) -> Self {
        Self { low: index, high: index, tally: Tally::new(correlation), unexplained: 0 }
    }

    /// The index behind the newest item taken in.
    pub fn high(&self) -> usize {
        self.high
    }

    /// Takes note of an entry that was put into the sequence inside the window.
    pub fn admit(&mut self, entry: &Entry) {
        self.take_in(entry);
        self.high += 1;
    }

    /// Moves the newest end up to `high`, and the oldest to the first item that is not before `since`.
    pub fn move_to(&mut self, entries: &VecDeque<Entry>, since: i64, high: usize) {
        while self.high < high {
            self.take_in(&entries[self.high]);
            self.high += 1;
        }
        while self.low < self.high && entries[self.low].time < since {
            self.tally.remove(&entries[self.low]);
            self.unexplained -= usize::from(!entries[self.low].explained);
            self.low += 1;
        }
    }

    /// Whether the condition holds, and whether it also counts because some member is unexplained.
    pub fn judge(&self, correlation: &Correlation) -> (bool, bool) {
        let holds = self.tally.holds(&correlation.measure);
        (holds, holds && self.unexplained > 0)
    }

    fn take_in(&mut self, entry: &Entry) {
        self.tally.add(entry);
        self.unexplained += usize::from(!entry.explained);
    }
}

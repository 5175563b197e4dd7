//! The state of one key: a correlation and the values it groups by.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use crate::alert::Alerts;
use crate::city::City;
use crate::compile::Correlation;
use crate::component::Component;
use crate::entry::Entry;
use crate::slide::Slide;

/// Late items up to this many are put in one by one; more are cheaper to sort in together.
const FEW: usize = 4;

/// What evaluating a key needs besides its state.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub correlation: &'a Correlation,
    pub city: &'a City,
    /// Event time: waits that end before it are over.
    pub now: i64,
}

/// A change of the sequence of a key.
#[derive(Debug)]
pub(crate) enum Change {
    Add(Entry),
    /// Takes back what one rule position contributed at a time under an id.
    Remove {
        time: i64,
        id: Arc<str>,
        position: usize,
    },
}

impl Change {
    pub fn order(&self) -> (i64, &str) {
        match self {
            Self::Add(entry) => entry.order(),
            Self::Remove { time, id, .. } => (*time, id),
        }
    }
}

/// What a batch of changes touched.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// Event times of the earliest and the latest change, `None` when nothing changed.
    pub span: Option<(i64, i64)>,
    /// Items only came at the newest time or after it.
    pub in_order: bool,
    /// An item was taken back, and with it perhaps a firing.
    pub taken_back: bool,
    /// Times of the items that came after a newer one, ascending.
    pub late: Vec<i64>,
}

/// Items, alerts and what is derived from them.
#[derive(Debug, Default)]
pub(crate) struct Key {
    pub group: Vec<(String, String)>,
    /// Sorted by time, then id.
    pub entries: VecDeque<Entry>,
    pub alerts: Alerts,
    pub components: HashMap<u32, Component>,
    /// The component that an alert of an earlier correlation is a member of, by alert id.
    pub by_alert: HashMap<Arc<str>, u32>,
    pub next_label: u32,
    /// Alerts whose component was dissolved since the last publication.
    pub orphans: Vec<u32>,
    /// Firings that went with their item, but that later correlations still know: time and alert.
    pub withdrawn: Vec<(i64, u32)>,
    /// The sliding window, if it still stands at the end of the sequence.
    pub slide: Option<Slide>,
    /// Event time at which there may be something to settle or forget.
    pub wake: i64,
}

impl Key {
    /// Indices of the items with `from <= time <= to`.
    pub fn between(&self, from: i64, to: i64) -> Range<usize> {
        let start = self.index_of(from);
        start..self.entries.partition_point(|e| e.time <= to).max(start)
    }

    /// The index of the first item that is not before a time.
    pub fn index_of(&self, time: i64) -> usize {
        self.entries.partition_point(|e| e.time < time)
    }

    pub fn find(&self, time: i64, id: &str) -> Option<usize> {
        self.entries.binary_search_by(|e| e.order().cmp(&(time, id))).ok()
    }

    /// Puts changes into the sequence.
    pub fn apply(&mut self, mut changes: Vec<Change>) -> Touched {
        changes.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut touched = Touched { in_order: true, ..Touched::default() };
        let newest = self.entries.back().map_or(i64::MIN, |e| e.time);
        let mut fresh = Vec::new();
        for change in changes {
            match change {
                Change::Remove { time, id, position } => self.take_back(time, &id, position, &mut touched),
                Change::Add(entry) => {
                    if let Some(entry) = self.merge(entry, &mut fresh, &mut touched) {
                        touched.admit(entry.time, newest);
                        fresh.push(entry);
                    }
                }
            }
        }
        if !touched.in_order {
            self.slide = None;
        }
        self.insert(fresh);
        touched
    }

    /// Takes an entry into the one that is already there, or gives it back as new.
    fn merge(&mut self, entry: Entry, fresh: &mut [Entry], touched: &mut Touched) -> Option<Entry> {
        let known = match self.find(entry.time, &entry.id) {
            Some(index) => Some(&mut self.entries[index]),
            None => fresh.last_mut().filter(|last| last.order() == entry.order()),
        };
        let Some(known) = known else { return Some(entry) };
        let time = entry.time;
        if known.absorb(entry) {
            touched.widen(time);
            touched.in_order = false;
        }
        None
    }

    fn take_back(&mut self, time: i64, id: &str, position: usize, touched: &mut Touched) {
        let Some(index) = self.find(time, id) else { return };
        self.entries[index].rules &= !(1 << position);
        if self.entries[index].rules == 0 {
            let removed = self.entries.remove(index).filter(|e| e.shown != 0);
            self.withdrawn.extend(removed.map(|e| (e.shown_at, e.shown)));
        }
        touched.widen(time);
        touched.in_order = false;
        touched.taken_back = true;
    }

    fn insert(&mut self, fresh: Vec<Entry>) {
        let newest = self.entries.back().map(|e| (e.time, e.id.clone()));
        let late = fresh.iter().take_while(|e| newest.as_ref().is_some_and(|(t, id)| e.order() < (*t, id))).count();
        if late > FEW {
            self.slide = None;
            self.entries.extend(fresh);
            self.entries.make_contiguous().sort_by(|a, b| a.order().cmp(&b.order()));
            return;
        }
        for entry in fresh {
            let index = self.entries.partition_point(|e| e.order() < entry.order());
            if let Some(slide) = self.slide.as_mut().filter(|s| index < s.high()) {
                slide.admit(&entry);
            }
            self.entries.insert(index, entry);
        }
    }
}

impl Touched {
    pub fn widen(&mut self, time: i64) {
        let (from, to) = self.span.unwrap_or((time, time));
        self.span = Some((from.min(time), to.max(time)));
    }

    fn admit(&mut self, time: i64, newest: i64) {
        self.widen(time);
        if time < newest {
            self.in_order = false;
            self.late.push(time);
        }
    }
}

//! The state of one key: a correlation and the values it groups by.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use crate::alert::Alerts;
use crate::beginning::Beginnings;
use crate::blindness::Blindness;
use crate::chunk::Chunks;
use crate::city::City;
use crate::compile::Correlation;
use crate::component::Component;
use crate::entry::{Entry, Verdict};
use crate::nearby::Nearby;
use crate::place::Place;
use crate::slide::Slide;
use crate::sweep::Sweep;

/// What evaluating a key needs besides its state.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub correlation: &'a Correlation,
    pub city: &'a City,
    /// When which rule's matches could not have been reported.
    pub blindness: &'a Blindness,
    /// What came before which correlation began.
    pub beginnings: &'a Beginnings,
    /// Event time: waits that end before it are over.
    pub now: i64,
    /// Most items of a key.
    pub items: usize,
    /// A window of so few is looked at as it is.
    pub few: usize,
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
    /// An alert of an earlier correlation is no longer the same, wherever it stands.
    Revise {
        id: Arc<str>,
    },
}

impl Change {
    pub fn order(&self) -> (i64, &str) {
        match self {
            Self::Add(entry) => entry.order(),
            Self::Remove { time, id, .. } => (*time, id),
            Self::Revise { id } => (i64::MIN, id),
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
    /// Alerts of earlier correlations that are no longer the same.
    pub revised: Vec<Arc<str>>,
    /// Rules of the items that changed.
    pub rules: u64,
    /// Items that found no room.
    pub refused: u64,
}

/// Items, alerts and what is derived from them.
#[derive(Debug, Default)]
pub(crate) struct Key {
    pub name: Box<[u8]>,
    pub group: Vec<(String, String)>,
    /// Sorted by time, then id.
    pub entries: VecDeque<Entry>,
    pub chunks: Chunks,
    /// Event times at which items wait for the end of an absence, with their number.
    pub waits: BTreeMap<i64, u32>,
    pub alerts: Alerts,
    pub components: HashMap<u32, Component>,
    /// Components that changed since the last publication; some may be no more.
    pub stirred: Vec<u32>,
    /// The component that an alert of an earlier correlation is a member of, by alert id.
    pub by_alert: HashMap<Arc<str>, u32>,
    pub next_label: u32,
    /// Alerts whose component was dissolved since the last publication.
    pub orphans: Vec<u32>,
    /// Firings that went with their item, but that later correlations still know: time and alert.
    pub withdrawn: Vec<(i64, u32)>,
    /// The sliding window, if it still stands at the end of the sequence.
    pub slide: Option<Slide>,
    /// The same for windows that are looked at by place.
    pub sweep: Sweep,
    /// Where items were, as far as they have been looked at.
    pub nearby: Nearby,
}

impl Key {
    /// Indices of the items with `from <= time <= to`.
    pub fn between(&self, from: i64, to: i64) -> Range<usize> {
        let start = self.index_of(from);
        start..self.entries.partition_point(|e| e.time <= to).max(start)
    }

    /// Forgets where windows stood at the end of the sequence, when items in it are no longer the same.
    pub fn lose_place(&mut self) {
        (self.slide, self.sweep) = (None, Sweep::default());
    }

    /// The index of the first item that is not before a time.
    pub fn index_of(&self, time: i64) -> usize {
        self.entries.partition_point(|e| e.time < time)
    }

    pub fn find(&self, time: i64, id: &str) -> Option<usize> {
        self.entries.binary_search_by(|e| e.order().cmp(&(time, id))).ok()
    }

    /// Sets what the window of an item came to.
    pub fn set(&mut self, index: usize, verdict: Verdict, fires: bool) {
        let entry = &mut self.entries[index];
        if (entry.verdict, entry.fires) == (verdict, fires) {
            return;
        }
        let (waited, time, chunk) = (entry.waits(), entry.time, entry.chunk);
        (entry.verdict, entry.fires) = (verdict, fires);
        let waits = entry.waits();
        self.chunks.touch(chunk);
        match (waited, waits) {
            (false, true) => *self.waits.entry(time).or_default() += 1,
            (true, false) => self.leave_wait(time),
            _ => {}
        }
    }

    /// An item left the sequence.
    pub fn note_gone(&mut self, entry: &Entry) {
        self.chunks.leave(entry.chunk);
        if entry.waits() {
            self.leave_wait(entry.time);
        }
    }

    fn leave_wait(&mut self, time: i64) {
        if let Some(count) = self.waits.get_mut(&time) {
            *count -= 1;
            if *count == 0 {
                self.waits.remove(&time);
            }
        }
    }

    /// Puts items into an empty sequence, in any order; says whether no two of them are the same.
    pub fn insert_all(&mut self, mut entries: Vec<Entry>) -> bool {
        entries.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        let before = entries.len();
        entries.dedup_by(|a, b| a.order() == b.order());
        for entry in &mut entries {
            match entry.chunk {
                0 => entry.chunk = self.chunks.place(entry.time),
                chunk => self.chunks.put(chunk, entry.time),
            }
            if entry.waits() {
                *self.waits.entry(entry.time).or_default() += 1;
            }
        }
        self.nearby = Nearby::default();
        self.entries = entries.into();
        self.entries.len() == before
    }

    /// Puts changes into the sequence, at most up to so many items.
    pub fn apply(&mut self, place: Option<&Place>, mut changes: Vec<Change>, most: usize) -> Touched {
        changes.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut touched = Touched { in_order: true, ..Touched::default() };
        let newest = self.entries.back().map_or(i64::MIN, |e| e.time);
        if let Some(first) = changes.iter().find(|change| !matches!(change, Change::Revise { .. })) {
            let from = self.entries.partition_point(|e| e.order() < first.order());
            self.nearby.cut(place, &self.entries, from);
        }
        let mut fresh = Vec::new();
        for change in changes {
            match change {
                Change::Remove { time, id, position } => {
                    self.take_back(time, &id, position, &mut touched);
                    take_back_fresh(&mut fresh, (time, &id), position);
                }
                Change::Revise { id } => touched.revised.push(id),
                Change::Add(entry) => {
                    let Some(entry) = self.merge(entry, &mut fresh, &mut touched) else { continue };
                    if self.entries.len() + fresh.len() >= most {
                        touched.refused += 1;
                        continue;
                    }
                    touched.rules |= entry.rules;
                    touched.admit(entry.time, newest);
                    fresh.push(entry);
                }
            }
        }
        if !touched.in_order {
            self.lose_place();
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
            self.chunks.touch(known.chunk);
            touched.rules |= known.rules;
            touched.widen(time);
            touched.in_order = false;
        }
        None
    }

    fn take_back(&mut self, time: i64, id: &str, position: usize, touched: &mut Touched) {
        let Some(index) = self.find(time, id) else { return };
        touched.rules |= self.entries[index].rules;
        self.entries[index].rules &= !(1 << position);
        self.chunks.touch(self.entries[index].chunk);
        if self.entries[index].rules == 0
            && let Some(removed) = self.entries.remove(index)
        {
            self.note_gone(&removed);
            self.withdrawn.extend((removed.shown != 0).then_some((removed.shown_at, removed.shown)));
        }
        touched.widen(time);
        touched.in_order = false;
        touched.taken_back = true;
    }

    /// Merges sorted new items with the end of the sequence.
    fn insert(&mut self, mut fresh: Vec<Entry>) {
        let Some(first) = fresh.first() else { return };
        let start = self.entries.partition_point(|e| e.order() < first.order());
        if let Some(slide) = self.slide.as_mut() {
            // In order, an item may still come before others of the newest time.
            let inside = slide.high().min(self.entries.len());
            let end = self.entries.get(inside.wrapping_sub(1)).map(|e| (e.time, e.id.clone()));
            let within = |e: &&Entry| end.as_ref().is_some_and(|(time, id)| e.order() < (*time, id));
            fresh.iter().filter(within).for_each(|e| slide.admit(e));
        }
        for entry in &mut fresh {
            entry.chunk = self.chunks.place(entry.time);
        }
        let later = self.entries.split_off(start);
        let sorted = later.is_empty();
        if !sorted {
            self.sweep = Sweep::default();
        }
        self.entries.extend(fresh);
        if !sorted {
            let mut end: Vec<Entry> = self.entries.drain(start..).chain(later).collect();
            end.sort_by(|a, b| a.order().cmp(&b.order()));
            self.entries.extend(end);
        }
    }
}

/// Takes back what came with the same batch.
fn take_back_fresh(fresh: &mut Vec<Entry>, order: (i64, &str), position: usize) {
    if let Some(last) = fresh.last_mut().filter(|last| last.order() == order) {
        last.rules &= !(1 << position);
        if last.rules == 0 {
            fresh.pop();
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

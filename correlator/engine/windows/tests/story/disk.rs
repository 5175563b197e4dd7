//! A store that holds the rows of the windows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use impetus_windows::{KeyRange, Limits, Shelf, StoredRow, Windows};

use crate::story::{CITY, Terms};

/// The rows of the store.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    rows: Arc<Mutex<BTreeMap<Vec<u8>, Vec<u8>>>>,
    pins: Arc<Mutex<BTreeSet<Vec<u8>>>>,
}

impl Disk {
    /// Commits the rows that changed.
    pub fn commit(&self, windows: &mut Windows) {
        let mut rows = self.rows.lock().unwrap();
        for (key, state) in windows.dirty() {
            match state {
                Some(state) => rows.insert(key, state),
                None => rows.remove(&key),
            };
        }
        let mut pins = self.pins.lock().unwrap();
        for (key, pinned) in windows.pins() {
            if pinned {
                pins.insert(key)
            } else {
                pins.remove(&key)
            };
        }
    }

    /// Windows under some terms, which go on from the rows.
    pub fn open(&self, form: &[u8], terms: Terms<'_>) -> Windows {
        let usual = Limits::default();
        let limits = Limits { keys: terms.keys.unwrap_or(usual.keys), few: terms.few, ..usual };
        let mut windows = Windows::new(form, CITY).unwrap().with_limits(limits);
        if terms.keys.is_some() || terms.ahead.is_some() {
            windows.set_shelf(Box::new(self.clone()));
        }
        if terms.ahead.is_some() {
            windows.resume(self.pins.lock().unwrap().iter().cloned().collect()).unwrap();
        } else {
            let rows = self.rows.lock().unwrap().clone();
            windows.restore(rows.iter().map(|(k, s)| (k.as_slice(), s.as_slice()))).unwrap();
        }
        windows
    }
}

impl Shelf for Disk {
    fn load(&self, ranges: &[KeyRange], most: Option<usize>) -> Result<Vec<StoredRow>, String> {
        let rows = self.rows.lock().unwrap();
        let found = ranges.iter().flat_map(|(from, to)| {
            let some = rows.range(from.clone()..).take_while(move |(k, _)| to.as_ref().is_none_or(|to| *k < to));
            some.map(|(k, s)| (k.clone(), s.clone()))
        });
        Ok(found.take(most.unwrap_or(usize::MAX)).collect())
    }
}

//! A store that holds the rows of the windows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use impetus_windows::{Limits, Shelf, StoredRow, Windows};

use crate::story::CITY;

/// The rows of the store.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<BTreeMap<Vec<u8>, Vec<u8>>>>);

impl Disk {
    /// Commits the rows that changed.
    pub fn commit(&self, windows: &mut Windows) {
        let mut rows = self.0.lock().unwrap();
        for (key, state) in windows.dirty() {
            match state {
                Some(state) => rows.insert(key, state),
                None => rows.remove(&key),
            };
        }
    }

    /// Windows that hold so many keys in memory, or all, and follow those of more than `few` items.
    pub fn open(&self, form: &[u8], keys: Option<usize>, few: usize) -> Windows {
        let usual = Limits::default();
        let limits = Limits { keys: keys.unwrap_or(usual.keys), few, ..usual };
        let mut windows = Windows::new(form, CITY).unwrap().with_limits(limits);
        if keys.is_some() {
            windows.set_shelf(Box::new(self.clone()));
        }
        let rows = self.0.lock().unwrap().clone();
        windows.restore(rows.iter().map(|(k, s)| (k.as_slice(), s.as_slice()))).unwrap();
        windows
    }
}

impl Shelf for Disk {
    fn load(&self, prefix: &[u8]) -> Result<Vec<StoredRow>, String> {
        let rows = self.0.lock().unwrap();
        Ok(rows
            .range(prefix.to_vec()..)
            .take_while(|(k, _)| k.starts_with(prefix))
            .map(|(k, s)| (k.clone(), s.clone()))
            .collect())
    }
}

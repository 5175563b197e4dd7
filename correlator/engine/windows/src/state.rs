//! What a commit writes and a restart reads: one row for each key, and one for event time.

use std::collections::BTreeMap;
use std::fmt;

use crate::alert::Alerts;
use crate::codec::Reader;
use crate::engine::Windows;
use crate::key::Key;
use crate::keys::{Handle, Record, Seen};
use crate::name::{named, split, split_stored, stored};
use crate::quiet::Quiet;
use crate::row::{Body, Counts, NOW, Row, VERSION, of_now, open, read_head};
use crate::shelf::StoredRow;

/// State that cannot be taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateError {
    /// Written by another version of the engine.
    Version {
        /// The version that the state names.
        found: u8,
    },
    /// The bytes are not what was written.
    Damaged {
        /// The row, as readable text.
        key: String,
    },
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { found } => {
                write!(f, "window state of version {found}, this engine reads version {VERSION}")
            }
            Self::Damaged { key } => write!(f, "window state of key {key:?} is damaged"),
        }
    }
}

impl std::error::Error for StateError {}

impl StateError {
    pub(crate) fn damaged(row: &[u8]) -> Self {
        Self::Damaged { key: String::from_utf8_lossy(row).into_owned() }
    }
}

impl Windows {
    /// Rows that changed since the last call, sorted, with their state; `None`: the row is gone.
    pub fn dirty(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let mut rows: BTreeMap<Vec<u8>, Option<Vec<u8>>> = self.gone.drain(..).map(|row| (row, None)).collect();
        for handle in self.keys.take_unwritten() {
            rows.extend(self.write(handle));
            self.renew_pin(split(self.keys.name(handle)).0, handle);
        }
        if std::mem::take(&mut self.now_changed) {
            rows.insert(NOW.to_vec(), Some(of_now(self.now)));
        }
        rows.into_iter().collect()
    }

    /// Takes up rows that `dirty` gave, all or none of them. Rows of correlations that are no more, or that have
    /// another definition now, are left aside and reported by the next `dirty` as gone.
    pub fn restore<'a>(&mut self, rows: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Result<(), StateError> {
        let (parts, now) = sort_out(rows)?;
        let (mut records, mut stale) = (Vec::new(), Vec::new());
        for (name, part) in parts {
            match self.assemble(name, &part).ok_or_else(|| StateError::damaged(name))? {
                Some(found) => records.push(found),
                None => stale.extend(part.rows.iter().map(|row| row.to_vec())),
            }
        }
        self.now = now.unwrap_or(self.now).max(self.now);
        self.gone.extend(stale);
        for (index, record) in records {
            let handle = self.install(index, record);
            self.put_away_beyond_bound(index, handle);
        }
        Ok(())
    }

    /// Takes the keys of rows that lay in the store alone into memory; those that are there already stay.
    pub(crate) fn read_back(&mut self, rows: &[StoredRow]) -> Result<Vec<(usize, Handle)>, StateError> {
        let (parts, _) = sort_out(rows.iter().map(|(name, state)| (name.as_slice(), state.as_slice())))?;
        let mut handles = Vec::new();
        for (name, part) in parts {
            match self.assemble(name, &part).ok_or_else(|| StateError::damaged(name))? {
                Some((_, record)) if self.keys.find(record.name()).is_some() => {}
                Some((index, record)) => handles.push((index, self.install(index, record))),
                None => self.gone.extend(part.rows.iter().map(|row| row.to_vec())),
            }
        }
        Ok(handles)
    }

    /// `None` if the rows make no sense, `Some(None)` if they belong to no correlation of now.
    #[allow(clippy::type_complexity)]
    fn assemble(&self, name: &[u8], part: &Parts<'_>) -> Option<Option<(usize, Record)>> {
        let (id, values) = split_stored(name)?;
        let head = read_head(part.head.clone()?)?;
        let index = self.correlations.iter().position(|c| c.id == id && c.fingerprint == head.fingerprint);
        let Some(index) = index else { return Some(None) };
        let group = crate::name::group(&self.correlations[index], values)?;
        // Under another spelling of the name, the next commit would write only a part of the key anew.
        (stored(id, values) == name).then_some(())?;
        let name = named(index, values);
        let record = match head.body {
            Body::Packed(items) => {
                // Rows of a live key beside it would be read with those that the key gets when it wakes.
                (part.items.is_empty() && part.alerts.is_empty()).then_some(())?;
                Record::Quiet(Quiet::with_items(&name, items))
            }
            Body::Rows(counts) => {
                let mut key = Key { name: name.into(), group, ..Key::default() };
                read_parts(&mut key, part, &counts)?;
                Record::Live(Box::new(key))
            }
        };
        Some(Some((index, record)))
    }

    fn install(&mut self, index: usize, mut record: Record) -> Handle {
        let context = self.context(index);
        if let Record::Live(key) = &mut record {
            key.reconnect(context, i64::MIN);
            key.readopt(context);
        }
        if let Some(old) = self.keys.find(record.name()) {
            self.keys.remove(old);
        }
        let handle = self.keys.add(record);
        if let Seen::Live(key) = self.keys.record(handle) {
            let mut explained = false;
            for entry in key.entries.iter().filter(|e| e.explained) {
                self.explained.entry(entry.id.clone()).or_default().insert(handle);
                explained = true;
            }
            if self.correlations[index].referred {
                self.open_alerts.extend(key.alerts.iter().map(|(_, alert)| alert.id.clone()));
            }
            self.keys.set_explained(handle, explained);
        }
        self.settle_in(index, handle);
        self.reschedule(index, handle);
        handle
    }
}

/// The rows of each key by its name, and the event time if its row is among them.
#[allow(clippy::type_complexity)]
fn sort_out<'a>(
    rows: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(BTreeMap<&'a [u8], Parts<'a>>, Option<i64>), StateError> {
    let (mut parts, mut now) = (BTreeMap::<&[u8], Parts<'a>>::new(), None);
    for (bytes, state) in rows {
        let mut input = open(bytes, state)?;
        let row = Row::parse(bytes).ok_or_else(|| StateError::damaged(bytes))?;
        if let Some(name) = row.name() {
            parts.entry(name).or_default().rows.push(bytes);
        }
        match row {
            Row::Now => now = Some(input.signed().ok_or_else(|| StateError::damaged(bytes))?),
            Row::Head(name) => parts.entry(name).or_default().head = Some(input),
            Row::Items(name, number) => parts.entry(name).or_default().items.push((number, input)),
            Row::Alerts(name, number) => parts.entry(name).or_default().alerts.push((number, input)),
        }
    }
    Ok((parts, now))
}

/// The rows of one key.
#[derive(Default)]
struct Parts<'a> {
    head: Option<Reader<'a>>,
    items: Vec<(u32, Reader<'a>)>,
    alerts: Vec<(u32, Reader<'a>)>,
    rows: Vec<&'a [u8]>,
}

fn read_parts(key: &mut Key, part: &Parts<'_>, counts: &Counts) -> Option<()> {
    let mut entries = Vec::new();
    for (number, input) in &part.items {
        let mut items = crate::snapshot::read_items(&mut input.clone())?;
        // No row is written without items, and none has the number of items that are in no row yet.
        (*number != 0 && !items.is_empty()).then_some(())?;
        items.iter_mut().for_each(|e| e.chunk = *number);
        entries.extend(items);
    }
    for (block, input) in &part.alerts {
        read_alerts(key, *block, input.clone())?;
    }
    key.alerts.resume(counts.last_slot);
    let whole = entries.len() as u64 == counts.items && key.alerts.len() as u64 == counts.alerts;
    (whole && key.insert_all(entries)).then_some(())
}

/// Reads the alerts of a block; `None` also if they belong into another, or one is there already.
fn read_alerts(key: &mut Key, block: u32, mut input: Reader<'_>) -> Option<()> {
    (!input.is_empty()).then_some(())?;
    while !input.is_empty() {
        let slot = input.small()?;
        let alert = crate::snapshot::read_alert(&mut input)?;
        let fits = slot != 0 && Alerts::block_of(slot) == block;
        let fresh = key.alerts.get(slot).is_none() && key.alerts.slot_of(&alert.id).is_none();
        (fits && fresh).then(|| key.alerts.put(slot, alert))?;
    }
    Some(())
}

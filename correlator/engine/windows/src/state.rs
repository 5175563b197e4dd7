//! What a commit writes and a restart reads: one row for each key, and one for event time.

use std::fmt;

use crate::codec::{Reader, Writer};
use crate::engine::Windows;
use crate::key::{Context, Key};
use crate::snapshot::{read_key, write_key};

/// Version of the byte form. State of another one is refused by name.
const VERSION: u8 = 1;

/// The row of event time. Rows of keys are longer than this.
const NOW: &[u8] = b"now";

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

impl Windows {
    /// Rows that changed since the last call, sorted, with their state; `None`: the row is gone.
    pub fn dirty(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changed);
        let mut rows: Vec<_> = changed.iter().map(|bytes| (bytes.to_vec(), self.row(bytes))).collect();
        if std::mem::take(&mut self.now_changed) {
            let mut out = Writer::default();
            out.byte(VERSION);
            out.signed(self.now);
            rows.push((NOW.to_vec(), Some(out.seal())));
        }
        rows
    }

    /// Takes up rows that `dirty` gave, all or none of them. Rows of correlations that are no more, or that have
    /// another definition now, are left aside and reported by the next `dirty` as gone.
    pub fn restore<'a>(&mut self, rows: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Result<(), StateError> {
        let (mut keys, mut stale, mut now) = (Vec::new(), Vec::new(), None);
        for (bytes, state) in rows {
            let damaged = || StateError::Damaged { key: String::from_utf8_lossy(bytes).into_owned() };
            let mut input = open(bytes, state)?;
            if bytes == NOW {
                now = Some(input.signed().ok_or_else(damaged)?);
                continue;
            }
            match self.read_row(bytes, &mut input).ok_or_else(damaged)? {
                Some((index, key)) => keys.push((index, bytes, key)),
                None => stale.push(bytes),
            }
        }
        self.now = now.unwrap_or(self.now).max(self.now);
        self.changed.extend(stale.into_iter().map(crate::engine::KeyBytes::from));
        keys.into_iter().for_each(|(index, bytes, key)| self.install(index, bytes, key));
        Ok(())
    }

    fn row(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (index, _) = self.address(bytes)??;
        let key = self.keys[index].get(bytes)?;
        let mut out = Writer::default();
        out.byte(VERSION);
        out.fixed(&self.correlations[index].fingerprint.to_le_bytes());
        write_key(&mut out, key);
        Some(out.seal())
    }

    /// The correlation and the group of a row's key: `None` if the bytes are no key, `Some(None)` if the correlation
    /// is unknown.
    #[allow(clippy::type_complexity)]
    fn address(&self, bytes: &[u8]) -> Option<Option<(usize, Vec<String>)>> {
        let mut input = Reader::plain(bytes);
        let mut texts = Vec::new();
        while !input.is_empty() {
            let length = usize::try_from(u64::from_le_bytes(input.fixed()?)).ok()?;
            texts.push(input.text_of(length)?.to_string());
        }
        let id = if texts.is_empty() { return None } else { texts.remove(0) };
        Some(self.correlations.iter().position(|c| c.id == id).map(|index| (index, texts)))
    }

    /// `None` if the bytes make no sense, `Some(None)` if they belong to no correlation of now.
    #[allow(clippy::type_complexity)]
    fn read_row(&self, bytes: &[u8], input: &mut Reader<'_>) -> Option<Option<(usize, Key)>> {
        let fingerprint = u64::from_le_bytes(input.fixed()?);
        let Some((index, group)) = self.address(bytes)? else { return Some(None) };
        let correlation = &self.correlations[index];
        if correlation.fingerprint != fingerprint || correlation.group_by.len() != group.len() {
            return Some(None);
        }
        let names = correlation.group_by.iter().cloned();
        let mut key = Key { group: names.zip(group).collect(), wake: i64::MAX, ..Key::default() };
        read_key(input, &mut key)?;
        input.is_empty().then_some(Some((index, key)))
    }

    fn install(&mut self, index: usize, bytes: &[u8], mut key: Key) {
        let context = Context { correlation: &self.correlations[index], city: self.city(), now: self.now };
        key.reconnect(context, i64::MIN);
        key.readopt(context);
        let bytes: crate::engine::KeyBytes = bytes.into();
        for entry in key.entries.iter().filter(|e| e.explained) {
            self.explained.entry(entry.id.clone()).or_default().insert((index, bytes.clone()));
        }
        if self.correlations[index].referred {
            self.open_alerts.extend(key.alerts.iter().map(|(_, alert)| alert.id.clone()));
        }
        if let Some(old) = self.keys[index].insert(bytes.clone(), key) {
            self.wakes.remove(&(old.wake, index, bytes.clone()));
        }
        self.reschedule(index, &bytes);
    }
}

fn open<'a>(key: &[u8], state: &'a [u8]) -> Result<Reader<'a>, StateError> {
    let damaged = || StateError::Damaged { key: String::from_utf8_lossy(key).into_owned() };
    match state.first() {
        Some(&VERSION) => {}
        Some(&found) => return Err(StateError::Version { found }),
        None => return Err(damaged()),
    }
    let mut input = Reader::open(state).ok_or_else(damaged)?;
    input.byte().ok_or_else(damaged)?;
    Ok(input)
}

//! The rows that a key is written to.
//!
//! A quiet key is one row. A live one has a head, its items in rows of a few each, and its alerts likewise, so that a
//! commit writes what changed and not the whole. The head says how many items and alerts there are: a row that went
//! missing is noticed.
//!
//! The name of a row begins with a digest of the name of its key, so that all rows of a key stand together.

use crate::codec::{Reader, Writer};
use crate::engine::Windows;
use crate::id::digest64;
use crate::key::Key;
use crate::keys::{Handle, Seen};
use crate::name::{split, stored};
use crate::quiet::{is_sound, pack};
use crate::snapshot::write_alert;
use crate::state::StateError;

/// Version of the byte form. State of another one is refused by name.
pub(crate) const VERSION: u8 = 3;

/// The row of event time.
pub(crate) const NOW: &[u8] = b"now";

const HEAD: u8 = b'k';
const ITEMS: u8 = b'i';
const ALERTS: u8 = b'a';

const PACKED: u8 = 0;
const ROWS: u8 = 1;

/// A row of the store, or its removal.
type Written = (Vec<u8>, Option<Vec<u8>>);

/// Which row a key of the store names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Row<'a> {
    Now,
    Head(&'a [u8]),
    /// Some items of a key, by the number of their chunk.
    Items(&'a [u8], u32),
    /// Some alerts of a key, by the number of their block.
    Alerts(&'a [u8], u32),
}

impl<'a> Row<'a> {
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes == NOW {
            return Some(Self::Now);
        }
        let (digest, rest) = bytes.split_first_chunk::<8>()?;
        let (kind, rest) = rest.split_first()?;
        let numbered = || rest.split_last_chunk::<4>().map(|(name, n)| (name, u32::from_be_bytes(*n)));
        let row = match *kind {
            HEAD => Some(Self::Head(rest)),
            ITEMS => numbered().map(|(name, number)| Self::Items(name, number)),
            ALERTS => numbered().map(|(name, number)| Self::Alerts(name, number)),
            _ => None,
        };
        row.filter(|row| row.name().is_some_and(|name| digest64(name).to_be_bytes() == *digest))
    }

    /// The name of the key that it belongs to.
    pub fn name(self) -> Option<&'a [u8]> {
        match self {
            Self::Now => None,
            Self::Head(name) | Self::Items(name, _) | Self::Alerts(name, _) => Some(name),
        }
    }

    fn bytes(self) -> Vec<u8> {
        let join =
            |kind: u8, name: &[u8], number: &[u8]| [&digest64(name).to_be_bytes(), &[kind][..], name, number].concat();
        match self {
            Self::Now => NOW.to_vec(),
            Self::Head(name) => join(HEAD, name, &[]),
            Self::Items(name, number) => join(ITEMS, name, &number.to_be_bytes()),
            Self::Alerts(name, number) => join(ALERTS, name, &number.to_be_bytes()),
        }
    }
}

/// The name of the first row of a key.
pub(crate) fn head_name(name: &[u8]) -> Vec<u8> {
    Row::Head(name).bytes()
}

/// The name of a row from what follows its digest, as `dirty` gives it.
pub fn row_name(rest: &[u8]) -> Vec<u8> {
    let name = match rest.split_first() {
        _ if rest == NOW => return NOW.to_vec(),
        Some((&HEAD, name)) => name,
        Some((_, numbered)) => numbered.split_last_chunk::<4>().map_or(numbered, |(name, _)| name),
        None => rest,
    };
    [&digest64(name).to_be_bytes(), rest].concat()
}

/// How much the other rows of a live key hold.
#[derive(Debug)]
pub(crate) struct Counts {
    pub items: u64,
    pub alerts: u64,
    pub last_slot: u32,
}

/// What follows in the row of a key.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    /// All items of a quiet key.
    Packed(&'a [u8]),
    Rows(Counts),
}

/// The row of a key.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// Of the correlation that it was written for.
    pub fingerprint: u64,
    pub body: Body<'a>,
}

/// Reads the row of a key; `None` if it makes no sense.
pub(crate) fn read_head(mut input: Reader<'_>) -> Option<Head<'_>> {
    let fingerprint = u64::from_le_bytes(input.fixed()?);
    let body = match input.byte()? {
        PACKED => Some(Body::Packed(input.rest())).filter(|_| is_sound(input.rest()))?,
        ROWS => {
            let counts = Counts { items: input.number()?, alerts: input.number()?, last_slot: input.small()? };
            Some(Body::Rows(counts)).filter(|_| input.is_empty())?
        }
        _ => return None,
    };
    Some(Head { fingerprint, body })
}

/// Opens the state of a row, naming the row when it is of another version or damaged.
pub(crate) fn open<'a>(key: &[u8], state: &'a [u8]) -> Result<Reader<'a>, StateError> {
    match state.first() {
        Some(&found) if found != VERSION => return Err(StateError::Version { found }),
        _ => {}
    }
    let mut input = Reader::open(state).ok_or_else(|| StateError::damaged(key))?;
    input.byte().ok_or_else(|| StateError::damaged(key))?;
    Ok(input)
}

/// The state of the row of event time.
pub(crate) fn of_now(now: i64) -> Vec<u8> {
    sealed(|out| out.signed(now))
}

impl Windows {
    /// The rows of a key that changed since they were last written.
    pub(crate) fn write(&mut self, handle: Handle) -> Vec<Written> {
        let (index, values) = split(self.keys.name(handle));
        let correlation = &self.correlations[index];
        let name = stored(&correlation.id, values);
        let head = |tag: u8, body: &dyn Fn(&mut Writer)| {
            let state = sealed(|out| {
                out.fixed(&correlation.fingerprint.to_le_bytes());
                out.byte(tag);
                body(out);
            });
            (Row::Head(&name).bytes(), Some(state))
        };
        if let Seen::Quiet(packed) = self.keys.record(handle) {
            return vec![head(PACKED, &|out| out.fixed(packed.items()))];
        }
        let Some(key) = self.keys.live_mut(handle) else { return Vec::new() };
        let mut rows = write_parts(key, &name);
        rows.push(head(ROWS, &|out| write_counts(out, key)));
        rows
    }

    /// The names of all rows that the store may have of a key.
    pub(crate) fn rows_of(&self, index: usize, handle: Handle) -> Vec<Vec<u8>> {
        let name = stored(&self.correlations[index].id, split(self.keys.name(handle)).1);
        let mut rows = vec![Row::Head(&name).bytes()];
        if let Seen::Live(key) = self.keys.record(handle) {
            rows.extend(key.chunks.numbers().map(|number| Row::Items(&name, number).bytes()));
            rows.extend(key.alerts.blocks().into_iter().map(|number| Row::Alerts(&name, number).bytes()));
        }
        rows
    }
}

fn write_counts(out: &mut Writer, key: &Key) {
    out.number(key.entries.len() as u64);
    out.number(key.alerts.len() as u64);
    out.number(u64::from(key.alerts.last()));
}

fn write_parts(key: &mut Key, name: &[u8]) -> Vec<Written> {
    let mut rows = Vec::new();
    for (number, chunk) in key.chunks.take_unwritten() {
        let state = chunk.map(|chunk| {
            let range = key.between(chunk.span.0, chunk.span.1);
            let entries = key.entries.range(range).filter(|e| e.chunk == number);
            sealed(|out| out.fixed(&pack(entries)))
        });
        rows.push((Row::Items(name, number).bytes(), state));
    }
    for number in key.alerts.take_unwritten() {
        let write = |out: &mut Writer| {
            key.alerts.block(number).for_each(|(slot, alert)| {
                out.number(u64::from(slot));
                write_alert(out, alert);
            });
        };
        let state = key.alerts.block(number).next().map(|_| sealed(write));
        rows.push((Row::Alerts(name, number).bytes(), state));
    }
    rows
}

fn sealed(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::with_capacity(64);
    out.byte(VERSION);
    write(&mut out);
    out.seal()
}

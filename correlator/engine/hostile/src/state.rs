//! Bytes as rows of the store that windows are restored from.
//!
//! What only notices damage is put right (checksum, digest of the name, version, fingerprint), so that what is tried is
//! what lies behind it.

use std::collections::BTreeMap;

use impetus_windows::{Item, Windows, row_name, seal};
use serde_json::Value;

use crate::Pieces;

/// Correlations of every kind, one referred to by another.
pub const FORM: &[u8] = include_bytes!("every_correlation.json");

/// Rows of the store.
type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Most items that are pushed afterwards.
const ITEMS: usize = 16;

/// Restore rows, then go on with items and event time. What the windows write can be restored.
///
/// The bytes are rows (key without its digest, and state, each with two bytes of length before it) up to an empty key,
/// then items: rule, id, group and time. Says whether the rows were taken up.
pub fn bear(data: &[u8]) -> bool {
    let mut pieces = Pieces(data);
    let mut kept = Rows::new();
    let mut windows = windows();
    let rows = rows(&mut pieces, &Marks::of(&windows));
    let sound = restore(&mut windows, &rows);
    if sound {
        kept = rows;
    }
    keep(&mut kept, &mut windows);
    let restorable = |kept: &Rows| assert!(restore(&mut self::windows(), kept), "what windows wrote can be restored");
    restorable(&kept);
    while !pieces.0.is_empty() {
        windows.push(&items(&mut pieces));
        windows.unexplain(&["0", "7"]);
        windows.advance(pieces.time());
        keep(&mut kept, &mut windows);
    }
    restorable(&kept);
    sound
}

fn windows() -> Windows {
    Windows::new(FORM, b"").unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

fn restore(windows: &mut Windows, rows: &Rows) -> bool {
    windows.restore(rows.iter().map(|(key, state)| (key.as_slice(), state.as_slice()))).is_ok()
}

/// What a commit does.
fn keep(kept: &mut Rows, windows: &mut Windows) {
    for (key, state) in windows.dirty() {
        match state {
            Some(state) => kept.insert(key, state),
            None => kept.remove(&key),
        };
    }
}

fn rows(pieces: &mut Pieces, marks: &Marks) -> Rows {
    let mut rows = Rows::new();
    loop {
        let key = pieces.piece();
        if key.is_empty() {
            return rows;
        }
        rows.insert(row_name(key), seal(&marks.put_right(key, pieces.piece())));
    }
}

/// By what the windows know state as theirs.
struct Marks {
    version: u8,
    /// How the names of the rows of each correlation begin, with its fingerprint.
    fingerprints: Vec<(Vec<u8>, u64)>,
}

impl Marks {
    fn of(windows: &Windows) -> Self {
        let mut other = self::windows();
        other.advance(0);
        let version = other.dirty()[0].1.as_ref().map_or(0, |state| state[0]);
        let form: Value = serde_json::from_slice(FORM).expect("the form is JSON");
        let heads = form["correlations"].as_array().into_iter().flatten().map(|correlation| {
            let id = correlation["id"].as_str().unwrap_or_default();
            [&[b'k', id.len() as u8], id.as_bytes()].concat()
        });
        Self { version, fingerprints: heads.zip(windows.fingerprints()).collect() }
    }

    /// State with the version, and if it is the head of a key the fingerprint, that the windows expect.
    fn put_right(&self, key: &[u8], state: &[u8]) -> Vec<u8> {
        let mut state = state.to_vec();
        state.iter_mut().take(1).for_each(|version| *version = self.version);
        let known = self.fingerprints.iter().find(|(head, _)| key.starts_with(head));
        if let (Some((_, fingerprint)), Some(place)) = (known, state.get_mut(1..9)) {
            place.copy_from_slice(&fingerprint.to_le_bytes());
        }
        state
    }
}

fn items(pieces: &mut Pieces) -> Vec<Item> {
    let count = usize::from(pieces.byte()) % ITEMS;
    let item = |pieces: &mut Pieces| {
        let (rule, id, group) = (pieces.byte() % 3, pieces.byte() % 16, pieces.byte() % 4);
        let time = i64::from(pieces.byte()) * 1_000_000;
        Item::new(usize::from(rule), &id.to_string(), time)
            .with_fields(vec![("g".into(), group.to_string())])
            .with_explained(id == 7)
    };
    (0..count).map(|_| item(pieces)).collect()
}

//! Bytes as rows of the store that windows are restored from.
//!
//! The checksum of a row is put right, so that what is tried is not the checksum.

use std::collections::BTreeMap;

use impetus_windows::{Item, Windows, seal};

use crate::Pieces;

/// Correlations of every kind, one referred to by another.
pub const FORM: &[u8] = include_bytes!("every_correlation.json");

/// Rows of the store.
type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Most items that are pushed afterwards.
const ITEMS: usize = 16;

/// Restore rows, then go on with items and event time. What the windows write in the end can be restored.
///
/// The bytes are rows (key and state, each with two bytes of length before it) up to an empty key, then items: rule,
/// id, group and time.
pub fn bear(data: &[u8]) {
    let mut pieces = Pieces(data);
    let mut kept = Rows::new();
    let rows = rows(&mut pieces);
    let mut windows = windows();
    let forged = restore(&mut windows, &rows) && !rows.is_empty();
    if forged {
        kept = rows;
    }
    keep(&mut kept, &mut windows);
    while !pieces.0.is_empty() {
        windows.push(&items(&mut pieces));
        windows.unexplain(&["0", "7"]);
        windows.advance(pieces.time());
        keep(&mut kept, &mut windows);
    }
    // Forged rows that contradict each other may be written on as they are; such state is then refused.
    assert!(restore(&mut self::windows(), &kept) || forged, "what windows wrote can be restored");
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

fn rows(pieces: &mut Pieces) -> Rows {
    let mut rows = Rows::new();
    loop {
        let key = pieces.piece();
        if key.is_empty() {
            return rows;
        }
        rows.insert(key.to_vec(), seal(pieces.piece()));
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

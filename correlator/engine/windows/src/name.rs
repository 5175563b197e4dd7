//! The name of a key: its correlation and the values that it groups by.
//!
//! In memory it begins with the index of the correlation, in the store with its id, so that a reload which only moves
//! indices finds its state again. The values follow, each with its length in front.

use std::ops::Range;

use crate::codec::{Reader, Writer};
use crate::compile::Correlation;
use crate::group::{Group, groups_of, write_group};

type Fields = [(String, String)];

/// Appends the name of every key of the correlation at `index` that an item of the rule at `position` counts in, and
/// tells where each stands.
pub(crate) fn for_each_name(
    (index, correlation): (usize, &Correlation),
    position: usize,
    fields: &Fields,
    out: &mut Writer,
    mut take: impl FnMut(Range<usize>),
) {
    let start = out.bytes().len();
    out.number(index as u64);
    match write_group(out, correlation, position, fields) {
        Group::One => take(start..out.bytes().len()),
        Group::None => out.truncate(start),
        Group::Many => {
            out.truncate(start);
            for group in groups_of(correlation, position, fields) {
                let start = out.bytes().len();
                out.number(index as u64);
                group.iter().for_each(|value| out.text(value));
                take(start..out.bytes().len());
            }
        }
    }
}

/// The index of the correlation, and the values as they are written.
pub(crate) fn split(name: &[u8]) -> (usize, &[u8]) {
    let mut input = Reader::plain(name);
    let index = input.number().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    (index, input.rest())
}

/// The name under which the store has the key.
pub(crate) fn stored(id: &str, values: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(id.len() + values.len() + 4);
    out.text(id);
    out.fixed(values);
    out.into_bytes()
}

/// The id of the correlation and the values of a stored name.
pub(crate) fn split_stored(stored: &[u8]) -> Option<(&str, &[u8])> {
    let mut input = Reader::plain(stored);
    let id = input.slice()?;
    Some((std::str::from_utf8(id).ok()?, input.rest()))
}

/// The name in memory.
pub(crate) fn named(index: usize, values: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(values.len() + 4);
    out.number(index as u64);
    out.fixed(values);
    out.into_bytes()
}

/// Group-by names with their values; `None` if the bytes hold others.
pub(crate) fn group(correlation: &Correlation, values: &[u8]) -> Option<Vec<(String, String)>> {
    let mut input = Reader::plain(values);
    let names = correlation.group_by.iter();
    let group = names.map(|name| Some((name.clone(), input.text()?.to_string()))).collect::<Option<Vec<_>>>()?;
    input.is_empty().then_some(group)
}

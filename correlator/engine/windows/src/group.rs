//! The group and the measured values of an item, read from its fields.

use crate::compile::Correlation;
use crate::id::{digest128, push_text};
use crate::measure::fixed_point;

/// Most groups (and most values) that one item with array fields can count in: what is beyond is not counted.
const MAX_COMBINATIONS: usize = 1024;

type Fields = [(String, String)];

/// The groups that an item of the rule at `position` counts in: one for each combination of the values of array
/// fields, none when it lacks a group-by field.
pub(crate) fn groups_of(correlation: &Correlation, position: usize, fields: &Fields) -> Vec<Vec<String>> {
    combinations(&correlation.group_fields[position], fields)
}

/// What the item contributes to the measure; `None` when it lacks a field that the measure reads.
pub(crate) fn values_of(correlation: &Correlation, position: usize, id: &str, fields: &Fields) -> Option<Box<[u128]>> {
    if correlation.counts_by_id() {
        return Some(Box::new([digest(&[id.to_owned()])]));
    }
    if !correlation.measures_fields() {
        return Some(Box::default());
    }
    let names = &correlation.value_fields[position];
    let mut values: Vec<u128> = if correlation.measures_numbers() {
        texts(fields, &names[0]).take(MAX_COMBINATIONS).filter_map(fixed_point).collect()
    } else {
        combinations(names, fields).iter().map(|tuple| digest(tuple)).collect()
    };
    if !correlation.measures_numbers() {
        values.sort_unstable();
        values.dedup();
    }
    (!values.is_empty()).then(|| values.into())
}

/// The bytes of a key: the same in every process, so that state can be stored under them.
pub(crate) fn key_bytes(correlation: &Correlation, group: &[String]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + correlation.id.len() + group.iter().map(|g| g.len() + 8).sum::<usize>());
    push_text(&mut bytes, &correlation.id);
    group.iter().for_each(|value| push_text(&mut bytes, value));
    bytes
}

fn digest(tuple: &[String]) -> u128 {
    let mut text = Vec::new();
    tuple.iter().for_each(|value| push_text(&mut text, value));
    u128::from_le_bytes(digest128(&text))
}

fn texts<'a>(fields: &'a Fields, name: &'a str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |(n, _)| n == name).map(|(_, text)| text.as_str())
}

/// Every combination of one value for each name.
fn combinations(names: &[String], fields: &Fields) -> Vec<Vec<String>> {
    let mut tuples = vec![Vec::with_capacity(names.len())];
    for name in names {
        let mut values: Vec<&str> = texts(fields, name).take(MAX_COMBINATIONS).collect();
        values.sort_unstable();
        values.dedup();
        tuples = tuples
            .iter()
            .flat_map(|tuple| values.iter().map(move |value| extended(tuple, value)))
            .take(MAX_COMBINATIONS)
            .collect();
    }
    tuples
}

fn extended(tuple: &[String], value: &str) -> Vec<String> {
    tuple.iter().cloned().chain(std::iter::once(value.to_owned())).collect()
}

//! The group and the measured values of an item, read from its fields.

use crate::codec::Writer;
use crate::compile::Correlation;
use crate::id::{digest128, push_text};
use crate::measure::fixed_point;

/// Most groups (and most values) that one item with array fields can count in: what is beyond is not counted.
const MAX_COMBINATIONS: usize = 1024;

type Fields = [(String, String)];

/// Whether an item counts in one group.
pub(crate) enum Group {
    /// It lacks a group-by field.
    None,
    /// The values of its one group were written.
    One,
    /// A field has several values: one group for each combination, see `groups_of`.
    Many,
}

/// Writes the group that an item of the rule at `position` counts in, if it is just one. Else what was written so far
/// is of no use.
pub(crate) fn write_group(out: &mut Writer, correlation: &Correlation, position: usize, fields: &Fields) -> Group {
    for name in &correlation.group_fields[position] {
        let mut found = fields.iter().filter(|(n, _)| n == name);
        let Some((_, value)) = found.next() else { return Group::None };
        if found.next().is_some() {
            return Group::Many;
        }
        out.text(value);
    }
    Group::One
}

/// All groups that an item of the rule at `position` counts in.
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

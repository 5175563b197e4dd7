//! When a rule's matches could not have been reported: what did not come then proves nothing.

use std::collections::HashMap;
use std::sync::Arc;

use crate::compile::Correlation;

/// From and to, both included (µs).
pub type Stretch = (i64, i64);

/// Stretches of event time, by the index of the rule that nobody could report. The caller keeps them: windows only
/// look, so they are told anew after a restart.
#[derive(Debug, Default)]
pub(crate) struct Blindness {
    everywhere: HashMap<usize, Vec<Stretch>>,
    /// Of the events alone in which a field has a value.
    within: HashMap<usize, HashMap<(String, String), Vec<Stretch>>>,
    /// When events in which a field has a value are in doubt: that they came proves no more than that they did not.
    doubted: HashMap<(String, String), Vec<Stretch>>,
}

impl Blindness {
    /// Replaces the stretches of a rule, or of its events with a value.
    pub fn set(&mut self, rule: usize, part: Option<(String, String)>, stretches: Vec<Stretch>) {
        match part {
            None => {
                self.everywhere.insert(rule, stretches);
            }
            Some(part) if stretches.is_empty() => {
                self.within.get_mut(&rule).map(|parts| parts.remove(&part));
            }
            Some(part) => {
                self.within.entry(rule).or_default().insert(part, stretches);
            }
        }
    }

    /// Replaces the stretches in which events with a value are in doubt.
    pub fn doubt(&mut self, part: (String, String), stretches: Vec<Stretch>) {
        if stretches.is_empty() {
            self.doubted.remove(&part);
        } else {
            self.doubted.insert(part, stretches);
        }
    }

    /// Whether any event may be in doubt.
    pub fn is_doubtful(&self) -> bool {
        !self.doubted.is_empty()
    }

    /// Whether what one rule position of a group sees at some time of a stretch is in doubt.
    pub fn doubts(
        &self,
        correlation: &Correlation,
        group: &[(String, String)],
        position: usize,
        span: Stretch,
    ) -> bool {
        self.is_doubtful()
            && parts(correlation, group, position).any(|part| self.doubted.get(&part).is_some_and(meets(span)))
    }

    /// Whether an event of one rule position of a group could have happened unseen between two times.
    pub fn hides(&self, correlation: &Correlation, group: &[(String, String)], position: usize, span: Stretch) -> bool {
        let rule = correlation.rules[position];
        let within = self.within.get(&rule);
        self.everywhere.get(&rule).is_some_and(meets(span))
            || within.is_some_and(|within| {
                parts(correlation, group, position).any(|part| within.get(&part).is_some_and(meets(span)))
            })
            || self.doubts(correlation, group, position, span)
    }
}

/// What a rule position sees of a group: its fields, each with the value of the group.
fn parts(
    correlation: &Correlation,
    group: &[(String, String)],
    position: usize,
) -> impl Iterator<Item = (String, String)> {
    correlation.group_fields[position].iter().zip(group).map(|(field, (_, value))| (field.clone(), value.clone()))
}

fn meets((from, to): Stretch) -> impl Fn(&Vec<Stretch>) -> bool {
    move |stretches| stretches.iter().any(|(start, end)| *start <= to && from <= *end)
}

/// A wait that came to its end without saying whether the awaited event happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt {
    /// Index of the correlation.
    pub rule: usize,
    /// Group-by names and values.
    pub group: Vec<(String, String)>,
    /// Event time of the first positive member, from which on the awaited event counts.
    pub since: i64,
    /// The end of the wait.
    pub until: i64,
    /// Indices of the awaited rules that may have matched unseen.
    pub unseen: Vec<usize>,
    /// Id of the member that the wait began with.
    pub newest: Arc<str>,
}

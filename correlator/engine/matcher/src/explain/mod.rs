//! Why a rule does or does not hold: the slow and obvious path.
//!
//! It shares the reading of leaves' values (numbers, networks, timestamps) with the fast path, and nothing else: its own
//! tree, its own look-up of fields, its own patterns, no prefilter, no memory of answers.

mod evaluation;
mod glob;
mod leaf;
mod tree;

use serde::Serialize;

use crate::form::Rule;

/// A clause of a rule with its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether it holds.
    pub held: bool,
    /// The op of the intermediate form; `event` where the line is no JSON object.
    pub op: String,
    /// The parts of `and`, `or` and `not`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Explanation>,
    /// The field of a leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What a leaf asks, readable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What a leaf met: one value, a list where the field has several, null where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<serde_json::Value>,
}

/// Evaluate a rule on a line, every clause of it. The log source is not asked.
pub fn explain(rule: &Rule, line: &[u8]) -> Explanation {
    match tree::read(line, evaluation::longest_name(&rule.condition)) {
        Ok(event) => evaluation::expression(&rule.condition, &event),
        Err(error) => Explanation {
            held: false,
            op: "event".into(),
            of: Vec::new(),
            field: None,
            expected: Some("a JSON object".into()),
            actual: Some(error.into()),
        },
    }
}

/// What of a rule made it hold on a line, of each clause at most the first `most` parts; nothing where it does not hold.
pub fn held(rule: &Rule, line: &[u8], most: usize) -> Option<Explanation> {
    let event = tree::read(line, evaluation::longest_name(&rule.condition)).ok()?;
    evaluation::held(&rule.condition, &event, most)
}

#[cfg(test)]
pub use evaluation::applies;

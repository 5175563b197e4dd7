//! What the engine refuses when it compiles, named by rule and operator.

use serde::Serialize;

/// One thing of a form that the engine cannot do or read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Id of the correlation, empty when the document itself is at fault.
    pub rule: String,
    /// The operator or key at fault.
    pub op: String,
    /// What is wrong with it.
    pub what: String,
}

impl Refusal {
    pub(crate) fn new(rule: &str, op: &str, what: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), op: op.to_owned(), what: what.into() }
    }
}

/// The refusals as a JSON list of `{rule, op, what}`.
pub fn refusals_json(refusals: &[Refusal]) -> String {
    serde_json::to_string(refusals).unwrap_or_else(|_| "[]".to_owned())
}

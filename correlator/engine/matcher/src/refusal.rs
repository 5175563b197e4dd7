//! What the engine refuses when it compiles, by rule and op.

use serde::Serialize;

/// One thing in an intermediate form that the engine cannot do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Id of the rule, or its index where it has none; empty for the form as a whole.
    pub rule: String,
    /// The op refused, or `form`, `rule` where it is not about one op.
    pub op: String,
    /// What is wrong with it.
    pub what: String,
}

impl Refusal {
    /// A refusal of the form as a whole.
    pub fn of_form(what: impl Into<String>) -> Self {
        Self { rule: String::new(), op: "form".into(), what: what.into() }
    }
}

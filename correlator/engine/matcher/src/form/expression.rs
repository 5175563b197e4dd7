//! Conditions: `and`, `or` and `not` over leaves.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::leaf::{self, Leaf};
use crate::refusal::Refusal;

/// Deepest nesting of a condition; evaluation recurses that deep.
const MAX_DEPTH: usize = 64;

/// A condition over one event.
#[derive(Clone, Debug)]
pub enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    Leaf(Leaf),
}

#[derive(Deserialize)]
struct OpOnly {
    op: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Many<'a> {
    #[serde(rename = "op")]
    _op: String,
    #[serde(borrow)]
    of: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One<'a> {
    #[serde(rename = "op")]
    _op: String,
    #[serde(borrow)]
    of: &'a RawValue,
}

/// Read a condition; what it cannot do is added to `refusals`, and then there is no condition.
pub fn read(rule: &str, raw: &RawValue, refusals: &mut Vec<Refusal>) -> Option<Expression> {
    Reader { rule, refusals }.expression(raw, 0)
}

struct Reader<'a> {
    rule: &'a str,
    refusals: &'a mut Vec<Refusal>,
}

impl Reader<'_> {
    fn expression(&mut self, raw: &RawValue, depth: usize) -> Option<Expression> {
        let op = self.keep("condition", serde_json::from_str::<OpOnly>(raw.get()))?.op;
        if depth == MAX_DEPTH {
            return self.refuse(&op, format!("nested deeper than {MAX_DEPTH}"));
        }
        match op.as_str() {
            "and" => self.many(&op, raw, depth).map(Expression::And),
            "or" => self.many(&op, raw, depth).map(Expression::Or),
            "not" => {
                let one: One = self.keep(&op, serde_json::from_str(raw.get()))?;
                self.expression(one.of, depth + 1).map(|of| Expression::Not(Box::new(of)))
            }
            _ => self.keep(&op, leaf::read(&op, raw)).map(Expression::Leaf),
        }
    }

    /// Every part is read even after a refusal, so that all of them are named at once.
    fn many(&mut self, op: &str, raw: &RawValue, depth: usize) -> Option<Vec<Expression>> {
        let many: Many = self.keep(op, serde_json::from_str(raw.get()))?;
        let parts: Vec<_> = many.of.iter().map(|part| self.expression(part, depth + 1)).collect();
        parts.into_iter().collect()
    }

    fn keep<T, E: ToString>(&mut self, op: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.refuse(op, error.to_string()),
        }
    }

    fn refuse<T>(&mut self, op: &str, what: String) -> Option<T> {
        self.refusals.push(Refusal { rule: self.rule.into(), op: op.into(), what });
        None
    }
}

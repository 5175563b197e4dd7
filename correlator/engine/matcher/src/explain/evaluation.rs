//! A condition evaluated clause by clause.

use super::{Explanation, leaf, tree::Tree};
use crate::form::Expression;

/// Evaluate a condition, every part of it.
pub fn expression(condition: &Expression, event: &Tree) -> Explanation {
    match condition {
        Expression::And(of) => {
            let of: Vec<_> = of.iter().map(|part| expression(part, event)).collect();
            clause("and", of.iter().all(|part| part.held), of)
        }
        Expression::Or(of) => {
            let of: Vec<_> = of.iter().map(|part| expression(part, event)).collect();
            clause("or", of.iter().any(|part| part.held), of)
        }
        Expression::Not(of) => {
            let of = expression(of, event);
            clause("not", !of.held, vec![of])
        }
        Expression::Leaf(of) => leaf::explain(of, event),
    }
}

/// Length of the longest name of a field that a condition asks for, in bytes.
pub fn longest_name(condition: &Expression) -> usize {
    match condition {
        Expression::And(of) | Expression::Or(of) => of.iter().map(longest_name).max().unwrap_or(0),
        Expression::Not(of) => longest_name(of),
        Expression::Leaf(of) => leaf::longest_name(of),
    }
}

fn clause(op: &str, held: bool, of: Vec<Explanation>) -> Explanation {
    Explanation { held, op: op.into(), of, field: None, expected: None, actual: None }
}

/// Whether a rule's log source is the event's.
#[cfg(test)]
pub fn applies(rule: &crate::form::Rule, line: &[u8]) -> bool {
    let Ok(event) = super::tree::read(line, usize::MAX) else { return false };
    let named =
        ["product", "category", "service"].iter().any(|part| !event.values(&format!("logsource.{part}")).is_empty());
    let prefix = if named { "logsource." } else { "" };
    let part = |name: &str, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| {
            let met = event.values(&format!("{prefix}{name}"));
            met.iter().filter_map(|node| node.text()).any(|met| crate::fold::fold(&met) == crate::fold::fold(wanted))
        })
    };
    let source = &rule.logsource;
    part("product", &source.product) && part("category", &source.category) && part("service", &source.service)
}

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

/// What of a condition made it hold; nothing where it does not. Of `and` and `or` the first `most` parts are told, if
/// they hold, and one alone stands for its clause.
pub fn held(condition: &Expression, event: &Tree, most: usize) -> Option<Explanation> {
    let told = |of: &[Expression]| of.iter().take(most).filter_map(|part| held(part, event, most)).collect::<Vec<_>>();
    let (op, mut kept) = match condition {
        Expression::And(of) => {
            let kept = told(of);
            let all = kept.len() == of.len().min(most) && of.iter().skip(most).all(|part| holds(part, event));
            ("and", all.then_some(kept)?)
        }
        Expression::Or(of) => {
            let kept = told(of);
            let any = !kept.is_empty() || of.iter().skip(most).any(|part| holds(part, event));
            ("or", any.then_some(kept)?)
        }
        Expression::Not(_) => return Some(expression(condition, event)).filter(|of| of.held),
        Expression::Leaf(of) => return leaf::holds(of, event).then(|| leaf::explain(of, event)),
    };
    if kept.len() == 1 { kept.pop() } else { Some(clause(op, true, kept)) }
}

fn holds(condition: &Expression, event: &Tree) -> bool {
    held(condition, event, 0).is_some()
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
    let named = ["product", "category", "service"]
        .iter()
        .any(|part| event.values(&format!("logsource.{part}")).next().is_some());
    let prefix = if named { "logsource." } else { "" };
    let part = |name: &str, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| {
            let field = format!("{prefix}{name}");
            event.values(&field).any(|met| met.folded() == Some(&crate::fold::fold(wanted)))
        })
    };
    let source = &rule.logsource;
    part("product", &source.product) && part("category", &source.category) && part("service", &source.service)
}

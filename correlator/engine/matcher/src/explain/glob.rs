//! Patterns, character by character.

use crate::form::Part;

/// Whether a whole text is of a pattern: the table of "the first i parts hold on the first j characters".
pub fn matches(parts: &[Part], text: &str) -> bool {
    // Most texts are told by what they do not have.
    if parts.iter().any(|part| matches!(part, Part::Literal(literal) if !text.contains(literal.as_str()))) {
        return false;
    }
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for part in parts {
        reached = match part {
            Part::AnyRun => {
                let first = reached.iter().position(|reached| *reached).unwrap_or(reached.len());
                (0..reached.len()).map(|at| at >= first).collect()
            }
            Part::AnyChar => shift(&reached, |_| true, 1),
            Part::Literal(literal) => {
                let literal: Vec<char> = literal.chars().collect();
                shift(&reached, |at| text[at..].starts_with(&literal), literal.len())
            }
        };
    }
    reached[text.len()]
}

fn shift(reached: &[bool], holds: impl Fn(usize) -> bool, by: usize) -> Vec<bool> {
    (0..reached.len()).map(|end| end >= by && reached[end - by] && holds(end - by)).collect()
}

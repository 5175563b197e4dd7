//! A leaf evaluated, with what it asks and what it met.

use serde_json::Value as Json;

use super::{
    Explanation, glob,
    tree::{Node, Tree, Value},
};
use crate::{
    fold::fold,
    form::{Compare, How, Leaf, Part},
    test::{Decimal, address, part_of, regex},
};

/// Evaluate a leaf.
pub fn explain(leaf: &Leaf, event: &Tree) -> Explanation {
    let field = field(leaf);
    Explanation {
        held: holds(leaf, event),
        op: op(leaf).into(),
        of: Vec::new(),
        actual: field.map(|field| actual(event.values(field))),
        field: field.map(Into::into),
        expected: Some(expected(leaf)),
    }
}

/// Whether a leaf holds.
pub fn holds(leaf: &Leaf, event: &Tree) -> bool {
    let some = |field: &str, holds: &dyn Fn(&str) -> bool| texts(event.values(field)).any(holds);
    match leaf {
        Leaf::Match(leaf) => pattern(&leaf.parts, leaf.cased, event.values(&leaf.field.0)),
        Leaf::Keyword(leaf) => {
            let parts = [&[Part::AnyRun], leaf.parts.as_slice(), &[Part::AnyRun]].concat();
            pattern(&parts, leaf.cased, event.0.iter())
        }
        Leaf::Number(leaf) => some(&leaf.field.0, &|text| {
            Decimal::parse(text.as_bytes()).is_some_and(|met| leaf.cmp.holds(met.cmp(&leaf.value)))
        }),
        Leaf::Bool(leaf) => some(&leaf.field.0, &|text| text.to_ascii_lowercase() == leaf.value.to_string()),
        Leaf::Null(leaf) => {
            let mut met = event.values(&leaf.field.0).peekable();
            met.peek().is_none() || met.any(|value| value.node == Node::Null)
        }
        Leaf::Exists(leaf) => leaf.value == event.values(&leaf.field.0).next().is_some(),
        Leaf::Re(leaf) => some(&leaf.field.0, &|text| found(&leaf.pattern, &leaf.flags, text)),
        Leaf::ReKeyword(leaf) => texts(event.0.iter()).any(|text| found(&leaf.pattern, &leaf.flags, text)),
        Leaf::Cidr(leaf) => {
            some(&leaf.field.0, &|text| address(text.as_bytes()).is_some_and(|met| leaf.network.contains(met)))
        }
        Leaf::FieldRef(leaf) => {
            let others: Vec<_> = texts(event.values(&leaf.other.0)).collect();
            some(&leaf.field.0, &|text| others.iter().any(|other| compare(leaf.how, leaf.cased, text, other)))
        }
        Leaf::Time(leaf) => some(&leaf.field.0, &|text| {
            part_of(text.as_bytes(), leaf.part).is_some_and(|met| leaf.cmp.holds(met.cmp(&leaf.value)))
        }),
    }
}

fn texts<'a>(values: impl Iterator<Item = &'a Value>) -> impl Iterator<Item = &'a str> {
    values.filter_map(|value| value.node.text())
}

fn pattern<'a>(parts: &[Part], cased: bool, mut values: impl Iterator<Item = &'a Value>) -> bool {
    if cased {
        return texts(values).any(|text| glob::matches(parts, text));
    }
    let folded = parts.iter().map(|part| match part {
        Part::Literal(text) => Part::Literal(fold(text)),
        wild => wild.clone(),
    });
    let folded: Vec<_> = folded.collect();
    values.any(|value| value.folded().is_some_and(|text| glob::matches(&folded, text)))
}

/// It compiled when the rules did.
fn found(pattern: &str, flags: &str, text: &str) -> bool {
    regex(pattern, flags).is_ok_and(|regex| regex.is_match(text))
}

fn compare(how: How, cased: bool, text: &str, other: &str) -> bool {
    let (text, other) = if cased { (text.into(), other.into()) } else { (fold(text), fold(other)) };
    match how {
        How::Eq => text == other,
        How::StartsWith => text.starts_with(&other),
        How::EndsWith => text.ends_with(&other),
        How::Contains => text.contains(&other),
    }
}

fn op(leaf: &Leaf) -> &'static str {
    match leaf {
        Leaf::Match(_) => "match",
        Leaf::Keyword(_) => "keyword",
        Leaf::Number(_) => "number",
        Leaf::Bool(_) => "bool",
        Leaf::Null(_) => "null",
        Leaf::Exists(_) => "exists",
        Leaf::Re(_) => "re",
        Leaf::ReKeyword(_) => "re_keyword",
        Leaf::Cidr(_) => "cidr",
        Leaf::FieldRef(_) => "fieldref",
        Leaf::Time(_) => "time",
    }
}

fn field(leaf: &Leaf) -> Option<&str> {
    let field = match leaf {
        Leaf::Match(leaf) => &leaf.field,
        Leaf::Number(leaf) => &leaf.field,
        Leaf::Bool(leaf) => &leaf.field,
        Leaf::Null(leaf) => &leaf.field,
        Leaf::Exists(leaf) => &leaf.field,
        Leaf::Re(leaf) => &leaf.field,
        Leaf::Cidr(leaf) => &leaf.field,
        Leaf::FieldRef(leaf) => &leaf.field,
        Leaf::Time(leaf) => &leaf.field,
        Leaf::Keyword(_) | Leaf::ReKeyword(_) => return None,
    };
    Some(&field.0)
}

/// Length of the longest name of a field that a leaf asks for, in bytes.
pub fn longest_name(leaf: &Leaf) -> usize {
    let other = if let Leaf::FieldRef(leaf) = leaf { leaf.other.0.len() } else { 0 };
    field(leaf).map_or(0, str::len).max(other)
}

fn expected(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Match(leaf) => written(&leaf.parts, leaf.cased),
        Leaf::Keyword(leaf) => format!("some field contains {}", written(&leaf.parts, leaf.cased)),
        Leaf::Number(leaf) => format!("{} {}", sign(leaf.cmp), leaf.value),
        Leaf::Bool(leaf) => leaf.value.to_string(),
        Leaf::Null(_) => "null or absent".into(),
        Leaf::Exists(leaf) => if leaf.value { "present" } else { "absent" }.into(),
        Leaf::Re(leaf) => format!("/{}/{}", leaf.pattern, leaf.flags),
        Leaf::ReKeyword(leaf) => format!("some field has /{}/{}", leaf.pattern, leaf.flags),
        Leaf::Cidr(leaf) => format!("in {}", leaf.network),
        Leaf::FieldRef(leaf) => {
            let how = match leaf.how {
                How::Eq => "equals",
                How::StartsWith => "starts with",
                How::EndsWith => "ends with",
                How::Contains => "contains",
            };
            format!("{how} the field {}", leaf.other.0)
        }
        Leaf::Time(leaf) => format!("{:?} {} {}", leaf.part, sign(leaf.cmp), leaf.value).to_lowercase(),
    }
}

/// A pattern as rules write it.
fn written(parts: &[Part], cased: bool) -> String {
    let part = |part: &Part| match part {
        Part::Literal(text) => text.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?"),
        Part::AnyRun => "*".into(),
        Part::AnyChar => "?".into(),
    };
    let text: String = parts.iter().map(part).collect();
    if cased { format!("\"{text}\" (cased)") } else { format!("\"{text}\"") }
}

fn sign(compare: Compare) -> &'static str {
    match compare {
        Compare::Eq => "=",
        Compare::Lt => "<",
        Compare::Lte => "≤",
        Compare::Gt => ">",
        Compare::Gte => "≥",
    }
}

fn actual<'a>(values: impl Iterator<Item = &'a Value>) -> Json {
    let json = |node: &Node| match node {
        Node::Null => Json::Null,
        Node::Bool(value) => Json::Bool(*value),
        Node::Number(text) => number(text),
        Node::Text(text) => text.as_str().into(),
        Node::Container => "(object or array)".into(),
    };
    let nodes: Vec<_> = values.map(|value| &value.node).collect();
    match nodes.as_slice() {
        [] => Json::Null,
        [one] => json(one),
        many => many.iter().filter(|node| ***node != Node::Container).map(|node| json(node)).collect(),
    }
}

/// As a number where that loses no digit, else as text.
fn number(text: &str) -> Json {
    let number: Option<Json> = serde_json::from_str(text).ok();
    number.filter(|number| *number.to_string() == *text).unwrap_or_else(|| text.into())
}

//! Rules as trees, and their intermediate form.

use serde_json::{Value, json};

/// Product, category and service; nothing applies to every event.
pub type LogSource = [Option<&'static str>; 3];

#[derive(Clone, Debug)]
pub enum Rule {
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    Leaf(Leaf),
}

#[derive(Clone, Debug)]
pub enum Part {
    Literal(String),
    AnyRun,
    AnyChar,
}

/// Where a regular expression looks.
#[derive(Clone, Debug)]
pub enum Source {
    Field(&'static str),
    Anywhere,
}

/// A regular expression, and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    pub pattern: &'static str,
    pub flags: &'static str,
    pub found: fn(&str) -> bool,
}

/// A network, and which texts are addresses in it.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    pub network: &'static str,
    pub holds: fn(&str) -> bool,
}

/// A part of a timestamp, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct TimePart {
    pub name: &'static str,
    pub read: fn(&str) -> Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub enum How {
    Eq,
    StartsWith,
    EndsWith,
    Contains,
}

#[derive(Clone, Debug)]
pub enum Leaf {
    Match { field: &'static str, parts: Vec<Part>, cased: bool },
    Keyword { parts: Vec<Part>, cased: bool },
    Number { field: &'static str, compare: &'static str, value: &'static str },
    Bool { field: &'static str, value: bool },
    Null { field: &'static str },
    Exists { field: &'static str, value: bool },
    Re { source: Source, pattern: Pattern },
    Cidr { field: &'static str, network: Network },
    FieldRef { field: &'static str, other: &'static str, how: How, cased: bool },
    Time { field: &'static str, part: TimePart, compare: &'static str, value: i64 },
}

/// The intermediate form of rules.
pub fn form(rules: &[(LogSource, Rule)]) -> String {
    let rule = |(index, (source, rule)): (usize, &(LogSource, Rule))| {
        let source = json!({"product": source[0], "category": source[1], "service": source[2]});
        format!(r#"{{"id": "{index}", "logsource": {source}, "condition": {}}}"#, rule.form())
    };
    let rules: Vec<String> = rules.iter().enumerate().map(rule).collect();
    format!(r#"{{"version": 1, "rules": [{}], "correlations": []}}"#, rules.join(", "))
}

impl Rule {
    fn form(&self) -> String {
        let all = |of: &[Rule]| of.iter().map(Rule::form).collect::<Vec<_>>().join(", ");
        match self {
            Self::And(of) => format!(r#"{{"op": "and", "of": [{}]}}"#, all(of)),
            Self::Or(of) => format!(r#"{{"op": "or", "of": [{}]}}"#, all(of)),
            Self::Not(of) => format!(r#"{{"op": "not", "of": {}}}"#, of.form()),
            // As text: a JSON value would round it.
            Self::Leaf(Leaf::Number { field, compare, value }) => {
                format!(r#"{{"op": "number", "field": "{field}", "cmp": "{compare}", "value": {value}}}"#)
            }
            Self::Leaf(leaf) => leaf.form().to_string(),
        }
    }
}

impl Leaf {
    fn form(&self) -> Value {
        match self {
            Self::Match { field, parts, cased } => {
                json!({"op": "match", "field": field, "parts": pattern(parts), "cased": cased})
            }
            Self::Keyword { parts, cased } => json!({"op": "keyword", "parts": pattern(parts), "cased": cased}),
            Self::Bool { field, value } => json!({"op": "bool", "field": field, "value": value}),
            Self::Null { field } => json!({"op": "null", "field": field}),
            Self::Exists { field, value } => json!({"op": "exists", "field": field, "value": value}),
            Self::Re { source: Source::Field(field), pattern } => {
                json!({"op": "re", "field": field, "pattern": pattern.pattern, "flags": pattern.flags})
            }
            Self::Re { source: Source::Anywhere, pattern } => {
                json!({"op": "re_keyword", "pattern": pattern.pattern, "flags": pattern.flags})
            }
            Self::Cidr { field, network } => json!({"op": "cidr", "field": field, "network": network.network}),
            Self::FieldRef { field, other, how, cased } => {
                let how = format!("{how:?}").to_lowercase();
                json!({"op": "fieldref", "field": field, "other": other, "how": how, "cased": cased})
            }
            Self::Number { .. } => unreachable!("a number is written by its rule"),
            Self::Time { field, part, compare, value } => {
                json!({"op": "time", "field": field, "part": part.name, "cmp": compare, "value": value})
            }
        }
    }
}

fn pattern(parts: &[Part]) -> Vec<Value> {
    let part = |part: &Part| match part {
        Part::Literal(text) => json!(text),
        Part::AnyRun => json!(0),
        Part::AnyChar => json!(1),
    };
    parts.iter().map(part).collect()
}

//! The leaves of a condition: one test of one field, or of every field's text.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::test::{Decimal, Network};

/// Most segments (between dots) of a field's name.
const MAX_SEGMENTS: usize = 32;

/// One test. Equal leaves are one predicate, however many rules hold it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Leaf {
    Match(Match),
    Keyword(Keyword),
    Number(Number),
    Bool(Bool),
    Null(Null),
    Exists(Exists),
    Re(Re),
    ReKeyword(ReKeyword),
    Cidr(Cidr),
    FieldRef(FieldRef),
    Time(Time),
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Literal(String),
    /// `*`
    AnyRun,
    /// `?`
    AnyChar,
}

/// How two ordered values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    Eq,
    Lt,
    Lte,
    Gt,
    Gte,
}

impl Compare {
    /// Whether `left` (ordered so to the right side) compares so.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Lt => ordering.is_lt(),
            Self::Lte => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Gte => ordering.is_ge(),
        }
    }
}

/// How the texts of two fields are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    Eq,
    StartsWith,
    EndsWith,
    Contains,
}

/// A part of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimePart {
    Minute,
    Hour,
    /// Of the month.
    Day,
    /// ISO 8601 week of the year.
    Week,
    Month,
    Year,
}

/// Stands where the form has `op`, which has chosen the struct already.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Op;

impl<'de> Deserialize<'de> for Op {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

macro_rules! leaves {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            #[serde(rename = "op")]
            _op: Op,
            $(pub $field: $kind,)*
        }
    )*};
}

leaves! {
    /// The field's text equals a pattern.
    Match { field: Field, parts: Vec<Part>, cased: bool }
    /// Some field's text contains a pattern.
    Keyword { parts: Vec<Part>, cased: bool }
    /// The field is a number that compares so.
    Number { field: Field, cmp: Compare, value: Decimal }
    /// The field is that boolean.
    Bool { field: Field, value: bool }
    /// The field is null or absent.
    Null { field: Field }
    /// The field is present, or is not.
    Exists { field: Field, value: bool }
    /// The field's text holds a regular expression.
    Re { field: Field, pattern: String, flags: String }
    /// Some field's text holds a regular expression.
    ReKeyword { pattern: String, flags: String }
    /// The field is an address in a network.
    Cidr { field: Field, network: Network }
    /// The texts of two fields compare so.
    FieldRef { field: Field, other: Field, how: How, cased: bool }
    /// A part of the field's timestamp compares so.
    Time { field: Field, part: TimePart, cmp: Compare, value: i64 }
}

/// The full dotted name of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field(pub Box<str>);

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.split('.').count() > MAX_SEGMENTS {
            return Err(serde::de::Error::custom(format!("a field name of more than {MAX_SEGMENTS} segments")));
        }
        // Damaged bytes of an event read as U+FFFD, so such a name would mean two things.
        if name.contains('\u{FFFD}') {
            return Err(serde::de::Error::custom("a field name with U+FFFD"));
        }
        Ok(Self(name.into()))
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Text(String),
            Wild(u64),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Text(text) => Ok(Self::Literal(text)),
            Raw::Wild(0) => Ok(Self::AnyRun),
            Raw::Wild(1) => Ok(Self::AnyChar),
            Raw::Wild(other) => Err(serde::de::Error::custom(format!("unknown wildcard {other}"))),
        }
    }
}

/// Read a leaf, or say why it cannot be done.
pub fn read(op: &str, raw: &RawValue) -> Result<Leaf, String> {
    fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
        serde_json::from_str(raw.get()).map_err(|error| error.to_string())
    }
    match op {
        "match" => parse(raw).map(Leaf::Match),
        "keyword" => parse(raw).map(Leaf::Keyword),
        "number" => parse(raw).map(Leaf::Number),
        "bool" => parse(raw).map(Leaf::Bool),
        "null" => parse(raw).map(Leaf::Null),
        "exists" => parse(raw).map(Leaf::Exists),
        "re" => parse::<Re>(raw).and_then(|re| check(&re.pattern, &re.flags).map(|()| Leaf::Re(re))),
        "re_keyword" => {
            parse::<ReKeyword>(raw).and_then(|re| check(&re.pattern, &re.flags).map(|()| Leaf::ReKeyword(re)))
        }
        "cidr" => parse(raw).map(Leaf::Cidr),
        "fieldref" => parse(raw).map(Leaf::FieldRef),
        "time" => parse(raw).map(Leaf::Time),
        _ => Err("unknown op".into()),
    }
}

fn check(pattern: &str, flags: &str) -> Result<(), String> {
    crate::test::regex(pattern, flags).map(|_| ())
}

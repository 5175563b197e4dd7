//! Random rules and events over few names and few texts, so that much of the one holds on the other.

use proptest::{collection::vec, prelude::*, sample::select};

use super::event::Json;
use super::rule::{How, Leaf, LogSource, Network, Part, Pattern, Rule, Source, TimePart};

/// Names of fields, prefixes of one another.
const FIELDS: [&str; 9] = ["a", "b", "a.b", "b.c", "a.b.c", "a..b", "é", "category", "logsource.category"];

/// Keys of events: names, and pieces of them.
const KEYS: [&str; 13] =
    ["a", "b", "c", "a.b", "b.c", "a.b.c", "", ".b", "é", "z", "logsource", "category", "logsource.product"];

const TEXTS: [&str; 33] = [
    "",
    "a",
    "A",
    "ab",
    "ABA",
    "aab",
    "å",
    "Å",
    "K",
    "k",
    "K",
    "İ",
    "i",
    "Σ",
    "σ",
    "ς",
    "ß",
    "ẞ",
    "\\",
    "*",
    "?",
    "\"/",
    "a*b",
    "\n",
    "1",
    "-1.5",
    "1e3",
    "True",
    "x1",
    "10.0.0.1",
    "::ffff:10.1.2.3",
    "2024-02-29T23:07:01+01:00",
    "😀",
];

const NUMBERS: [&str; 11] =
    ["0", "-0", "1", "1.0", "-1.5", "1e3", "1E+3", "1000", "9007199254740993", "18446744073709551616", "0.125"];

const PATTERNS: [Pattern; 8] = [
    Pattern { pattern: "a", flags: "", found: |text| text.contains('a') },
    Pattern { pattern: "^a", flags: "", found: |text| text.starts_with('a') },
    Pattern { pattern: "^a.*b$", flags: "s", found: |text| text.starts_with('a') && text.ends_with('b') },
    Pattern { pattern: "\\d", flags: "", found: |text| text.chars().any(|c| c.is_ascii_digit()) },
    Pattern { pattern: "^[^a]*$", flags: "", found: |text| !text.contains('a') },
    Pattern { pattern: "k", flags: "i", found: |text| text.contains(['k', 'K', '\u{212A}']) },
    Pattern { pattern: "^$", flags: "", found: str::is_empty },
    Pattern { pattern: "^$", flags: "m", found: |text| text.split('\n').any(str::is_empty) },
];

/// Of the texts that are drawn two are addresses.
const NETWORKS: [Network; 6] = [
    Network { network: "10.0.0.0/8", holds: |text| ["10.0.0.1", "::ffff:10.1.2.3"].contains(&text) },
    Network { network: "10.0.0.1", holds: |text| text == "10.0.0.1" },
    Network { network: "0.0.0.0/0", holds: |text| ["10.0.0.1", "::ffff:10.1.2.3"].contains(&text) },
    Network { network: "11.0.0.0/8", holds: |_| false },
    Network { network: "::/0", holds: |text| text == "::ffff:10.1.2.3" },
    Network { network: "::ffff:0:0/96", holds: |text| text == "::ffff:10.1.2.3" },
];

/// Of the texts that are drawn one is a timestamp.
macro_rules! time_part {
    ($name:literal, $value:literal) => {
        TimePart { name: $name, read: |text| (text == "2024-02-29T23:07:01+01:00").then_some($value) }
    };
}
const TIMES: [TimePart; 6] = [
    time_part!("minute", 7),
    time_part!("hour", 23),
    time_part!("day", 29),
    time_part!("week", 9),
    time_part!("month", 2),
    time_part!("year", 2024),
];

/// A few rules, each with its log source.
pub fn rules() -> impl Strategy<Value = Vec<(LogSource, Rule)>> {
    let part = || select(vec![None, None, Some("a"), Some("Å")]);
    let source = (part(), part(), part()).prop_map(|(product, category, service)| [product, category, service]);
    vec((source, rule()), 1..6)
}

fn rule() -> impl Strategy<Value = Rule> {
    leaf().prop_map(Rule::Leaf).prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Rule::And),
            vec(inner.clone(), 0..4).prop_map(Rule::Or),
            inner.prop_map(|of| Rule::Not(Box::new(of))),
        ]
    })
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let field = || select(&FIELDS[..]);
    let compare = || select(vec!["eq", "lt", "lte", "gt", "gte"]);
    let how = select(vec![How::Eq, How::StartsWith, How::EndsWith, How::Contains]);
    let source = prop_oneof![3 => field().prop_map(Source::Field), 1 => Just(Source::Anywhere)];
    prop_oneof![
        6 => (field(), parts(), any::<bool>()).prop_map(|(field, parts, cased)| Leaf::Match { field, parts, cased }),
        2 => (parts(), any::<bool>()).prop_map(|(parts, cased)| Leaf::Keyword { parts, cased }),
        2 => (field(), compare(), select(&NUMBERS[..]))
            .prop_map(|(field, compare, value)| Leaf::Number { field, compare, value }),
        1 => (field(), any::<bool>()).prop_map(|(field, value)| Leaf::Bool { field, value }),
        1 => field().prop_map(|field| Leaf::Null { field }),
        1 => (field(), any::<bool>()).prop_map(|(field, value)| Leaf::Exists { field, value }),
        2 => (source, select(&PATTERNS[..])).prop_map(|(source, pattern)| Leaf::Re { source, pattern }),
        1 => (field(), select(&NETWORKS[..])).prop_map(|(field, network)| Leaf::Cidr { field, network }),
        2 => (field(), field(), how, any::<bool>())
            .prop_map(|(field, other, how, cased)| Leaf::FieldRef { field, other, how, cased }),
        1 => (field(), select(&TIMES[..]), compare(), select(vec![0, 2, 7, 9, 23, 29, 2024]))
            .prop_map(|(field, part, compare, value)| Leaf::Time { field, part, compare, value }),
    ]
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![
        4 => select(&TEXTS[..]).prop_map(|text| Part::Literal(text.into())),
        3 => Just(Part::AnyRun),
        1 => Just(Part::AnyChar),
    ];
    vec(part, 0..5)
}

/// An event.
pub fn event() -> impl Strategy<Value = Json> {
    object(value())
}

fn value() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        6 => select(&TEXTS[..]).prop_map(|text| Json::Text(text.into())),
        2 => (select(&TEXTS[..]), select(&TEXTS[..])).prop_map(|(one, two)| Json::Text(format!("{one}x{two}"))),
        3 => select(&NUMBERS[..]).prop_map(|text| Json::Number(text.into())),
        1 => any::<bool>().prop_map(Json::Bool),
        1 => Just(Json::Null),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| prop_oneof![vec(inner.clone(), 0..5).prop_map(Json::Array), object(inner)])
}

fn object(value: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    vec((select(&KEYS[..]).prop_map(String::from), value), 0..7).prop_map(Json::Object)
}

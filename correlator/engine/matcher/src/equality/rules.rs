//! Random intermediate forms, over few fields and few texts, so that much of them holds.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

/// Names of fields, prefixes of one another.
const FIELDS: [&str; 10] = ["a", "b", "c", "a.b", "b.c", "a.b.c", "a..b", "é", "category", "logsource.category"];

/// Texts whose pieces meet each other, across case and script.
pub const TEXTS: [&str; 25] = [
    "",
    "a",
    "A",
    "ab",
    "ABA",
    "å",
    "Å",
    "K",
    "k",
    "İ",
    "i",
    "\\",
    "*",
    "\"/",
    "1",
    "-1.5",
    "1e3",
    "true",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "2024-02-29T23:07:01+01:00",
    "😀",
    "kitchen",
    "KITCHEN\\x",
    "k\u{212A}tch",
];

/// A form of a few rules.
pub fn form() -> impl Strategy<Value = Value> {
    let rule = (logsource(), expression())
        .prop_map(|(logsource, condition)| json!({"id": "r", "logsource": logsource, "condition": condition}));
    vec(rule, 1..8).prop_map(|rules| json!({"version": 1, "rules": rules, "correlations": []}))
}

fn logsource() -> impl Strategy<Value = Value> {
    let part = || select(vec![Value::Null, Value::Null, json!("a"), json!("Å")]);
    (part(), part(), part())
        .prop_map(|(product, category, service)| json!({"product": product, "category": category, "service": service}))
}

fn expression() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|of| json!({"op": "and", "of": of})),
            vec(inner.clone(), 0..4).prop_map(|of| json!({"op": "or", "of": of})),
            inner.prop_map(|of| json!({"op": "not", "of": of})),
        ]
    })
}

fn field() -> impl Strategy<Value = &'static str> {
    select(&FIELDS[..])
}

fn parts() -> impl Strategy<Value = Vec<Value>> {
    let part = prop_oneof![
        4 => select(&TEXTS[..]).prop_map(|text| json!(text)),
        3 => Just(json!(0)),
        1 => Just(json!(1)),
    ];
    vec(part, 0..5)
}

fn leaf() -> impl Strategy<Value = Value> {
    let compare = || select(vec!["eq", "lt", "lte", "gt", "gte"]);
    let pattern = || select(vec!["a", "^.b", "b$", "\\d+", "[^a]", "å.?", "^$", "(a|ab)(c|bcd)*"]);
    let flags = || select(vec!["", "i", "ms", "ims"]);
    let network = select(vec!["10.0.0.0/8", "::/0", "10.0.0.1", "0.0.0.0/0", "::ffff:0:0/96"]);
    let number = select(vec!["0", "1", "-1.5", "1000", "1e3", "9007199254740993", "18446744073709551616", "0.1"]);
    let how = select(vec!["eq", "startswith", "endswith", "contains"]);
    let part = select(vec!["minute", "hour", "day", "week", "month", "year"]);
    prop_oneof![
        6 => (field(), parts(), any::<bool>())
            .prop_map(|(field, parts, cased)| json!({"op": "match", "field": field, "parts": parts, "cased": cased})),
        1 => (parts(), any::<bool>())
            .prop_map(|(parts, cased)| json!({"op": "keyword", "parts": parts, "cased": cased})),
        2 => (field(), compare(), number).prop_map(|(field, compare, number)| {
            let number: Box<serde_json::value::RawValue> = serde_json::from_str(number).unwrap();
            json!({"op": "number", "field": field, "cmp": compare, "value": number})
        }),
        1 => (field(), any::<bool>()).prop_map(|(field, value)| json!({"op": "bool", "field": field, "value": value})),
        1 => field().prop_map(|field| json!({"op": "null", "field": field})),
        1 => (field(), any::<bool>()).prop_map(|(field, value)| json!({"op": "exists", "field": field, "value": value})),
        1 => (field(), pattern(), flags()).prop_map(
            |(field, pattern, flags)| json!({"op": "re", "field": field, "pattern": pattern, "flags": flags})
        ),
        1 => (pattern(), flags())
            .prop_map(|(pattern, flags)| json!({"op": "re_keyword", "pattern": pattern, "flags": flags})),
        1 => (field(), network)
            .prop_map(|(field, network)| json!({"op": "cidr", "field": field, "network": network})),
        2 => (field(), field(), how, any::<bool>()).prop_map(|(field, other, how, cased)| {
            json!({"op": "fieldref", "field": field, "other": other, "how": how, "cased": cased})
        }),
        1 => (field(), part, compare(), select(vec![0, 2, 7, 9, 23, 2024])).prop_map(
            |(field, part, compare, value)| {
                json!({"op": "time", "field": field, "part": part, "cmp": compare, "value": value})
            }
        ),
    ]
}

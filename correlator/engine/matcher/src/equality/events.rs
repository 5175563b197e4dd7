//! Random events as JSON text: nested, dotted, arrays, repeated keys, escapes, odd numbers, white space, damage.

use proptest::{collection::vec, prelude::*, sample::select};

use super::rules::TEXTS;

const KEYS: [&str; 14] = [
    "a",
    "b",
    "c",
    "a.b",
    "b.c",
    "a.b.c",
    "",
    ".b",
    "é",
    "z",
    "logsource",
    "category",
    "product",
    "logsource.category",
];

const NUMBERS: [&str; 12] =
    ["0", "-0", "1", "1.0", "-1.5", "1e3", "1E+3", "1000", "9007199254740993", "18446744073709551616", "0.1", "1e400"];

/// A whole event.
pub fn line() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        9 => Just(None),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(Some),
    ];
    (object(value()), damage).prop_map(|(object, damage)| {
        let mut line = object.into_bytes();
        // Only what stands for text: a byte that changes the structure is the business of `damaged`.
        if let Some((at, _)) = damage {
            let at = at.index(line.len());
            if line[at].is_ascii_uppercase() && !line[at].is_ascii_hexdigit() {
                line[at] = 0xFF;
            }
        }
        line
    })
}

/// An event with a byte changed or its end cut off, or any bytes at all.
pub fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let changed = (line(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut line, at, byte)| {
        let at = at.index(line.len());
        line[at] = byte;
        line
    });
    let cut = (line(), any::<prop::sample::Index>()).prop_map(|(mut line, at)| {
        line.truncate(at.index(line.len()));
        line
    });
    let shaped = vec(select(b"{}[]\",:\\u01-.eatrufls \xFF\xC3".as_slice()), 0..60);
    prop_oneof![changed, cut, shaped, vec(any::<u8>(), 0..100)]
}

fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        6 => text(select(&TEXTS[..])),
        1 => text(".{0,6}"),
        3 => select(&NUMBERS[..]).prop_map(String::from),
        2 => select(vec!["true", "false", "null"]).prop_map(String::from),
        1 => select(vec![r#""\ud83d""#, r#""\ud83d\ude00""#, r#""\udc00a""#, r#""\u212a""#]).prop_map(String::from),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..5), space())
                .prop_map(|(of, space)| format!("[{space}{}]", of.join(&format!("{space},")))),
            object(inner),
        ]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (vec((text(select(&KEYS[..])), value), 0..7), space()).prop_map(|(members, space)| {
        let members: Vec<String> =
            members.iter().map(|(key, value)| format!("{key}{space}:{space}{value}{space}")).collect();
        format!("{{{space}{}}}", members.join(&format!(",{space}")))
    })
}

fn space() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\t \r"])
}

/// A JSON string: each character as it is, or escaped.
fn text<T: AsRef<str> + std::fmt::Debug>(text: impl Strategy<Value = T>) -> impl Strategy<Value = String> {
    (text, any::<u8>(), prop::bool::weighted(0.3)).prop_map(|(text, mask, escape)| {
        let character = |(at, character): (usize, char)| {
            if escape && mask >> (at % 8) & 1 == 1 {
                let mut units = [0; 2];
                return character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            }
            let plain = serde_json::to_string(&character).expect("a character is JSON");
            plain[1..plain.len() - 1].to_string()
        };
        format!("\"{}\"", text.as_ref().chars().enumerate().map(character).collect::<String>())
    })
}

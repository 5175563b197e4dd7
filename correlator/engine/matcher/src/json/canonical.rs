//! The canonical form of a text: folded, and escaped as a JSON string as briefly as can be.
//!
//! What a plain line says of a field is its canonical form but for the case of ASCII letters, so what is looked for in
//! many lines is brought to this form once, and no line is unescaped or folded. A text has another in it, starts or
//! ends with it, only if their canonical forms do; the other way does not hold, since an escape may be cut in two.

use crate::fold::fold;

/// Append the canonical form of a folded text.
pub fn write_canonical(folded: &[u8], out: &mut Vec<u8>) {
    for byte in folded {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.push(*byte),
        }
    }
}

/// The canonical form of a text.
pub fn canonical(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    write_canonical(fold(text).as_bytes(), &mut out);
    out.into()
}

/// Whether what stands between the quotes is a canonical form but for the case of ASCII letters, unless it is damaged.
pub fn is_canonical(raw: &[u8]) -> bool {
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        let doubtful = |byte: Option<&u8>| matches!(byte, None | Some(b'u' | b'/'));
        if !matches!(byte, b' '..=b'\x7F') || *byte == b'\\' && doubtful(bytes.next()) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::unescape_into;
    use proptest::prelude::*;

    #[test]
    fn canonical_forms_are_told_from_others() {
        for raw in ["", "Ab c", r"c:\\users\r\n\t\b\f\\\\u", r#"\""#] {
            assert!(is_canonical(raw.as_bytes()), "{raw}");
        }
        for raw in [r"\u0041", r"\/", "\t", "é", r"a\\\u0041", "\\"] {
            assert!(!is_canonical(raw.as_bytes()), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn what_is_canonical_is_what_its_text_has(raw in r#"([a-z ]|\\[\\"bfnrt]){0,12}"#) {
            let mut text = Vec::new();
            unescape_into(raw.as_bytes(), &mut text);
            prop_assert!(is_canonical(raw.as_bytes()));
            prop_assert_eq!(&*canonical(std::str::from_utf8(&text).unwrap()), raw.as_bytes());
        }
    }
}

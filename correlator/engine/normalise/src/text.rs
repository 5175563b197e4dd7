//! Strings of JSON, written in the one spelling that msgspec gives them.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Write bytes of UTF-8 as a JSON string.
pub fn quote(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    escape(bytes, out);
    out.push(b'"');
}

/// Write the inside of a JSON string anew: other spellings of a character become the one. The string is sound.
pub fn requote(inside: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = inside;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let (character, length) = character(&rest[at..]);
        match character {
            Some(character) => escape(character.encode_utf8(&mut [0; 4]).as_bytes(), out),
            None => out.extend_from_slice(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The character of an escape that is respelled, and the length of the escape.
fn character(escape: &[u8]) -> (Option<char>, usize) {
    match escape.get(1) {
        Some(b'/') => (Some('/'), 2),
        Some(b'u') => (code(escape).and_then(char::from_u32), 6),
        _ => (None, 2),
    }
}

/// The number of `\uXXXX`; none where it is none.
pub fn code(escape: &[u8]) -> Option<u32> {
    let digits = escape.get(2..6)?;
    digits.iter().try_fold(0, |sum, digit| char::from(*digit).to_digit(16).map(|value| sum * 16 + value))
}

fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut begun = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= b' ' && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[begun..at]);
        begun = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            _ => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
    }
    out.extend_from_slice(&bytes[begun..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_one_spelling() {
        let mut out = Vec::new();
        requote(br#"\u0041\/\u000a\n\u0022\\\u00e9\u0001"#, &mut out);
        assert_eq!(out, "\"A/\\n\\n\\\"\\\\é\\u0001\"".as_bytes());
        out.clear();
        quote(b"a\"b\\c\n\x01\x7f", &mut out);
        assert_eq!(out, b"\"a\\\"b\\\\c\\n\\u0001\x7f\"");
    }
}

//! The text of a JSON string.

use std::borrow::Cow;

const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

/// Append the text of a string's inside: escapes resolved; lone surrogates, unknown escapes and invalid UTF-8 become
/// U+FFFD, since a value that hides behind damage must still be seen.
pub fn unescape_into(raw: &[u8], out: &mut Vec<u8>) {
    // Looking for damage is slow, seeing that there is none is not.
    let sound = std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed);
    let mut rest = sound.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = unescape_one(&rest[at + 1..], out);
    }
    out.extend_from_slice(rest);
}

/// Append what one escape (after its backslash) stands for; returns what follows it.
fn unescape_one<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((kind, after)) = rest.split_first() else {
        out.extend_from_slice(REPLACEMENT);
        return rest;
    };
    let byte = match kind {
        b'"' | b'\\' | b'/' => *kind,
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unescape_unicode(after, out),
        _ => {
            out.extend_from_slice(REPLACEMENT);
            return rest;
        }
    };
    out.push(byte);
    after
}

fn unescape_unicode<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some(first) = code_unit(rest) else {
        out.extend_from_slice(REPLACEMENT);
        return rest;
    };
    let rest = &rest[4..];
    let second = rest.strip_prefix(b"\\u").and_then(code_unit);
    let (character, rest) = match (first, second) {
        (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
            (char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00)), &rest[6..])
        }
        _ => (char::from_u32(first), rest),
    };
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest
}

fn code_unit(text: &[u8]) -> Option<u32> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    text.get(..4)?.iter().try_fold(0, |value, byte| Some(value << 4 | digit(byte)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &[u8]) -> String {
        let mut out = Vec::new();
        unescape_into(raw, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(text(br#"a\"\\\/\b\f\n\r\tz"#), "a\"\\/\u{8}\u{c}\n\r\tz");
        assert_eq!(text(br"\u00e5\uD83D\uDE00"), "å😀");
    }

    #[test]
    fn damage_is_replaced() {
        assert_eq!(text(br"\uD83Dx"), "\u{FFFD}x");
        assert_eq!(text(br"\uD83D\u0041"), "\u{FFFD}A");
        assert_eq!(text(br"\uDE00\uD83D"), "\u{FFFD}\u{FFFD}");
        assert_eq!(text(b"a\xFFb"), "a\u{FFFD}b");
        assert_eq!(text(br"\u12"), "\u{FFFD}12");
        assert_eq!(text(b"\\"), "\u{FFFD}");
        assert_eq!(text(br"\q"), "\u{FFFD}q");
    }
}

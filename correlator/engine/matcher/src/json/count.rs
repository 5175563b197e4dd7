//! How many values a text has.

use memchr::memchr2;

/// Whether a text has more than `most` values: members of objects and elements of arrays, at any depth, those of
/// repeated keys too. On what is no JSON the answer means nothing, and takes no longer.
pub fn exceeds(text: &[u8], most: usize) -> bool {
    // A value takes two bytes at least: itself, and the comma or bracket before it.
    text.len() / 2 > most && count(text) > most
}

/// Every value but the first of a container has a comma before it.
fn count(text: &[u8]) -> usize {
    let (mut values, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(next) {
        let byte = text[at + found];
        at += found + 1;
        match byte {
            b'"' => at = end_of_string(text, at),
            b',' => values += 1,
            _ => values += usize::from(!is_empty(&text[at..])),
        }
    }
    values
}

/// The next byte that starts a string or a value.
fn next(text: &[u8]) -> Option<usize> {
    text.iter().position(|byte| matches!(byte, b'"' | b',' | b'{' | b'['))
}

fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

/// Whether a container that has just been opened is closed at once.
fn is_empty(rest: &[u8]) -> bool {
    matches!(rest.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'}' | b']') | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements_count_at_any_depth() {
        for (text, values) in [
            ("{}", 0),
            ("{ }", 0),
            ("1", 0),
            (r#"{"a":1}"#, 1),
            (r#"{"a":1,"a":1}"#, 2),
            (r#"{"a":[]}"#, 1),
            (r#"{"a":[1, 2,[3]]}"#, 5),
            (r#"{"a":{"b":{}},"c":",[{\",["}"#, 3),
            ("{\"a\":\"", 1),
            ("{\"a\\", 1),
        ] {
            assert_eq!(count(text.as_bytes()), values, "{text}");
        }
    }

    #[test]
    fn a_text_exceeds_what_it_has_more_of() {
        let text = br#"{"a":1,"a":1}"#;
        assert!(exceeds(text, 1));
        assert!(!exceeds(text, 2));
    }
}

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

/// Bytes that are gathered before they are appended together.
const GATHERED: usize = 256;

/// Most bytes that one step gathers: a word, and the longest escape.
const STEP: usize = WORD + 6;

fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let (mut gathered, mut count, mut rest) = ([0; GATHERED], 0, bytes);
    while let Some(word) = rest.first_chunk::<WORD>() {
        let run = plain_in(*word);
        gathered[count..count + WORD].copy_from_slice(word);
        (count, rest) = (count + run, &rest[run..]);
        if run < WORD {
            count += escape_one(word[run], &mut gathered[count..]);
            rest = &rest[1..];
        }
        if count > GATHERED - STEP {
            out.extend_from_slice(&gathered[..count]);
            count = 0;
        }
    }
    out.extend_from_slice(&gathered[..count]);
    for byte in rest {
        let mut one = [*byte; STEP];
        let length = if is_plain(*byte) { 1 } else { escape_one(*byte, &mut one) };
        out.extend_from_slice(&one[..length]);
    }
}

/// Write what stands for a byte that is not plain, and tell how long it is.
#[inline]
fn escape_one(byte: u8, out: &mut [u8]) -> usize {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        8 => b'b',
        12 => b'f',
        _ => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out[..4].copy_from_slice(b"\\u00");
            out[4..6].copy_from_slice(&digits);
            return 6;
        }
    };
    out[..2].copy_from_slice(&[b'\\', short]);
    2
}

fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Bytes that are looked at together.
pub const WORD: usize = 8;

/// How many bytes of a word come before the first that does not stand for itself inside a string: a quote, a backslash
/// or a control character.
#[inline]
pub fn plain_in(word: [u8; WORD]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(word);
    // A subtraction borrows into the highest bit of a byte that is less; of several such bytes the first is told right.
    let less = |word: u64, than: u8| word.wrapping_sub(ONES * u64::from(than)) & !word & HIGH;
    let equal = |byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    let found = less(word, b' ') | equal(b'"') | equal(b'\\');
    found.trailing_zeros() as usize / 8
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
        quote(b"0123456789\x1f234567\"9012345\\", &mut out);
        assert_eq!(out, b"\"0123456789\\u001f234567\\\"9012345\\\\\"");
        out.clear();
        quote(b"a\"b\\c\n\x01\x7f", &mut out);
        assert_eq!(out, b"\"a\\\"b\\\\c\\n\\u0001\x7f\"");
    }

    #[test]
    fn plain_bytes_are_told_from_others() {
        for at in 0..WORD {
            for byte in 0..=255 {
                let mut word = *b"a b\xC3\xA9c~\x7F";
                word[at] = byte;
                let first = word.iter().position(|byte| !is_plain(*byte)).unwrap_or(WORD);
                assert_eq!(plain_in(word), first, "{word:?}");
                word[WORD - 1] = b'"';
                let first = word.iter().position(|byte| !is_plain(*byte)).unwrap_or(WORD);
                assert_eq!(plain_in(word), first, "{word:?}");
            }
        }
    }
}

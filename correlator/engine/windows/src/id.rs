//! Alert ids and the digests the crate is built on.

use blake2::digest::consts::{U8, U16};
use blake2::{Blake2b, Digest};

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The id of an alert: 26 characters made of rule, group values and earliest member.
pub fn alert_id(rule: &str, group: &[(String, String)], earliest: &str) -> String {
    let mut text = Vec::new();
    push_text(&mut text, rule);
    text.extend_from_slice(&(group.len() as u64).to_le_bytes());
    for (name, value) in group {
        push_text(&mut text, name);
        push_text(&mut text, value);
    }
    push_text(&mut text, earliest);
    base32(&digest128(&text))
}

/// Appends a text so that no two sequences of texts read the same: its length, then its bytes.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// BLAKE2b of 16 bytes.
pub(crate) fn digest128(bytes: &[u8]) -> [u8; 16] {
    Blake2b::<U16>::digest(bytes).into()
}

/// BLAKE2b of 8 bytes: fingerprints that only have to notice a change.
pub(crate) fn digest64(bytes: &[u8]) -> u64 {
    let bytes: [u8; 8] = Blake2b::<U8>::digest(bytes).into();
    u64::from_le_bytes(bytes)
}

fn base32(bytes: &[u8; 16]) -> String {
    let number = u128::from_be_bytes(*bytes);
    // 128 bits are 25 characters of 5 bits and one of 3, which is filled up on the right.
    let character = |i: usize| match i {
        25 => ((number << 2) & 31) as usize,
        i => ((number >> (123 - 5 * i)) & 31) as usize,
    };
    (0..26).map(|i| ALPHABET[character(i)] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_26_lower_case_characters_and_stable() {
        let id = alert_id("r", &[("a".into(), "b".into())], "e");
        assert_eq!(id.len(), 26);
        assert!(id.bytes().all(|b| ALPHABET.contains(&b)));
        assert_eq!(id, alert_id("r", &[("a".into(), "b".into())], "e"));
    }

    #[test]
    fn does_not_confuse_where_one_text_ends() {
        assert_ne!(alert_id("ab", &[], "c"), alert_id("a", &[], "bc"));
        assert_ne!(alert_id("r", &[("a".into(), "bc".into())], "e"), alert_id("r", &[("ab".into(), "c".into())], "e"));
    }

    #[test]
    fn base32_is_the_one_of_rfc_4648() {
        assert_eq!(base32(b"0123456789abcdef"), "gaytemzugu3doobzmfrggzdfmy");
    }
}

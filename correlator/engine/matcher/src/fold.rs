//! Case folding: Unicode simple lower-casing, one character to one character.

/// Append the folded form of a text.
pub fn fold_into(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        let start = out.len();
        out.extend_from_slice(text);
        out[start..].make_ascii_lowercase();
        return;
    }
    let mut encoded = [0; 4];
    for character in String::from_utf8_lossy(text).chars() {
        out.extend_from_slice(fold_char(character).encode_utf8(&mut encoded).as_bytes());
    }
}

/// The folded form of a text.
pub fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// The simple mapping is the first character of the full one: only U+0130 has more, and there it is the same.
fn fold_char(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = Vec::new();
        fold_into(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_folds_to_one() {
        for character in '\0'..=char::MAX {
            assert_eq!(folded(&character.to_string()).chars().count(), 1);
        }
    }

    #[test]
    fn both_forms_agree() {
        for text in ["", "CMD.exe", "ÅSGÅRD Straße İ K Σς"] {
            assert_eq!(folded(text), fold(text));
        }
        assert_eq!(fold("ÅSGÅRD İ"), "åsgård i");
    }
}

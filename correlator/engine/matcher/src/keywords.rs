//! Keywords looked for in the raw bytes of a line, to see which keyword rules may hold.
//!
//! Sound because what is looked for is ASCII that JSON never has to escape: wherever it is in some field's text, it is
//! in the line as it stands, but for the case of letters. Two things break that, and then every rule is called: a
//! `\u` escape, which can write any character, and a character outside ASCII that folds to an ASCII letter.

use std::ops::Range;

use memchr::memmem;

use crate::grams::{GRAM, Grams};

/// The characters outside ASCII that fold to a letter of it: the Kelvin sign, and the dotted capital I.
const FOLDING: [&str; 2] = ["\u{212A}", "\u{130}"];

/// The longest part of a folded literal that can be looked for in raw lines, if there is one worth it.
pub fn searchable(literal: &str) -> Option<&str> {
    let parts = literal.split(|character: char| !is_plain(character));
    parts.max_by_key(|part| part.len()).filter(|part| part.len() >= GRAM)
}

/// ASCII that stands for itself inside a JSON string (`/` may be escaped).
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '/')
}

/// An index of rules by the searchable parts of their keywords.
pub struct Keywords {
    parts: Grams,
    of_part: Vec<Vec<u32>>,
}

impl Keywords {
    /// Index rules by the parts they wait for; nothing where there are none.
    pub fn new(rules: impl IntoIterator<Item = (Box<[u8]>, Vec<u32>)>) -> Option<Self> {
        let (parts, of_part): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
        Grams::new(parts).map(|parts| Self { parts, of_part })
    }

    /// Call `call` with every rule that may hold on a line, of which all that is not plain lies in `strange`.
    pub fn see(&self, line: &[u8], strange: Range<usize>, call: &mut impl FnMut(u32)) {
        if !strange.is_empty() && hides_letters(line, strange) {
            self.of_part.iter().flatten().for_each(|rule| call(*rule));
            return;
        }
        self.parts.find(line, |part| self.of_part[part].iter().for_each(|rule| call(*rule)));
    }
}

/// Whether an ASCII letter of some text may not be in the line as it stands. The backslash of an escape may stand
/// before the part that is not plain.
fn hides_letters(line: &[u8], strange: Range<usize>) -> bool {
    let start = strange.start.saturating_sub(1);
    let part = &line[start..strange.end.min(line.len())];
    memmem::find_iter(part, b"\\u").any(|at| is_escape(line, start + at))
        || (!part.is_ascii() && FOLDING.iter().any(|folding| memmem::find(part, folding.as_bytes()).is_some()))
}

/// Whether the backslash starts an escape, rather than ends one.
fn is_escape(line: &[u8], at: usize) -> bool {
    line[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_stands_in_a_line_as_it_is() {
        assert_eq!(searchable("lsadump::sam"), Some("lsadump::sam"));
        assert_eq!(searchable(r"c:\windows/x"), Some("windows"));
        assert_eq!(searchable("é\n\"ab"), None);
        assert_eq!(searchable(""), None);
    }

    #[test]
    fn a_line_that_hides_letters_calls_every_rule() {
        let keywords = Keywords::new([(b"kcat".as_slice().into(), vec![7])]).unwrap();
        let called = |line: &str| {
            let mut called = false;
            keywords.see(line.as_bytes(), 0..line.len(), &mut |_| called = true);
            called
        };
        for line in [r#"{"a":"KCAT"}"#, r#"{"a":"k\u0063at"}"#, r#"{"a":"\\k\u0063at"}"#, "{\"a\":\"\u{212A}\"}"] {
            assert!(called(line), "{line}");
        }
        for line in [r#"{"a":"kc-at"}"#, r#"{"a":"c:\\users"}"#, r#"{"a":"å"}"#] {
            assert!(!called(line), "{line}");
        }
    }

    #[test]
    fn no_other_character_folds_to_ascii() {
        let folding: Vec<String> =
            ('\u{80}'..=char::MAX).map(String::from).filter(|text| crate::fold::fold(text).is_ascii()).collect();
        assert_eq!(folding, ["\u{130}", "\u{212A}"]);
    }
}

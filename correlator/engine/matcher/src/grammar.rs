//! The grammar of JSON at a glance: whether a line is sound, as far as that is seen without understanding it.
//!
//! Where the strings are is known, so what is left are the bytes between them and the escapes within.

use crate::json::Quotes;

/// Digits of a number that is surely within the range of one.
const MAX_NUMBER: usize = 40;

/// Deepest nesting that is looked at: one bit for each level.
const MAX_LEVELS: usize = 64;

/// Whether a line is one sound JSON object in UTF-8, of which no container is nested deeper than `max_depth`. False
/// decides nothing: the line may have an unusual spelling.
pub fn is_sound(line: &[u8], quotes: &Quotes, max_depth: usize) -> bool {
    let is_text = quotes.is_plain() || !has_controls(line) && std::str::from_utf8(line).is_ok();
    is_text && quotes.escaped().all(|at| is_escape(line, at)) && Glance::new(line, quotes).object(max_depth)
}

/// Whether some byte is a control character. Between strings some may stand; that is unusual in an event.
fn has_controls(line: &[u8]) -> bool {
    line.chunks(64).any(|chunk| chunk.iter().fold(false, |found, byte| found | (*byte < b' ')))
}

/// Whether what stands behind a backslash makes a sound escape; surrogates are left.
#[inline]
fn is_escape(line: &[u8], at: usize) -> bool {
    match line.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
        Some(b'u') => line.get(at + 1..at + 5).is_some_and(|code| {
            let is_surrogate =
                matches!(code[0], b'd' | b'D') && !code[1].is_ascii_digit() | matches!(code[1], b'8' | b'9');
            code.iter().all(u8::is_ascii_hexdigit) && !is_surrogate
        }),
        _ => false,
    }
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    /// A member, or the end of an object that has none.
    FirstMember,
    Member,
    Colon,
    /// An element, or the end of an array that has none.
    FirstElement,
    Value,
    /// A comma, or the end of the container.
    Rest,
}

struct Glance<'a> {
    line: &'a [u8],
    quotes: std::slice::Iter<'a, u32>,
    at: usize,
    /// For each container that is open whether it is an array, the innermost lowest.
    arrays: u64,
    depth: usize,
}

impl<'a> Glance<'a> {
    fn new(line: &'a [u8], quotes: &'a Quotes) -> Self {
        Self { line, quotes: quotes.positions().iter(), at: 0, arrays: 0, depth: 0 }
    }

    /// Look through the line, which is to be one object.
    fn object(mut self, max_depth: usize) -> bool {
        let max_depth = max_depth.min(MAX_LEVELS);
        if self.line.first() != Some(&b'{') || max_depth == 0 {
            return false;
        }
        (self.at, self.depth) = (1, 1);
        let mut next = Next::FirstMember;
        while self.depth > 0 {
            match self.step(next, max_depth) {
                Some(then) => next = then,
                None => return false,
            }
        }
        self.at == self.line.len()
    }

    /// Step over what comes next, and tell what may come then; nothing where something else comes.
    #[inline]
    fn step(&mut self, next: Next, max_depth: usize) -> Option<Next> {
        let byte = *self.line.get(self.at)?;
        match (next, byte) {
            (_, b' ') => self.at += 1,
            (Next::FirstMember | Next::Member, b'"') => {
                self.string()?;
                return Some(Next::Colon);
            }
            (Next::Colon, b':') => {
                self.at += 1;
                return Some(Next::Value);
            }
            (Next::Rest, b',') => {
                self.at += 1;
                return Some(if self.arrays & 1 == 1 { Next::Value } else { Next::Member });
            }
            (Next::FirstMember, b'}') => return self.leave(0),
            (Next::FirstElement, b']') => return self.leave(1),
            (Next::Rest, b'}') => return self.leave(0),
            (Next::Rest, b']') => return self.leave(1),
            (Next::Value | Next::FirstElement, _) => return self.value(byte, max_depth),
            _ => return None,
        }
        Some(next)
    }

    #[inline]
    fn value(&mut self, byte: u8, max_depth: usize) -> Option<Next> {
        match byte {
            b'"' => self.string()?,
            b'{' => return self.enter(0, max_depth, Next::FirstMember),
            b'[' => return self.enter(1, max_depth, Next::FirstElement),
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        Some(Next::Rest)
    }

    /// Every quote up to here is passed, so the next one is where reading stands.
    #[inline]
    fn string(&mut self) -> Option<()> {
        let opening = *self.quotes.next()? as usize;
        self.at = *self.quotes.next()? as usize + 1;
        (opening + 1 < self.at).then_some(())
    }

    fn enter(&mut self, array: u64, max_depth: usize, next: Next) -> Option<Next> {
        (self.at, self.depth, self.arrays) = (self.at + 1, self.depth + 1, self.arrays << 1 | array);
        (self.depth <= max_depth).then_some(next)
    }

    fn leave(&mut self, array: u64) -> Option<Next> {
        let is_right = self.arrays & 1 == array;
        (self.at, self.depth, self.arrays) = (self.at + 1, self.depth - 1, self.arrays >> 1);
        is_right.then_some(Next::Rest)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.line[self.at..].starts_with(word);
        self.at += word.len();
        found.then_some(())
    }

    /// `-? (0 | [1-9] digits) (. digits)?`, not too long; one with an exponent is unusual.
    fn number(&mut self) -> Option<()> {
        let rest = &self.line[self.at..];
        let token = &rest[..rest.iter().take_while(|byte| matches!(byte, b'-' | b'.' | b'0'..=b'9')).count()];
        self.at += token.len();
        let digits = token.strip_prefix(b"-").unwrap_or(token);
        let point = digits.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = point.map_or((digits, &b"0"[..]), |point| (&digits[..point], &digits[point + 1..]));
        let are_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        let is_sound = are_digits(whole) && are_digits(fraction) && (whole[0] != b'0' || whole.len() == 1);
        (is_sound && token.len() <= MAX_NUMBER).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{equality::events, sound};
    use proptest::{collection::vec, prelude::*, sample::select};

    fn glance(line: &[u8], depth: usize) -> bool {
        let mut quotes = Quotes::default();
        quotes.find(line);
        is_sound(line, &quotes, depth)
    }

    #[test]
    fn usual_lines_are_seen_to_be_sound() {
        for line in [
            "{}",
            r#"{"a":{"b":[1,-2.5,true,false,null,"x\\\"\n\u00e5"],"c":{}},"d":[]}"#,
            r#"{ "a" : "å" , "b" : [ ] }"#,
        ] {
            assert!(glance(line.as_bytes(), 3), "{line}");
        }
    }

    #[test]
    fn others_are_left() {
        for line in [
            "",
            "[]",
            "1",
            "{",
            "{}x",
            " {}",
            r#"{"a":}"#,
            r#"{"a" 1}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":1e5}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a":1,}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[1}"#,
            r#"{"a":1]"#,
            r#"{"a":tru}"#,
            r#"{a:1}"#,
            r#"{"a":"b""c":1}"#,
            r#"{"a":[[[]]]}"#,
            r#"{\"a":1}"#,
            "{\"a\":\"\t\"}",
            r#"{,}"#,
            r#"{"a":1 2}"#,
            r#"{"a"}"#,
            r#"{"a":"b}"#,
        ] {
            assert!(!glance(line.as_bytes(), 3), "{line}");
        }
        assert!(!glance(b"{\"a\":\"\xFF\"}", 3));
        assert!(!glance(b"{}", 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_seen_to_be_sound_is_parsed(
            line in events::line(),
            changes in vec((any::<usize>(), select(b"x1\\\"{[]},: 0u-.etr\n\xC3".as_slice())), 0..4),
            depth in 1usize..6,
        ) {
            let mut line = line;
            for (at, byte) in changes {
                let at = at % line.len().max(1);
                if let Some(met) = line.get_mut(at) {
                    *met = byte;
                }
            }
            prop_assert!(!glance(&line, depth) || sound::parse(&line, depth).is_ok(), "{}", String::from_utf8_lossy(&line));
        }

        #[test]
        fn so_is_any_text(line in vec(select(b"{}[]\",:\\u0019dea. -tn".as_slice()), 0..24)) {
            let line = [b"{\"a\":".to_vec(), line, b"}".to_vec()].concat();
            prop_assert!(!glance(&line, 4) || sound::parse(&line, 4).is_ok(), "{}", String::from_utf8_lossy(&line));
        }
    }
}

//! Wildcard patterns, specialised by their shape.

use memchr::memmem::Finder;

use crate::{fold::fold, form::Part};

/// A pattern over a whole text. One that is not cased is folded, and wants folded text.
#[derive(Debug)]
pub struct Pattern(Shape);

#[derive(Debug)]
enum Shape {
    Any,
    Equals(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
    Contains(Box<Finder<'static>>),
    Glob(Box<Glob>),
}

/// Pieces between runs (`*`). Each is found leftmost after the one before, which suffices: a later place for a piece
/// can only leave less to the next. So the time is length of text × length of pattern, at worst.
#[derive(Debug)]
struct Glob {
    first: Option<Piece>,
    middle: Vec<Piece>,
    last: Option<Piece>,
}

type Piece = Vec<Atom>;

#[derive(Debug)]
enum Atom {
    Literal(Box<[u8]>),
    AnyChar,
}

impl Pattern {
    /// The pattern of `parts` over the whole text.
    pub fn whole(parts: &[Part], cased: bool) -> Self {
        Self::new(normalise(parts.iter().cloned(), cased))
    }

    /// The pattern of `parts` anywhere in the text.
    pub fn within(parts: &[Part], cased: bool) -> Self {
        let around = [Part::AnyRun].into_iter();
        Self::new(normalise(around.clone().chain(parts.iter().cloned()).chain(around), cased))
    }

    fn new(parts: Vec<Part>) -> Self {
        use Part::{AnyRun, Literal};
        Self(match parts.as_slice() {
            [] => Shape::Equals(Box::default()),
            [AnyRun] => Shape::Any,
            [Literal(text)] => Shape::Equals(bytes(text)),
            [Literal(text), AnyRun] => Shape::Prefix(bytes(text)),
            [AnyRun, Literal(text)] => Shape::Suffix(bytes(text)),
            [AnyRun, Literal(text), AnyRun] => Shape::Contains(Box::new(Finder::new(text).into_owned())),
            _ => Shape::Glob(Box::new(Glob::new(&parts))),
        })
    }

    /// Whether the text (folded, for a pattern that is not cased) is of the pattern.
    #[inline]
    pub fn matches(&self, text: &[u8]) -> bool {
        match &self.0 {
            Shape::Any => true,
            Shape::Equals(literal) => text == &**literal,
            Shape::Prefix(literal) => text.starts_with(literal),
            Shape::Suffix(literal) => text.ends_with(literal),
            Shape::Contains(finder) => finder.find(text).is_some(),
            Shape::Glob(glob) => glob.matches(text),
        }
    }
}

impl Glob {
    fn new(parts: &[Part]) -> Self {
        let mut pieces: Vec<Piece> = parts.split(|part| *part == Part::AnyRun).map(piece).collect();
        // A pattern without a run is one piece, anchored on both sides: `matches` asks it to reach the end.
        let first = Some(pieces.remove(0)).filter(|piece| !piece.is_empty());
        let last = pieces.pop().filter(|piece| !piece.is_empty());
        let runs = parts.contains(&Part::AnyRun);
        debug_assert!(runs || (first.is_some() && last.is_none()));
        Self { first, middle: pieces, last: if runs { last } else { Some(Vec::new()) } }
    }

    fn matches(&self, text: &[u8]) -> bool {
        let anchored = self.last.as_ref().is_some_and(Vec::is_empty);
        let Some(mut rest) = self.first.as_ref().map_or(Some(text), |piece| strip_front(piece, text)) else {
            return false;
        };
        if anchored {
            return rest.is_empty();
        }
        if let Some(piece) = &self.last {
            match strip_back(piece, rest) {
                Some(before) => rest = before,
                None => return false,
            }
        }
        self.middle.iter().all(|piece| find(piece, rest).map(|after| rest = after).is_some())
    }
}

fn piece(parts: &[Part]) -> Piece {
    let atom = |part: &Part| match part {
        Part::Literal(text) => Atom::Literal(bytes(text)),
        Part::AnyChar | Part::AnyRun => Atom::AnyChar,
    };
    parts.iter().map(atom).collect()
}

fn strip_front<'t>(piece: &[Atom], text: &'t [u8]) -> Option<&'t [u8]> {
    piece.iter().try_fold(text, |rest, atom| match atom {
        Atom::Literal(literal) => rest.strip_prefix(&**literal),
        Atom::AnyChar => (!rest.is_empty()).then(|| &rest[next_char(rest)..]),
    })
}

fn strip_back<'t>(piece: &[Atom], text: &'t [u8]) -> Option<&'t [u8]> {
    piece.iter().rev().try_fold(text, |rest, atom| match atom {
        Atom::Literal(literal) => rest.strip_suffix(&**literal),
        Atom::AnyChar => rest.iter().rposition(|byte| !is_continuation(*byte)).map(|start| &rest[..start]),
    })
}

/// What follows the leftmost place of a piece.
fn find<'t>(piece: &[Atom], text: &'t [u8]) -> Option<&'t [u8]> {
    let mut rest = text;
    loop {
        if let Some(Atom::Literal(literal)) = piece.first() {
            rest = &rest[memchr::memmem::find(rest, literal)?..];
        }
        if let Some(after) = strip_front(piece, rest) {
            return Some(after);
        }
        if rest.is_empty() {
            return None;
        }
        rest = &rest[next_char(rest)..];
    }
}

/// Length of the first character of a text that is not empty.
fn next_char(text: &[u8]) -> usize {
    text[1..].iter().position(|byte| !is_continuation(*byte)).map_or(text.len(), |more| more + 1)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

fn bytes(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

/// Join neighbouring literals and runs, drop empty literals, and fold.
fn normalise(parts: impl Iterator<Item = Part>, cased: bool) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    for part in parts {
        match (out.last_mut(), part) {
            (Some(Part::AnyRun), Part::AnyRun) => {}
            (_, Part::Literal(text)) if text.is_empty() => {}
            (Some(Part::Literal(before)), Part::Literal(text)) => before.push_str(&folded(text, cased)),
            (_, Part::Literal(text)) => out.push(Part::Literal(folded(text, cased))),
            (_, part) => out.push(part),
        }
    }
    out
}

fn folded(text: String, cased: bool) -> String {
    if cased { text } else { fold(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(pattern: &str) -> Vec<Part> {
        let part = |character| match character {
            '*' => Part::AnyRun,
            '?' => Part::AnyChar,
            other => Part::Literal(other.to_string()),
        };
        pattern.chars().map(part).collect()
    }

    fn holds(pattern: &str, text: &str) -> bool {
        Pattern::whole(&parts(pattern), true).matches(text.as_bytes())
    }

    #[test]
    fn shapes_hold_what_they_say() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "x"),
            ("ab", "ab"),
            ("a*", "a"),
            ("*a", "ba"),
            ("*b*", "abc"),
            ("a*c", "abc"),
            ("a?c", "aåc"),
            ("?", "å"),
            ("*?", "å"),
            ("??*", "åå"),
            ("a*b*c", "a-b-b-c"),
            ("*ab*ab", "abab"),
            ("*a?c*", "aacabc"),
            ("?*?", "ab"),
            ("*?b*?b", "abab"),
        ] {
            assert!(holds(pattern, text), "{pattern} on {text}");
        }
    }

    #[test]
    fn shapes_do_not_hold_more() {
        for (pattern, text) in [
            ("", "x"),
            ("?", ""),
            ("?", "ab"),
            ("ab", "abc"),
            ("a*", "ba"),
            ("*a", "ab"),
            ("*b*", "ac"),
            ("a*a", "a"),
            ("a?c", "ac"),
            ("*ab*ab", "abb"),
            ("??", "å"),
            ("a*b*c", "acb"),
            ("ab?", "ab"),
        ] {
            assert!(!holds(pattern, text), "{pattern} on {text}");
        }
    }

    #[test]
    fn a_pattern_made_to_explode_does_not() {
        let pattern = "*a".repeat(30) + "b";
        assert!(!holds(&pattern, &"a".repeat(20_000)));
        assert!(!holds(&"*?a".repeat(30), &"b".repeat(20_000)));
    }

    #[test]
    fn a_pattern_that_is_not_cased_is_folded() {
        let pattern = Pattern::whole(&parts("ÅB*"), false);
        assert!(pattern.matches("åbc".as_bytes()));
    }
}

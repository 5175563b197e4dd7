//! Patterns on texts as they stand in a line, neither unescaped nor folded.

use memchr::{memchr_iter, memchr2_iter};

use crate::{
    common::commonness,
    form::Part,
    json::canonical,
    runs::{Runs, Sought},
};

/// A pattern of one literal, not cased, over canonical forms (in any case of ASCII).
#[derive(Debug)]
pub struct RawPattern {
    literal: Box<[u8]>,
    shape: Shape,
    /// A byte of the literal that is rare in texts, and where it is.
    rare: (u8, usize),
    /// Where it may stand anywhere: what to look for first.
    sought: Option<Sought>,
}

/// Where the literal has to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Equals,
    Prefix,
    Suffix,
    Contains,
}

impl RawPattern {
    /// The pattern of `parts` over the whole text, if it is one that can be told so.
    pub fn new(parts: &[Part]) -> Option<Self> {
        use Part::{AnyRun, Literal};
        let (shape, text) = match parts {
            [Literal(text)] => (Shape::Equals, text),
            [Literal(text), AnyRun] => (Shape::Prefix, text),
            [AnyRun, Literal(text)] => (Shape::Suffix, text),
            [AnyRun, Literal(text), AnyRun] => (Shape::Contains, text),
            _ => return None,
        };
        // Damage reads as U+FFFD, and does not stand in the line as that.
        let literal = canonical(text);
        let rare = (0..literal.len()).min_by_key(|at| commonness(literal[*at]))?;
        let sought = Sought::new(&literal).filter(|_| shape == Shape::Contains);
        (!text.contains('\u{FFFD}')).then(|| Self { rare: (literal[rare], rare), literal, shape, sought })
    }

    /// Its literal, in canonical form.
    pub fn literal(&self) -> &[u8] {
        &self.literal
    }

    /// Where the literal has to stand.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many literals are looked for inside of texts.
    pub fn searches(&self) -> usize {
        usize::from(self.shape == Shape::Contains)
    }

    /// What it costs to try, as a guess.
    pub fn cost(&self) -> u32 {
        if matches!(self.shape, Shape::Contains) { 10 } else { 2 }
    }

    /// Whether a text is of the pattern, if that can be told: where the literal stands after a backslash, it may be
    /// that, or the rest of an escape. `runs` are the text's, if they are known.
    #[inline]
    pub fn matches(&self, text: &[u8], runs: Option<&Runs>) -> Option<bool> {
        if runs.zip(self.sought).is_some_and(|(runs, sought)| !runs.may_have(sought)) {
            return Some(false);
        }
        let length = self.literal.len();
        let same = |at: usize| text.get(at..at + length).is_some_and(|met| met.eq_ignore_ascii_case(&self.literal));
        let sure = |at: usize| at == 0 || text[at - 1] != b'\\';
        match self.shape {
            Shape::Equals => Some(text.len() == length && same(0)),
            Shape::Prefix => Some(same(0)),
            Shape::Suffix => match text.len().checked_sub(length).filter(|at| same(*at)) {
                None => Some(false),
                Some(at) => sure(at).then_some(true),
            },
            Shape::Contains => {
                let (byte, before) = self.rare;
                let starts = |at: usize| at.checked_sub(before).filter(|at| same(*at));
                let found = |at: Option<usize>| at.map_or(Some(false), |at| sure(at).then_some(true));
                if byte.is_ascii_alphabetic() {
                    found(memchr2_iter(byte, byte.to_ascii_uppercase(), text).find_map(starts))
                } else {
                    found(memchr_iter(byte, text).find_map(starts))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fold::fold_into, json::unescape_into, test::Pattern};
    use proptest::{prelude::*, sample::select};

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_told_is_so(
            literal in r#"[aAqnN"\\\n]{1,4}"#, raw in r#"([aAqnN]|\\[\\"nq]){0,10}"#, shape in select(vec![0, 1, 2, 3])
        ) {
            let literal = Part::Literal(literal);
            let parts = match shape {
                0 => vec![literal],
                1 => vec![literal, Part::AnyRun],
                2 => vec![Part::AnyRun, literal],
                _ => vec![Part::AnyRun, literal, Part::AnyRun],
            };
            let (mut text, mut folded) = (Vec::new(), Vec::new());
            unescape_into(raw.as_bytes(), &mut text);
            fold_into(&text, &mut folded);
            let mut runs = Runs::default();
            runs.note(raw.as_bytes());
            if let Some(told) = RawPattern::new(&parts).unwrap().matches(raw.as_bytes(), Some(&runs)) {
                prop_assert_eq!(told, Pattern::whole(&parts, false).matches(&folded));
            }
        }
    }
}

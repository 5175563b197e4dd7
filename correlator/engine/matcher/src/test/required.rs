//! Texts of which one is in everything that a regular expression finds.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};

use crate::fold::fold;

/// Most texts of a set, and most levels that are looked into.
const MAX_TEXTS: usize = 64;
const MAX_DEPTH: usize = 64;

/// Folded texts of which one is in the folded form of whatever the expression finds, the best that were seen; nothing
/// where there are none.
pub fn required(pattern: &str, flags: &str) -> Option<Vec<String>> {
    let parsed = ParserBuilder::new()
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .build()
        .parse(pattern);
    texts(&parsed.ok()?, 0)
}

fn texts(hir: &Hir, depth: usize) -> Option<Vec<String>> {
    if depth == MAX_DEPTH {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => best(exact(hir).map(|text| vec![text])),
        HirKind::Repetition(repetition) if repetition.min == 0 => None,
        HirKind::Repetition(repetition) => texts(&repetition.sub, depth + 1),
        HirKind::Capture(capture) => texts(&capture.sub, depth + 1),
        HirKind::Alternation(of) => {
            let sets: Option<Vec<_>> = of.iter().map(|part| texts(part, depth + 1)).collect();
            sets.map(|sets| sets.concat()).filter(|texts| texts.len() <= MAX_TEXTS)
        }
        HirKind::Concat(of) => concatenated(of, depth),
    }
}

/// All parts are found, one after the other: neighbours that are one text each are one text together.
fn concatenated(of: &[Hir], depth: usize) -> Option<Vec<String>> {
    let mut sets = Vec::new();
    let mut run = String::new();
    for part in of {
        match exact(part) {
            Some(text) => run.push_str(&text),
            None => {
                sets.push(vec![std::mem::take(&mut run)]);
                sets.extend(texts(part, depth + 1));
            }
        }
    }
    sets.push(vec![run]);
    best(sets)
}

/// The set whose shortest text is longest, if that has any length.
fn best(sets: impl IntoIterator<Item = Vec<String>>) -> Option<Vec<String>> {
    let shortest = |set: &Vec<String>| set.iter().map(String::len).min().unwrap_or(0);
    sets.into_iter().max_by_key(shortest).filter(|set| shortest(set) > 0)
}

/// The one folded text that a part finds, if there is only one.
fn exact(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(fold),
        HirKind::Class(Class::Unicode(class)) => {
            const FEW: u32 = 8;
            let ranges = class.ranges();
            let size: u32 = ranges.iter().map(|range| range.end() as u32 - range.start() as u32 + 1).sum();
            let characters = || ranges.iter().flat_map(|range| range.start()..=range.end());
            let first = fold(&characters().next()?.to_string());
            let one = size <= FEW && characters().all(|character| fold(&character.to_string()) == first);
            one.then_some(first)
        }
        HirKind::Capture(capture) => exact(&capture.sub),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, flags: &str) -> Option<Vec<String>> {
        required(pattern, flags)
    }

    #[test]
    fn what_every_find_has_is_found() {
        for (pattern, flags, texts) in [
            (r"cmd.{0,5}(?:/c|/r).+clipboard]::", "", &["clipboard]::"][..]),
            (r"(one|three)+x?", "", &["one", "three"]),
            ("(?i)ECHOS?.*clip", "", &["clip"]),
            ("KIT", "i", &["kit"]),
            (r"^a(bc)d$", "m", &["abcd"]),
        ] {
            let texts = Some(texts.iter().map(|text| (*text).to_owned()).collect());
            assert_eq!(found(pattern, flags), texts, "{pattern}");
        }
    }

    #[test]
    fn where_nothing_is_required_nothing_is_found() {
        for pattern in [r"\d+", "(abc)?", "abc|", "a*", "^$", "[ab]"] {
            assert_eq!(found(pattern, ""), None, "{pattern}");
        }
    }
}

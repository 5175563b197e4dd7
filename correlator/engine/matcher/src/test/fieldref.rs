//! Two lists of texts compared, every one with every other, in less than every pair's time.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::form::How;

/// Pairs up to which trying each is cheaper than preparing.
const FEW: usize = 64;

/// Whether some `left` equals, starts with, ends with or contains some `right`.
pub fn any_pair(how: How, left: &[Vec<u8>], right: &[Vec<u8>]) -> bool {
    if left.len().saturating_mul(right.len()) <= FEW {
        return left.iter().any(|left| right.iter().any(|right| holds(how, left, right)));
    }
    match how {
        How::Eq => {
            let right: HashSet<&[u8]> = right.iter().map(Vec::as_slice).collect();
            left.iter().any(|left| right.contains(left.as_slice()))
        }
        How::StartsWith => any_prefix(left, right.to_vec()),
        How::EndsWith => any_prefix(&reversed(left), reversed(right)),
        How::Contains => any_within(left, right),
    }
}

/// Of texts that end in one another the shortest stands for all. So each state of the automaton has one text at most,
/// and building it takes time and space in proportion to the texts. One too large to build is no reason to miss a match.
fn any_within(texts: &[Vec<u8>], parts: &[Vec<u8>]) -> bool {
    let parts = reversed(&without_prefixed(reversed(parts)));
    match AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(&parts) {
        Ok(automaton) => texts.iter().any(|text| automaton.is_match(text)),
        Err(_) => texts.iter().any(|text| parts.iter().any(|part| holds(How::Contains, text, part))),
    }
}

fn holds(how: How, left: &[u8], right: &[u8]) -> bool {
    match how {
        How::Eq => left == right,
        How::StartsWith => left.starts_with(right),
        How::EndsWith => left.ends_with(right),
        How::Contains => memchr::memmem::find(left, right).is_some(),
    }
}

/// With no prefix a prefix of another, the one a text starts with is the greatest not above the text.
fn any_prefix(texts: &[Vec<u8>], prefixes: Vec<Vec<u8>>) -> bool {
    let prefixes = without_prefixed(prefixes);
    texts.iter().any(|text| {
        let above = prefixes.partition_point(|prefix| prefix <= text);
        above > 0 && text.starts_with(&prefixes[above - 1])
    })
}

/// Sorted, without those that start with another.
fn without_prefixed(mut texts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    texts.sort_unstable();
    texts.dedup_by(|later, earlier| later.starts_with(earlier));
    texts
}

fn reversed(texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.iter().rev().copied().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn many_are_compared_as_few_are(left in vec(vec(0u8..3, 0..5), 0..20), right in vec(vec(0u8..3, 0..5), 0..20)) {
            for how in [How::Eq, How::StartsWith, How::EndsWith, How::Contains] {
                let slow = left.iter().any(|left| right.iter().any(|right| holds(how, left, right)));
                prop_assert_eq!(any_pair(how, &left, &right), slow);
            }
        }
    }
}

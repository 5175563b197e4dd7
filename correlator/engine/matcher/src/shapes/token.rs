//! The bytes between two values, remembered once however many shapes have them.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Longest token.
const MAX_TOKEN: usize = 512;

/// Most bytes of all tokens.
const MAX_BYTES: usize = 1 << 20;

const HEAD: usize = 8;

pub type TokenId = u32;

struct Token {
    /// Its first bytes as a number, and which bits of it count.
    head: u64,
    mask: u64,
    start: u32,
    length: u32,
    quotes: u32,
}

/// All tokens.
#[derive(Default)]
pub struct Tokens {
    tokens: Vec<Token>,
    bytes: Vec<u8>,
    known: HashMap<Box<[u8]>, TokenId, FixedState>,
}

/// The first bytes of a text as a number, zeros after its end.
#[inline(always)]
pub fn head(text: &[u8]) -> u64 {
    match text.first_chunk::<HEAD>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => text.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
    }
}

impl Tokens {
    /// The number of a token, new or not; nothing where it is too long, or there are too many.
    pub fn intern(&mut self, token: &[u8]) -> Option<TokenId> {
        if let Some(known) = self.known.get(token) {
            return Some(*known);
        }
        if token.is_empty() || token.len() > MAX_TOKEN || self.is_full() {
            return None;
        }
        let number = self.tokens.len() as TokenId;
        let mask = u64::MAX >> (64 - 8 * token.len().min(HEAD));
        let (start, length) = (self.bytes.len() as u32, token.len() as u32);
        let quotes = quotes(token);
        self.tokens.push(Token { head: head(token), mask, start, length, quotes });
        self.bytes.extend_from_slice(token);
        self.known.insert(token.into(), number);
        Some(number)
    }

    /// Whether no more tokens are taken.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= MAX_BYTES
    }

    /// The length of a token, if the text (whose head it is) starts with it.
    #[inline(always)]
    pub fn matches(&self, number: TokenId, head: u64, text: &[u8]) -> Option<usize> {
        let token = &self.tokens[number as usize];
        if (head ^ token.head) & token.mask != 0 {
            return None;
        }
        let length = token.length as usize;
        let start = token.start as usize;
        let text = text.get(..length)?;
        (length <= HEAD || same(&self.bytes[start..start + length], text)).then_some(length)
    }

    /// How many quotes a token has that are not escaped.
    #[inline(always)]
    pub fn quotes(&self, number: TokenId) -> usize {
        self.tokens[number as usize].quotes as usize
    }
}

/// Whether texts of one length, longer than a head and equal so far, are equal.
#[inline(always)]
fn same(left: &[u8], right: &[u8]) -> bool {
    const WIDE: usize = 16;
    let wide = |text: &[u8], at: usize| text[at..].first_chunk().map(|bytes| u128::from_le_bytes(*bytes));
    let length = left.len();
    if length < WIDE {
        let last = |text: &[u8]| text.last_chunk().map(|bytes: &[u8; HEAD]| u64::from_le_bytes(*bytes));
        return last(left) == last(right);
    }
    let mut at = 0;
    while at + WIDE < length {
        if wide(left, at) != wide(right, at) {
            return false;
        }
        at += WIDE;
    }
    wide(left, length - WIDE) == wide(right, length - WIDE)
}

fn quotes(token: &[u8]) -> u32 {
    let (mut count, mut escaped) = (0, false);
    for byte in token {
        count += u32::from(*byte == b'"' && !escaped);
        escaped = *byte == b'\\' && !escaped;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn a_token_matches_what_starts_with_it(token in vec(0u8..3, 1..70), text in vec(0u8..3, 0..70), cut in 0usize..70) {
            let text = if cut < token.len() { text } else { [token.clone(), text].concat() };
            let mut tokens = Tokens::default();
            let number = tokens.intern(&token).unwrap();
            prop_assert_eq!(tokens.intern(&token), Some(number));
            let expected = text.starts_with(&token).then_some(token.len());
            prop_assert_eq!(tokens.matches(number, head(&text), &text), expected);
        }
    }

    #[test]
    fn escaped_quotes_do_not_count() {
        assert_eq!(quotes(br#"","a\"\\":""#), 4);
    }
}

//! A cursor over the bytes of one JSON text.
//!
//! It checks what it has to understand, no more: escapes, control characters and the order of brackets inside a value
//! that nobody reads are not looked at. So a damaged line may still match by its sound fields; a line that is cut off,
//! or is no object, matches nothing.

use std::ops::Range;

use memchr::memchr2;

/// The text is no JSON as far as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// One value, or the start of one. Spans are without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Null,
    Bool(bool),
    Number(Range<usize>),
    String { span: Range<usize>, escaped: bool },
    Object,
    Array,
}

/// Where reading stands in a line.
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of a text.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A cursor somewhere in a text, outside of strings.
    pub fn starting(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// How many bytes it has stepped over.
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is not white space; 0 at the end (and 0 is no JSON).
    #[inline]
    pub fn peek(&mut self) -> u8 {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return *byte;
            }
            self.at += 1;
        }
        0
    }

    /// Step over the byte that `peek` saw.
    #[inline]
    pub fn advance(&mut self) {
        self.at += 1;
    }

    /// Step over one expected byte.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != byte {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }

    /// Whether nothing but white space is left.
    pub fn at_end(&mut self) -> bool {
        self.peek() == 0 && self.at >= self.bytes.len()
    }

    /// Read a string: its span without quotes, and whether it has a backslash.
    #[inline]
    pub fn string(&mut self) -> Result<(Range<usize>, bool), Malformed> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let found = memchr2(b'"', b'\\', self.bytes.get(self.at..).ok_or(Malformed)?).ok_or(Malformed)?;
            self.at += found;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok((start..self.at - 1, escaped));
            }
            escaped = true;
            self.at += 2;
        }
    }

    /// Read a scalar whole, or step into a container.
    #[inline]
    pub fn token(&mut self) -> Result<Token, Malformed> {
        match self.peek() {
            b'"' => self.string().map(|(span, escaped)| Token::String { span, escaped }),
            b'{' => {
                self.at += 1;
                Ok(Token::Object)
            }
            b'[' => {
                self.at += 1;
                Ok(Token::Array)
            }
            b't' => self.word(b"true", Token::Bool(true)),
            b'f' => self.word(b"false", Token::Bool(false)),
            b'n' => self.word(b"null", Token::Null),
            _ => self.number(),
        }
    }

    /// Pass over one value.
    #[inline]
    pub fn skip_value(&mut self) -> Result<(), Malformed> {
        match self.token()? {
            Token::Object | Token::Array => self.skip_container(),
            _ => Ok(()),
        }
    }

    /// Pass over the rest of a container that has been stepped into.
    pub fn skip_container(&mut self) -> Result<(), Malformed> {
        let mut depth = 1usize;
        while depth > 0 {
            match self.bytes.get(self.at).ok_or(Malformed)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8], token: Token) -> Result<Token, Malformed> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(Malformed);
        }
        self.at += word.len();
        Ok(token)
    }

    /// `-? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?`
    fn number(&mut self) -> Result<Token, Malformed> {
        let start = self.at;
        self.at += usize::from(self.here() == b'-');
        let leading = self.here();
        let whole = self.digits()?;
        if leading == b'0' && whole > 1 {
            return Err(Malformed);
        }
        if self.here() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.here(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.here(), b'+' | b'-'));
            self.digits()?;
        }
        Ok(Token::Number(start..self.at))
    }

    fn digits(&mut self) -> Result<usize, Malformed> {
        let start = self.at;
        while self.here().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(Malformed) } else { Ok(self.at - start) }
    }

    fn here(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Result<Token, Malformed> {
        Cursor::new(text.as_bytes()).token()
    }

    #[test]
    fn scalars_are_read_whole() {
        assert_eq!(token(" null"), Ok(Token::Null));
        assert_eq!(token("true,"), Ok(Token::Bool(true)));
        assert_eq!(token("-1.5e+3]"), Ok(Token::Number(0..7)));
        assert_eq!(token(r#""a\"b""#), Ok(Token::String { span: 1..5, escaped: true }));
    }

    #[test]
    fn other_text_is_malformed() {
        for text in ["", "tru", "-", "01", "1.", "1e", "\"a", "\"\\", "\"\\\"", "x", "+1"] {
            assert_eq!(token(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn values_are_passed_over_whatever_their_depth() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000) + ",";
        let mut cursor = Cursor::new(deep.as_bytes());
        assert_eq!(cursor.skip_value(), Ok(()));
        assert_eq!(cursor.peek(), b',');
        assert_eq!(Cursor::new(&deep.as_bytes()[..1_500_000]).skip_value(), Err(Malformed));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let mut cursor = Cursor::new(br#"{"a":"}\"}","b":["]"]}."#);
        assert_eq!(cursor.skip_value(), Ok(()));
        assert_eq!(cursor.peek(), b'.');
    }
}

//! The members of a flat JSON object, as they stand in the record. What is not flat, or unusual, is none.

use crate::text::{WORD, code, plain_in};

/// More members are left to the long way.
const MOST: usize = 256;

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A string with its quotes, its bytes as msgspec would write them.
    Text(&'a [u8]),
    /// The inside of a string in which a character is spelled in another way.
    Respelled(&'a [u8]),
    /// An integer of 64 bits.
    Integer(&'a [u8]),
    /// True or false.
    Bool(&'a [u8]),
    /// Null.
    Null,
    /// An array of scalars.
    List,
}

impl<'a> Value<'a> {
    /// The characters of a string that has no escape.
    pub fn plain(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(token) if !token.contains(&b'\\') => Some(&token[1..token.len() - 1]),
            _ => None,
        }
    }
}

/// Name and value of a member; the name has no escape.
pub type Member<'a> = (&'a [u8], Value<'a>);

/// The members of a record, in order; none if it is anything but a flat object of plain values.
pub fn members<'a>(record: &'a [u8], found: &mut Vec<Member<'a>>) -> Option<()> {
    found.clear();
    let mut scan = Scan { bytes: record, at: 0 };
    scan.expect(b'{')?;
    loop {
        let Value::Text(name) = scan.string()? else { return None };
        let name = &name[1..name.len() - 1];
        if name.contains(&b'\\') || found.len() == MOST {
            return None;
        }
        scan.expect(b':')?;
        found.push((name, scan.value()?));
        match scan.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    scan.space();
    (scan.at == record.len()).then_some(())
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        self.space();
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn value(&mut self) -> Option<Value<'a>> {
        self.space();
        match *self.bytes.get(self.at)? {
            b'[' => self.list(),
            _ => self.scalar(),
        }
    }

    fn scalar(&mut self) -> Option<Value<'a>> {
        self.space();
        match *self.bytes.get(self.at)? {
            b'"' => self.string(),
            b't' => self.word(b"true").map(Value::Bool),
            b'f' => self.word(b"false").map(Value::Bool),
            b'n' => self.word(b"null").map(|_| Value::Null),
            _ => self.integer(),
        }
    }

    fn list(&mut self) -> Option<Value<'a>> {
        self.at += 1;
        self.space();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Some(Value::List);
        }
        loop {
            self.scalar()?;
            match self.next()? {
                b',' => {}
                b']' => return Some(Value::List),
                _ => return None,
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<&'a [u8]> {
        let found = self.bytes.get(self.at..self.at + word.len())?;
        self.at += word.len();
        (found == word).then_some(found)
    }

    /// An integer; what follows tells a number of another kind.
    fn integer(&mut self) -> Option<Value<'a>> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|byte| matches!(byte, b'-' | b'0'..=b'9')).count();
        let (token, behind) = rest.split_at(length);
        self.at += length;
        (is_integer(token) && !matches!(behind.first(), Some(b'.' | b'e' | b'E' | b'+')))
            .then_some(Value::Integer(token))
    }

    fn string(&mut self) -> Option<Value<'a>> {
        self.expect(b'"')?;
        let begin = self.at;
        let mut respelled = false;
        loop {
            while let Some(word) = self.bytes[self.at..].first_chunk() {
                let run = plain_in(*word);
                self.at += run;
                if run < WORD {
                    break;
                }
            }
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => respelled |= self.escape()?,
                0..b' ' => return None,
                _ => {}
            }
        }
        let inside = &self.bytes[begin..self.at - 1];
        Some(if respelled { Value::Respelled(inside) } else { Value::Text(&self.bytes[begin - 1..self.at]) })
    }

    /// Behind a backslash; whether msgspec would write the character in another way. Surrogates are left.
    fn escape(&mut self) -> Option<bool> {
        let escape = &self.bytes[self.at - 1..];
        let (length, respelled) = match escape.get(1)? {
            b'"' | b'\\' | b'n' | b'r' | b't' | b'b' | b'f' => (1, false),
            b'/' => (1, true),
            b'u' => (5, !matches!(code(escape)?, 0xd800..=0xdfff)),
            _ => return None,
        };
        self.at += length;
        (length == 1 || respelled).then_some(respelled)
    }
}

/// Whether it is one of 64 bits, with or without a sign, spelled as JSON has it.
fn is_integer(token: &[u8]) -> bool {
    let is_plain = token == b"0" || !matches!(token, [b'0', ..] | [b'-', b'0', ..]);
    let text = std::str::from_utf8(token).unwrap_or_default();
    is_plain && (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: &str) -> Option<Vec<Member<'_>>> {
        let mut found = Vec::new();
        members(record.as_bytes(), &mut found).map(|()| found)
    }

    #[test]
    fn a_flat_object_is_read() {
        let found = read(r#" {"a":"x\n","b":-12, "c":[1,"x"],"d":null,"e":true,"f":"\/"} "#).unwrap();
        let values: Vec<Value<'_>> = found.iter().map(|(_, value)| *value).collect();
        let wanted = [
            Value::Text(br#""x\n""#),
            Value::Integer(b"-12"),
            Value::List,
            Value::Null,
            Value::Bool(b"true"),
            Value::Respelled(br"\/"),
        ];
        assert_eq!(values, wanted);
    }

    #[test]
    fn anything_else_is_left() {
        for record in [
            "",
            "{}",
            "[]",
            r#"{"a":1"#,
            r#"{"a":{}}"#,
            r#"{"a":1.5}"#,
            r#"{"a":01}"#,
            r#"{"a":-0}"#,
            r#"{"a":1e5}"#,
            r#"{"a":-9223372036854775809}"#,
            r#"{"a":1-2}"#,
            r#"{"\u0061":1}"#,
            r#"{"a":"\ud83d\ude00"}"#,
            r#"{"a":[[]]}"#,
            r#"{"a":1,}"#,
            r#"{"a":1} x"#,
            r#"{"a":"\x"}"#,
            "{\"a\":\"\t\"}",
            r#"{"a":nul}"#,
            r#"{"a":-}"#,
        ] {
            assert_eq!(read(record), None, "{record}");
        }
    }
}

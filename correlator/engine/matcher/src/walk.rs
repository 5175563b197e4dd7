//! The walk over one line that fills the slots.

use crate::{
    json::{Cursor, MAX_DEPTH, Malformed, Token, unescape_into},
    names::{Names, Node, ROOT},
    slots::Slots,
};

/// Fill the slots with the values of the fields that are named; every value of a field counts, those of repeated keys
/// and of array elements too. Whatever no name leads to is passed over.
pub fn fill(line: &[u8], names: &Names, slots: &mut Slots) -> Result<(), Malformed> {
    let mut walk = Walk { line, cursor: Cursor::new(line), names, slots, key: Vec::new() };
    walk.cursor.expect(b'{')?;
    walk.object(ROOT, 1)?;
    if walk.cursor.at_end() { Ok(()) } else { Err(Malformed) }
}

struct Walk<'a> {
    line: &'a [u8],
    cursor: Cursor<'a>,
    names: &'a Names,
    slots: &'a mut Slots,
    key: Vec<u8>,
}

impl Walk<'_> {
    /// The rest of an object that has been stepped into. Recursion ends at `MAX_DEPTH`.
    fn object(&mut self, node: Node, depth: usize) -> Result<(), Malformed> {
        if self.cursor.peek() == b'}' {
            self.cursor.advance();
            return Ok(());
        }
        loop {
            let child = self.key(node)?;
            self.cursor.expect(b':')?;
            match child {
                Some(child) => self.value(child, depth)?,
                None => self.cursor.skip_value()?,
            }
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, node: Node, depth: usize) -> Result<(), Malformed> {
        if self.cursor.peek() == b']' {
            self.cursor.advance();
            return Ok(());
        }
        loop {
            self.value(node, depth)?;
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    /// A value at a node, inside a container of that depth.
    #[inline]
    fn value(&mut self, node: Node, depth: usize) -> Result<(), Malformed> {
        let token = self.cursor.token()?;
        if let Some(slot) = self.names.slot(node) {
            self.slots.fill(slot, &token);
        }
        match token {
            Token::Object if depth < MAX_DEPTH && self.names.goes_on(node) => self.object(node, depth + 1),
            Token::Array if depth < MAX_DEPTH => self.array(node, depth + 1),
            Token::Object | Token::Array => self.cursor.skip_container(),
            _ => Ok(()),
        }
    }

    #[inline]
    fn key(&mut self, node: Node) -> Result<Option<Node>, Malformed> {
        let (span, escaped) = self.cursor.string()?;
        let raw = &self.line[span];
        if !escaped {
            return Ok(self.names.child(node, raw));
        }
        self.key.clear();
        unescape_into(raw, &mut self.key);
        Ok(self.names.child(node, &self.key))
    }

    #[inline]
    fn goes_on(&mut self, end: u8) -> Result<bool, Malformed> {
        goes_on(&mut self.cursor, end)
    }
}

/// Whether a comma follows (true) or the end of the container (false).
#[inline]
fn goes_on(cursor: &mut Cursor, end: u8) -> Result<bool, Malformed> {
    match cursor.peek() {
        b',' => {
            cursor.advance();
            Ok(true)
        }
        byte if byte == end => {
            cursor.advance();
            Ok(false)
        }
        _ => Err(Malformed),
    }
}

/// Call `visit` with every scalar of a line, whatever its field.
pub fn every_scalar(line: &[u8], visit: &mut impl FnMut(&Token)) -> Result<(), Malformed> {
    value(&mut Cursor::new(line), 0, visit)
}

fn value(cursor: &mut Cursor, depth: usize, visit: &mut impl FnMut(&Token)) -> Result<(), Malformed> {
    match cursor.token()? {
        Token::Object | Token::Array if depth == MAX_DEPTH => cursor.skip_container(),
        Token::Object => members(cursor, b'}', depth + 1, visit),
        Token::Array => members(cursor, b']', depth + 1, visit),
        scalar => {
            visit(&scalar);
            Ok(())
        }
    }
}

fn members(cursor: &mut Cursor, end: u8, depth: usize, visit: &mut impl FnMut(&Token)) -> Result<(), Malformed> {
    if cursor.peek() == end {
        cursor.advance();
        return Ok(());
    }
    loop {
        if end == b'}' {
            cursor.string()?;
            cursor.expect(b':')?;
        }
        value(cursor, depth, visit)?;
        if !goes_on(cursor, end)? {
            return Ok(());
        }
    }
}

//! The tokens of a line, found by parsing it.

use std::ops::Range;

use super::Expected;
use crate::{
    json::{Cursor, MAX_DEPTH, Malformed, unescape_into},
    names::{Names, Node, ROOT, Slot},
};

/// Most values of a shape.
const MAX_STEPS: usize = 2048;

/// Most elements of an array that are part of the shape.
const MAX_ELEMENTS: usize = 8;

/// A token, and what stands after it.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    pub token: Range<usize>,
    pub expected: Expected,
    pub slot: Option<Slot>,
    pub opened: Vec<Slot>,
}

/// The tokens of a line, if it is an object and not too large to be remembered. Containers are entered exactly where
/// [`crate::walk::fill`] enters them; others are values.
pub fn steps(line: &[u8], names: &Names) -> Option<Vec<Step>> {
    let cursor = Cursor::new(line);
    let mut learning = Learning { line, cursor, names, from: 0, opened: Vec::new(), steps: Vec::new() };
    learning.cursor.expect(b'{').ok()?;
    learning.object(ROOT, 1).ok()?;
    learning.cursor.at_end().then_some(())?;
    learning.push(line.len(), line.len(), Expected::End, None).ok()?;
    Some(learning.steps)
}

struct Learning<'a> {
    line: &'a [u8],
    cursor: Cursor<'a>,
    names: &'a Names,
    /// Where the last value ended.
    from: usize,
    opened: Vec<Slot>,
    steps: Vec<Step>,
}

impl Learning<'_> {
    fn object(&mut self, node: Node, depth: usize) -> Result<(), Malformed> {
        self.members(b'}', |learning| {
            let child = learning.key(node)?;
            learning.cursor.expect(b':')?;
            learning.value(child, depth)
        })
    }

    fn array(&mut self, node: Node, depth: usize) -> Result<(), Malformed> {
        let mut elements = 0;
        self.members(b']', |learning| {
            elements += 1;
            if elements > MAX_ELEMENTS {
                return Err(Malformed);
            }
            learning.value(Some(node), depth)
        })
    }

    fn members(
        &mut self,
        end: u8,
        mut member: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        if self.cursor.peek() == end {
            self.cursor.advance();
            return Ok(());
        }
        loop {
            member(self)?;
            let after = self.cursor.peek();
            self.cursor.advance();
            match after {
                b',' => {}
                after if after == end => return Ok(()),
                _ => return Err(Malformed),
            }
        }
    }

    fn key(&mut self, node: Node) -> Result<Option<Node>, Malformed> {
        let (span, escaped) = self.cursor.string()?;
        let raw = &self.line[span];
        if !escaped {
            return Ok(self.names.child(node, raw));
        }
        let mut key = Vec::new();
        unescape_into(raw, &mut key);
        Ok(self.names.child(node, &key))
    }

    fn value(&mut self, node: Option<Node>, depth: usize) -> Result<(), Malformed> {
        let slot = node.and_then(|node| self.names.slot(node));
        let enters = node.filter(|_| depth < MAX_DEPTH);
        let first = self.cursor.peek();
        let start = self.cursor.position();
        match (first, enters) {
            (b'{', Some(node)) if self.names.goes_on(node) => {
                self.open(slot);
                self.object(node, depth + 1)
            }
            (b'[', Some(node)) => {
                self.open(slot);
                self.array(node, depth + 1)
            }
            _ => {
                self.cursor.skip_value()?;
                let end = self.cursor.position();
                match first {
                    b'"' => self.push(start + 1, end - 1, Expected::Text, slot),
                    b'{' => self.push(start, end, Expected::Object, slot),
                    b'[' => self.push(start, end, Expected::Array, slot),
                    _ => self.push(start, end, Expected::Scalar, slot),
                }
            }
        }
    }

    fn open(&mut self, slot: Option<Slot>) {
        self.cursor.advance();
        self.opened.extend(slot);
    }

    fn push(&mut self, start: usize, end: usize, expected: Expected, slot: Option<Slot>) -> Result<(), Malformed> {
        if self.steps.len() == MAX_STEPS {
            return Err(Malformed);
        }
        let opened = std::mem::take(&mut self.opened);
        self.steps.push(Step { token: self.from..start, expected, slot, opened });
        self.from = end;
        Ok(())
    }
}

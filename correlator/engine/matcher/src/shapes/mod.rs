//! The shapes that lines have had, so that the next line of a shape is read by comparing bytes instead of parsing.
//!
//! A line is values with something between them: keys, quotes, commas, brackets, white space. What is between two
//! values is the same bytes in every line of a producer, so it is remembered whole, as one *token*, and the tokens of
//! lines are a tree: what may follow a token is its children, and each says which field the value after it is of. A
//! line that can be followed through the tree has been read with one comparison a value. One that cannot is parsed, and
//! its tokens are added. Text may stand at any value; containers that no rule reads are values too, and passed over.
//!
//! The tree is bounded. When it is full, lines of other shapes are parsed; when there are many of them, it is forgotten
//! and grown anew from what comes then.

mod learn;
mod token;

use crate::{
    json::{Cursor, Malformed, Quotes, Token},
    names::{Names, Slot},
    slots::{Kind, Slots},
    walk,
};
use learn::{Step, steps};
use token::{TokenId, Tokens};

/// Most values of all remembered shapes.
const MAX_NODES: usize = 1 << 17;

/// Most tokens that may follow another.
const MAX_CHILDREN: usize = 128;

/// Lines of no remembered shape after which a full tree is forgotten.
const PATIENCE: u32 = 1 << 16;

/// Ways to go on that are remembered.
const RECENT: usize = 1 << 12;

const NONE: u32 = u32::MAX;

/// What stands after a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The inside of a string.
    Text,
    /// A number, a boolean or null.
    Scalar,
    /// An object that is passed over.
    Object,
    /// An array that is passed over.
    Array,
    /// Nothing.
    End,
}

/// A token in its place, and the value after it.
struct Node {
    token: TokenId,
    expected: Expected,
    /// The field of the value, if some rule reads it.
    slot: Option<Slot>,
    /// Fields of the containers that the token opens, as far as some rule asks for them.
    opened: Box<[Slot]>,
    /// The first node that may follow.
    child: u32,
    /// The next node that may stand here instead.
    sibling: u32,
    /// The node before.
    parent: u32,
}

/// The tree.
pub struct Shapes {
    nodes: Vec<Node>,
    tokens: Tokens,
    misses: u32,
    quotes: Quotes,
    /// Which of several nodes came last where a line went on in the same way.
    recent: Box<[u32]>,
}

impl Default for Shapes {
    fn default() -> Self {
        let (nodes, tokens, quotes) = (vec![Node::root()], Tokens::default(), Quotes::default());
        Self { nodes, tokens, misses: 0, quotes, recent: vec![NONE; RECENT].into() }
    }
}

impl Node {
    fn root() -> Self {
        Self {
            token: 0,
            expected: Expected::End,
            slot: None,
            opened: Box::default(),
            child: NONE,
            sibling: NONE,
            parent: NONE,
        }
    }
}

impl Shapes {
    /// Fill the slots (which are clear) with the values of the fields that are named, as [`walk::fill`] does.
    pub fn fill(&mut self, line: &[u8], names: &Names, slots: &mut Slots) -> Result<(), Malformed> {
        self.quotes.find(line);
        if self.follow(line, slots) {
            return Ok(());
        }
        slots.clear(names.len());
        walk::fill(line, names, slots)?;
        self.learn(line, names);
        Ok(())
    }

    /// The quotes of the line that was read last.
    #[inline]
    pub fn quotes(&self) -> &Quotes {
        &self.quotes
    }

    /// Read a line through the tree, if it is of a known shape. If not, some slots may have been filled.
    fn follow(&mut self, line: &[u8], slots: &mut Slots) -> bool {
        let mut reading = Reading { line, quotes: self.quotes.positions(), passed: 0, at: 0 };
        let (nodes, tokens) = (&self.nodes, &self.tokens);
        let mut at = 0;
        loop {
            let rest = &line[reading.at..];
            let head = token::head(rest);
            let first = nodes[at as usize].child;
            let Some(node) = nodes.get(first as usize) else { return false };
            let next = match reading.step(tokens, node, head, rest) {
                Some(value) => Some((first, value)),
                None => {
                    let recent = &mut self.recent[recent(at, head)];
                    let found = reading.find(nodes, tokens, at, *recent, head);
                    found.inspect(|(next, _)| *recent = *next)
                }
            };
            let Some((next, value)) = next else { return false };
            at = next;
            let node = &nodes[at as usize];
            node.opened.iter().for_each(|slot| slots.fill_span(*slot, Kind::Container, 0, 0));
            if node.expected == Expected::End {
                return true;
            }
            if let Some(slot) = node.slot {
                slots.fill_span(slot, value.kind, value.start, value.end);
            }
        }
    }

    /// Remember the shape of a line that has been parsed.
    fn learn(&mut self, line: &[u8], names: &Names) {
        if self.nodes.len() >= MAX_NODES || self.tokens.is_full() {
            self.misses += 1;
            if self.misses < PATIENCE {
                return;
            }
            let quotes = std::mem::take(&mut self.quotes);
            *self = Self { quotes, ..Self::default() };
        }
        if let Some(steps) = steps(line, names) {
            self.add(line, steps);
        }
    }

    fn add(&mut self, line: &[u8], steps: Vec<Step>) {
        let mut at = 0;
        for step in steps {
            let Some(token) = self.tokens.intern(&line[step.token.clone()]) else { return };
            let Some(child) = self.child(at, token, step) else { return };
            at = child;
        }
    }

    /// The node of a step after a node, made when it is new; nothing where there are too many.
    fn child(&mut self, parent: u32, token: TokenId, step: Step) -> Option<u32> {
        let (mut last, mut next, mut children) = (NONE, self.nodes[parent as usize].child, 0);
        while let Some(node) = self.nodes.get(next as usize) {
            if node.token == token && node.expected == step.expected {
                return Some(next);
            }
            (last, next, children) = (next, node.sibling, children + 1);
        }
        if children >= MAX_CHILDREN || self.nodes.len() >= MAX_NODES {
            return None;
        }
        let new = self.nodes.len() as u32;
        let Step { expected, slot, opened, .. } = step;
        self.nodes.push(Node { token, expected, slot, opened: opened.into(), child: NONE, sibling: NONE, parent });
        match last {
            NONE => self.nodes[parent as usize].child = new,
            _ => self.nodes[last as usize].sibling = new,
        }
        Some(new)
    }
}

/// Where reading stands, and how many of the line's quotes lie before.
struct Reading<'a> {
    line: &'a [u8],
    quotes: &'a [u32],
    passed: usize,
    at: usize,
}

/// Where it is remembered how a line went on.
#[inline(always)]
fn recent(node: u32, head: u64) -> usize {
    ((head ^ u64::from(node)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - RECENT.ilog2())) as usize
}

/// A value that has been read.
#[derive(Clone, Copy)]
struct Read {
    kind: Kind,
    start: usize,
    end: usize,
}

impl Reading<'_> {
    /// Step over the token of a node and the value after it, if they are what the rest of the line starts with.
    #[inline(always)]
    fn step(&mut self, tokens: &Tokens, node: &Node, head: u64, rest: &[u8]) -> Option<Read> {
        let length = tokens.matches(node.token, head, rest)?;
        self.value(node.expected, self.at + length, tokens.quotes(node.token))
    }

    /// The same for whichever node after `parent` is the right one, trying `recent` first.
    fn find(&mut self, nodes: &[Node], tokens: &Tokens, parent: u32, recent: u32, head: u64) -> Option<(u32, Read)> {
        let rest = &self.line[self.at..];
        if let Some(node) = nodes.get(recent as usize).filter(|node| node.parent == parent)
            && let Some(value) = self.step(tokens, node, head, rest)
        {
            return Some((recent, value));
        }
        let mut next = nodes[parent as usize].child;
        while let Some(node) = nodes.get(next as usize) {
            if let Some(value) = self.step(tokens, node, head, rest) {
                return Some((next, value));
            }
            next = node.sibling;
        }
        None
    }

    /// Read the value that starts at `start`, after so many more quotes; nothing if it is another than expected.
    #[inline(always)]
    fn value(&mut self, expected: Expected, start: usize, quotes: usize) -> Option<Read> {
        let passed = self.passed + quotes;
        let read = match expected {
            Expected::Text => Read { kind: Kind::Text, start, end: *self.quotes.get(passed)? as usize },
            Expected::Scalar => scalar(self.line, start)?,
            Expected::Object => self.container(b'{', start)?,
            Expected::Array => self.container(b'[', start)?,
            Expected::End => return (start == self.line.len()).then_some(Read { kind: Kind::Null, start, end: start }),
        };
        self.at = read.end;
        self.passed = passed;
        if read.kind == Kind::Container {
            self.passed += self.quotes[passed..].iter().take_while(|quote| (**quote as usize) < self.at).count();
        }
        Some(read)
    }

    /// Pass over a container. What is passed over as an object may be entered as an array, so the kind matters.
    fn container(&self, opening: u8, start: usize) -> Option<Read> {
        let mut cursor = Cursor::starting(self.line, start);
        (self.line.get(start) == Some(&opening)).then_some(())?;
        cursor.skip_value().ok()?;
        Some(Read { kind: Kind::Container, start, end: cursor.position() })
    }
}

/// A number, a boolean or null.
#[inline]
fn scalar(line: &[u8], start: usize) -> Option<Read> {
    let digits = line[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = start + digits;
    if digits > 0 && (digits == 1 || line[start] != b'0') && matches!(line.get(end), Some(b',' | b'}')) {
        return Some(Read { kind: Kind::Number, start, end });
    }
    other_scalar(line, start)
}

fn other_scalar(line: &[u8], start: usize) -> Option<Read> {
    let mut cursor = Cursor::starting(line, start);
    let (kind, span) = match cursor.token().ok()? {
        Token::Null => (Kind::Null, start..start),
        Token::Bool(true) => (Kind::True, start..start),
        Token::Bool(false) => (Kind::False, start..start),
        Token::Number(span) => (Kind::Number, span),
        Token::String { .. } | Token::Object | Token::Array => return None,
    };
    let end = cursor.position();
    Some(Read { kind, start: span.start, end: if kind == Kind::Number { span.end } else { end } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{equality::events, form::Field};
    use proptest::{collection::vec, prelude::*};

    type Values = Vec<(Kind, Option<Vec<u8>>)>;

    fn names() -> Names {
        let mut names = Names::new();
        for field in ["a", "b", "c", "a.b", "b.c", "a.b.c", "category"] {
            names.intern(&Field(field.into()));
        }
        names
    }

    /// The values of each slot, if the line is an object.
    fn values(
        line: &[u8],
        names: &Names,
        fill: impl FnOnce(&mut Slots) -> Result<(), Malformed>,
    ) -> Result<Vec<Values>, Malformed> {
        let mut slots = Slots::default();
        slots.clear(names.len());
        fill(&mut slots)?;
        let values = |slot| {
            let mut found = Vec::new();
            let mut next = slots.first(slot);
            while let Some(id) = next {
                found.push((slots.kind(id), slots.text(line, id).map(<[u8]>::to_vec)));
                next = slots.next(id);
            }
            found
        };
        Ok((0..names.len() as Slot).map(values).collect())
    }

    /// Read lines one after the other by their shapes, and each by parsing.
    fn compare(lines: &[Vec<u8>]) {
        let (names, mut shapes) = (names(), Shapes::default());
        for line in lines {
            let parsed = values(line, &names, |slots| walk::fill(line, &names, slots));
            let read = values(line, &names, |slots| shapes.fill(line, &names, slots));
            assert_eq!(read, parsed, "{}", String::from_utf8_lossy(line));
        }
    }

    /// The same line with other values of the same kinds, as far as that is easily done, and with damage.
    fn altered(line: &[u8], at: usize, byte: u8) -> Vec<u8> {
        let mut line = line.to_vec();
        let at = at % line.len().max(1);
        if let Some(met) = line.get_mut(at) {
            *met = byte;
        }
        line
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn a_shape_is_read_as_it_is_parsed(
            lines in vec((events::line(), vec((any::<usize>(), prop::sample::select(b"x1\\\"{[]},: 0u-".as_slice())), 0..12)), 1..5)
        ) {
            let alter = |(line, changes): &(Vec<u8>, Vec<(usize, u8)>)| {
                let changed = changes.iter().map(|(at, byte)| altered(line, *at, *byte));
                [vec![line.clone()], changed.collect(), vec![line.clone()]].concat()
            };
            compare(&lines.iter().flat_map(alter).collect::<Vec<_>>());
        }
    }

    #[test]
    fn lines_of_one_shape_differ_in_values() {
        let lines = [
            r#"{"a":[""],"b":1}"#,
            r#"{"a":["x\\"],"b":-1.5e3}"#,
            r#"{"a":["\"b\":1"],"b":true}"#,
            r#"{"a":["x"],"b":01}"#,
            r#"{"a":["x"],"b":null} "#,
            r#"{"c":{"x":"y"},"b":1}"#,
            r#"{"c":["x","y"],"b":1}"#,
            r#"{"a":["x"],"b":"1"}"#,
            r#"{"z":["\"",{"b":"]"}],"b":"1"}"#,
            r#"{"z":[\"]"],"b":"1"}"#,
            r#"{"z":[],"b":"1"}"#,
            r#"{"a":[1,2,3,4,5,6,7,8,9],"b":1}"#,
        ];
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        compare(&[lines.clone(), lines].concat());
    }

    #[test]
    fn a_full_tree_reads_on() {
        let names = names();
        let mut shapes = Shapes::default();
        for number in 0..2 * MAX_CHILDREN {
            let line = format!(r#"{{"{number}":1,"b":{number}}}"#).into_bytes();
            let parsed = values(&line, &names, |slots| walk::fill(&line, &names, slots));
            assert_eq!(values(&line, &names, |slots| shapes.fill(&line, &names, slots)), parsed);
        }
        assert!(shapes.nodes.len() <= 3 * MAX_CHILDREN + 1);
    }
}

//! The event in the making: fields under dotted paths, written nested in the order in which they came.

use crate::text::{quote, requote};

/// What is written for a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece<'a> {
    /// JSON as it stands.
    Token(&'a [u8]),
    /// The inside of a string to be respelled.
    Respelled(&'a [u8]),
    /// Characters to be quoted.
    Plain(&'a [u8]),
}

enum Content<'a> {
    Inner { first: usize, last: usize },
    One(Piece<'a>),
    Many(Vec<Piece<'a>>),
}

struct Node<'a> {
    name: &'a str,
    content: Content<'a>,
    next: usize,
}

/// No node. The root is nobody's child, so its number is free.
const NONE: usize = 0;

/// Nodes of one event. Paths may not go through a value: [`crate::Tables`] sees to that.
pub struct Tree<'a>(Vec<Node<'a>>);

impl<'a> Tree<'a> {
    /// An empty event.
    pub fn new() -> Self {
        let mut nodes = Vec::with_capacity(96);
        nodes.push(Node { name: "", content: Content::Inner { first: NONE, last: NONE }, next: NONE });
        Self(nodes)
    }

    /// Put a value under a path that has none; the place that it stands at.
    pub fn put(&mut self, path: impl IntoIterator<Item = &'a str>, value: Piece<'a>) -> usize {
        let node = path.into_iter().fold(0, |node, name| self.child(node, name));
        self.0[node].content = Content::One(value);
        node
    }

    /// The container under a path.
    pub fn container(&mut self, path: impl IntoIterator<Item = &'a str>) -> usize {
        path.into_iter().fold(0, |node, name| self.child(node, name))
    }

    /// Put a value into a container under a name that it does not have.
    pub fn push(&mut self, container: usize, name: &'a str, value: Piece<'a>) {
        self.attach(container, name, Content::One(value));
    }

    /// Let a place have several values.
    pub fn set_all(&mut self, node: usize, values: Vec<Piece<'a>>) {
        self.0[node].content = Content::Many(values);
    }

    /// Add a value to a place: equal ones are one, others a list. None where it is not known whether they are equal.
    pub fn add(&mut self, node: usize, value: Piece<'a>) -> Option<()> {
        match &mut self.0[node].content {
            Content::One(known) => {
                if !equal(*known, value)? {
                    let both = vec![*known, value];
                    self.0[node].content = Content::Many(both);
                }
            }
            Content::Many(known) => known.push(value),
            Content::Inner { .. } => return None,
        }
        Some(())
    }

    /// Write the event as one line of JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_node(0, out);
    }

    fn child(&mut self, parent: usize, name: &'a str) -> usize {
        let Content::Inner { first, .. } = self.0[parent].content else { unreachable!("a path through a value") };
        let mut at = first;
        while at != NONE {
            if self.0[at].name == name {
                return at;
            }
            at = self.0[at].next;
        }
        self.attach(parent, name, Content::Inner { first: NONE, last: NONE })
    }

    fn attach(&mut self, parent: usize, name: &'a str, content: Content<'a>) -> usize {
        let new = self.0.len();
        self.0.push(Node { name, content, next: NONE });
        let Content::Inner { first, last } = &mut self.0[parent].content else {
            unreachable!("a path through a value")
        };
        let before = std::mem::replace(last, new);
        if *first == NONE {
            *first = new;
        } else {
            self.0[before].next = new;
        }
        new
    }

    fn write_node(&self, node: usize, out: &mut Vec<u8>) {
        match &self.0[node].content {
            Content::One(piece) => piece.write(out),
            Content::Many(pieces) => {
                out.push(b'[');
                for (at, piece) in pieces.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    piece.write(out);
                }
                out.push(b']');
            }
            Content::Inner { first, .. } => self.write_inner(*first, out),
        }
    }

    fn write_inner(&self, first: usize, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut at = first;
        while at != NONE {
            if at != first {
                out.push(b',');
            }
            let node = &self.0[at];
            // A name of a record stands here as it stood there, without an escape.
            out.push(b'"');
            out.extend_from_slice(node.name.as_bytes());
            out.extend_from_slice(b"\":");
            self.write_node(at, out);
            at = node.next;
        }
        out.push(b'}');
    }
}

impl Piece<'_> {
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Token(token) => out.extend_from_slice(token),
            Self::Respelled(inside) => requote(inside, out),
            Self::Plain(text) => quote(text, out),
        }
    }
}

/// Whether two values of a record are equal as Python compares them.
fn equal(one: Piece<'_>, other: Piece<'_>) -> Option<bool> {
    match (one, other) {
        // True is 1 there.
        (Piece::Token(one), Piece::Token(other)) if is_bool(one) == is_bool(other) => Some(one == other),
        (Piece::Token(one), Piece::Token(other)) if one[0] == b'"' || other[0] == b'"' => Some(false),
        _ => None,
    }
}

fn is_bool(token: &[u8]) -> bool {
    matches!(token[0], b't' | b'f')
}

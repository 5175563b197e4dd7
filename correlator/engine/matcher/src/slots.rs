//! The values that one event has in the fields that rules read: spans of the line, their texts made when asked for.

use crate::{
    fold::fold_into,
    json::{Token, unescape_into},
    names::Slot,
};

/// No further value.
const END: u32 = u32::MAX;

/// Bytes of working memory that are kept from one event to the next.
const KEEP: usize = 1 << 20;

/// Number of a value of the event.
pub type ValueId = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    True,
    False,
    Number,
    /// A string without a backslash.
    Plain,
    /// A string with one.
    Escaped,
    /// An object or an array: present, and no text.
    Container,
}

/// Where a text is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Not asked for yet.
    Unknown,
    Line,
    Decoded(u32, u32),
}

#[derive(Clone, Copy, Debug)]
struct Value {
    kind: Kind,
    start: u32,
    end: u32,
    next: ValueId,
    text: Place,
    folded: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Default)]
struct Head {
    epoch: u32,
    first: ValueId,
    last: ValueId,
}

/// The values of one event. Cleared in constant time, by counting the epoch on.
#[derive(Default)]
pub struct Slots {
    epoch: u32,
    heads: Vec<Head>,
    values: Vec<Value>,
    decoded: Vec<u8>,
    folded: Vec<u8>,
}

impl Slots {
    /// Forget the event before, and make room for `count` slots.
    pub fn clear(&mut self, count: usize) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 || self.heads.len() != count {
            self.heads = vec![Head::default(); count];
            self.epoch = 1;
        }
        self.values.clear();
        self.decoded.clear();
        self.folded.clear();
        self.values.shrink_to(KEEP / size_of::<Value>());
        self.decoded.shrink_to(KEEP);
        self.folded.shrink_to(KEEP);
    }

    /// Add a value to a slot.
    #[inline]
    pub fn fill(&mut self, slot: Slot, token: &Token) {
        let id = self.add(token);
        let head = &mut self.heads[slot as usize];
        if head.epoch == self.epoch {
            self.values[head.last as usize].next = id;
        } else {
            *head = Head { epoch: self.epoch, first: id, last: id };
        }
        head.last = id;
    }

    /// Add a value that is in no slot.
    #[inline]
    pub fn add(&mut self, token: &Token) -> ValueId {
        let (kind, span) = match token {
            Token::Null => (Kind::Null, 0..0),
            Token::Bool(true) => (Kind::True, 0..0),
            Token::Bool(false) => (Kind::False, 0..0),
            Token::Number(span) => (Kind::Number, span.clone()),
            Token::String { span, escaped: false } => (Kind::Plain, span.clone()),
            Token::String { span, escaped: true } => (Kind::Escaped, span.clone()),
            Token::Object | Token::Array => (Kind::Container, 0..0),
        };
        let id = self.values.len() as ValueId;
        let (start, end) = (span.start as u32, span.end as u32);
        self.values.push(Value { kind, start, end, next: END, text: Place::Unknown, folded: None });
        id
    }

    /// Number of values so far; ids count up to it.
    pub fn len(&self) -> ValueId {
        self.values.len() as ValueId
    }

    /// The first value of a slot, if the field is present.
    #[inline]
    pub fn first(&self, slot: Slot) -> Option<ValueId> {
        let head = self.heads[slot as usize];
        (head.epoch == self.epoch).then_some(head.first)
    }

    /// The value after another in the same slot.
    #[inline]
    pub fn next(&self, id: ValueId) -> Option<ValueId> {
        Some(self.values[id as usize].next).filter(|next| *next != END)
    }

    /// What a value is.
    #[inline]
    pub fn kind(&self, id: ValueId) -> Kind {
        self.values[id as usize].kind
    }

    /// The text of a value, if it has one.
    #[inline]
    pub fn text<'a>(&'a mut self, line: &'a [u8], id: ValueId) -> Option<&'a [u8]> {
        let value = self.values[id as usize];
        let raw = &line[value.start as usize..value.end as usize];
        match value.kind {
            Kind::Null | Kind::Container => return None,
            Kind::True => return Some(b"true"),
            Kind::False => return Some(b"false"),
            Kind::Number => return Some(raw),
            Kind::Plain | Kind::Escaped => {}
        }
        if let Place::Unknown = value.text {
            self.values[id as usize].text = self.place(value.kind, raw);
        }
        match self.values[id as usize].text {
            Place::Decoded(start, end) => Some(&self.decoded[start as usize..end as usize]),
            Place::Unknown | Place::Line => Some(raw),
        }
    }

    /// The folded text of a value, if it has a text.
    #[inline]
    pub fn folded<'a>(&'a mut self, line: &'a [u8], id: ValueId) -> Option<&'a [u8]> {
        if self.values[id as usize].folded.is_none() {
            let mut folded = std::mem::take(&mut self.folded);
            let start = folded.len() as u32;
            let found = self.text(line, id).map(|text| fold_into(text, &mut folded));
            self.folded = folded;
            found?;
            self.values[id as usize].folded = Some((start, self.folded.len() as u32));
        }
        self.values[id as usize].folded.map(|(start, end)| &self.folded[start as usize..end as usize])
    }

    fn place(&mut self, kind: Kind, raw: &[u8]) -> Place {
        if kind == Kind::Plain && std::str::from_utf8(raw).is_ok() {
            return Place::Line;
        }
        let start = self.decoded.len() as u32;
        unescape_into(raw, &mut self.decoded);
        Place::Decoded(start, self.decoded.len() as u32)
    }
}

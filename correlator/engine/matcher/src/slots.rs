//! The values that one event has in the fields that rules read: spans of the line, their texts made when asked for.

use std::ops::Range;

use crate::{
    fold::fold_into,
    json::{Token, is_canonical, unescape_into, write_canonical},
    names::Slot,
    runs::Runs,
};

/// No further value.
const END: u32 = u32::MAX;

/// Bytes of working memory that are kept from one event to the next.
const KEEP: usize = 1 << 20;

/// Most texts of an event of which runs are noted.
const MAX_RUNS: usize = 64;

/// Number of a value of the event.
pub type ValueId = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    True,
    False,
    Number,
    /// A string.
    Text,
    /// An object or an array: present, and no text.
    Container,
}

#[derive(Clone, Copy, Debug)]
struct Value {
    kind: Kind,
    start: u32,
    end: u32,
    next: ValueId,
}

/// What has been made of a value's text so far.
#[derive(Clone, Copy, Debug, Default)]
struct Made {
    text: Place,
    folded: Option<(u32, u32)>,
    canonical: Place,
    /// How many literals were looked for in it.
    searched: usize,
    /// Which of the noted runs are its own, once they are.
    runs: Option<u32>,
}

/// Where a text is.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Not asked for yet.
    #[default]
    Unknown,
    /// As it stands in the line.
    Line,
    /// In the memory for texts of its kind.
    Made(u32, u32),
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
    /// Of the first values; those after were not asked for.
    made: Vec<Made>,
    decoded: Vec<u8>,
    folded: Vec<u8>,
    canonical: Vec<u8>,
    runs: Vec<Runs>,
    /// Of events before, for their memory.
    spare: Vec<Runs>,
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
        self.values.shrink_to(KEEP / size_of::<Value>());
        if !self.made.is_empty() {
            self.made.clear();
            self.made.shrink_to(KEEP / size_of::<Made>());
            for texts in [&mut self.decoded, &mut self.folded, &mut self.canonical] {
                texts.clear();
                texts.shrink_to(KEEP);
            }
            self.spare.append(&mut self.runs);
        }
    }

    /// Add a value to a slot.
    #[inline]
    pub fn fill(&mut self, slot: Slot, token: &Token) {
        let (kind, span) = parts(token);
        self.fill_span(slot, kind, span.start, span.end);
    }

    /// Add a value to a slot.
    #[inline]
    pub fn fill_span(&mut self, slot: Slot, kind: Kind, start: usize, end: usize) {
        let id = self.values.len() as ValueId;
        self.values.push(Value { kind, start: start as u32, end: end as u32, next: END });
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
        let (kind, span) = parts(token);
        let id = self.values.len() as ValueId;
        self.values.push(Value { kind, start: span.start as u32, end: span.end as u32, next: END });
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

    /// Where a value stands in the line.
    #[inline]
    pub fn span(&self, id: ValueId) -> Range<u32> {
        let value = self.values[id as usize];
        value.start..value.end
    }

    /// The text of a value as it stands in the line, escapes and all, if it has one.
    #[inline]
    pub fn raw<'a>(&self, line: &'a [u8], id: ValueId) -> Option<&'a [u8]> {
        let value = self.values[id as usize];
        match value.kind {
            Kind::Null | Kind::Container => None,
            Kind::True => Some(b"true"),
            Kind::False => Some(b"false"),
            Kind::Number | Kind::Text => Some(&line[value.start as usize..value.end as usize]),
        }
    }

    /// The canonical form of a text, but for the case of ASCII letters, if the value has one. In a plain line that is
    /// every text as it stands.
    #[inline]
    pub fn canonical<'a>(&'a mut self, line: &'a [u8], id: ValueId, plain: bool) -> Option<&'a [u8]> {
        let raw = self.raw(line, id)?;
        if plain {
            return Some(raw);
        }
        if let Place::Unknown = self.made(id).canonical {
            let place = self.canonize(line, id, raw);
            self.made(id).canonical = place;
        }
        Some(self.canonized(id).unwrap_or(raw))
    }

    /// The canonical form of a text in which so many literals are looked for, and its runs, if they are noted.
    #[inline]
    pub fn searched<'a>(
        &'a mut self,
        line: &'a [u8],
        id: ValueId,
        plain: bool,
        literals: usize,
    ) -> Option<(&'a [u8], Option<&'a Runs>)> {
        if literals == 0 {
            return self.canonical(line, id, plain).map(|text| (text, None));
        }
        self.canonical(line, id, plain)?;
        let raw = self.raw(line, id)?;
        self.note_runs(id, raw, literals);
        let runs = self.made[id as usize].runs.map(|number| &self.runs[number as usize]);
        Some((self.canonized(id).unwrap_or(raw), runs))
    }

    /// Note the runs of a text (given as it stands) where enough has been looked for in it.
    fn note_runs(&mut self, id: ValueId, raw: &[u8], literals: usize) {
        let made = self.made(id);
        made.searched = made.searched.saturating_add(literals);
        if made.runs.is_none() && Runs::are_worth(raw, made.searched) && self.runs.len() < MAX_RUNS {
            let mut runs = self.spare.pop().unwrap_or_default();
            runs.note(self.canonized(id).unwrap_or(raw));
            self.made[id as usize].runs = Some(self.runs.len() as u32);
            self.runs.push(runs);
        }
    }

    /// A canonical form that had to be made.
    #[inline]
    fn canonized(&self, id: ValueId) -> Option<&[u8]> {
        match self.made.get(id as usize)?.canonical {
            Place::Made(start, end) => Some(&self.canonical[start as usize..end as usize]),
            Place::Unknown | Place::Line => None,
        }
    }

    fn canonize(&mut self, line: &[u8], id: ValueId, raw: &[u8]) -> Place {
        if is_canonical(raw) {
            return Place::Line;
        }
        let mut canonical = std::mem::take(&mut self.canonical);
        let start = canonical.len() as u32;
        self.folded(line, id).inspect(|text| write_canonical(text, &mut canonical));
        self.canonical = canonical;
        Place::Made(start, self.canonical.len() as u32)
    }

    /// The text of a value, if it has one.
    #[inline]
    pub fn text<'a>(&'a mut self, line: &'a [u8], id: ValueId) -> Option<&'a [u8]> {
        let raw = self.raw(line, id)?;
        if self.kind(id) != Kind::Text {
            return Some(raw);
        }
        if let Place::Unknown = self.made(id).text {
            let place = self.place(raw);
            self.made(id).text = place;
        }
        match self.made(id).text {
            Place::Made(start, end) => Some(&self.decoded[start as usize..end as usize]),
            Place::Unknown | Place::Line => Some(raw),
        }
    }

    /// The folded text of a value, if it has a text.
    #[inline]
    pub fn folded<'a>(&'a mut self, line: &'a [u8], id: ValueId) -> Option<&'a [u8]> {
        if self.made(id).folded.is_none() {
            let mut folded = std::mem::take(&mut self.folded);
            let start = folded.len() as u32;
            let found = self.text(line, id).map(|text| fold_into(text, &mut folded));
            self.folded = folded;
            found?;
            self.made(id).folded = Some((start, self.folded.len() as u32));
        }
        self.made(id).folded.map(|(start, end)| &self.folded[start as usize..end as usize])
    }

    fn made(&mut self, id: ValueId) -> &mut Made {
        if self.made.len() <= id as usize {
            self.made.resize(self.values.len(), Made::default());
        }
        &mut self.made[id as usize]
    }

    fn place(&mut self, raw: &[u8]) -> Place {
        if memchr::memchr(b'\\', raw).is_none() && std::str::from_utf8(raw).is_ok() {
            return Place::Line;
        }
        let start = self.decoded.len() as u32;
        unescape_into(raw, &mut self.decoded);
        Place::Made(start, self.decoded.len() as u32)
    }
}

#[inline]
fn parts(token: &Token) -> (Kind, Range<usize>) {
    match token {
        Token::Null => (Kind::Null, 0..0),
        Token::Bool(true) => (Kind::True, 0..0),
        Token::Bool(false) => (Kind::False, 0..0),
        Token::Number(span) => (Kind::Number, span.clone()),
        Token::String { span, .. } => (Kind::Text, span.clone()),
        Token::Object | Token::Array => (Kind::Container, 0..0),
    }
}

//! Reading named fields out of events, strictly: what is no sound event is told apart, with the reason.

use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError},
};

use crate::{
    form::Field,
    json::Malformed,
    names::{Names, Slot},
    shapes::Shapes,
    slots::{Kind, Slots, ValueId},
    sound,
};

/// A scalar of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// True or false.
    Bool(bool),
    /// An integer of 64 bits.
    Integer(i64),
    /// Any other number, as near as 64 bits come.
    Float(f64),
    /// A string, its escapes resolved.
    Text(Cow<'a, str>),
}

/// What an event has in one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// Which field, by its position.
    pub field: usize,
    /// Its scalars: several for an array or a repeated key, none for an object or an empty array. Null is none.
    pub values: Values<'a>,
}

/// The scalars of a field; nearly always there is one.
#[derive(Clone, Debug, PartialEq)]
pub enum Values<'a> {
    /// One.
    One(Scalar<'a>),
    /// None, or several.
    Several(Vec<Scalar<'a>>),
}

impl<'a> Found<'a> {
    /// The one text that the field has.
    pub fn text(&self) -> Option<&str> {
        match &self.values {
            Values::One(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// About so many of the fields an event has.
const USUAL: usize = 16;

/// Reads the same fields out of every line.
pub struct Reader {
    names: Names,
    slots: Vec<Slot>,
    bounds: Bounds,
    idle: Mutex<Vec<Session>>,
}

/// Working memory, and what is known of the shapes of lines; kept from batch to batch.
#[derive(Default)]
struct Session {
    slots: Slots,
    shapes: Shapes,
}

/// What an event may not exceed.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Length of the line.
    pub bytes: usize,
    /// Containers inside one another.
    pub depth: usize,
    /// Members of objects and elements of arrays, at any depth.
    pub values: usize,
}

impl Reader {
    /// A reader of fields (dotted paths). Events beyond the bounds are refused.
    pub fn new<'a>(fields: impl IntoIterator<Item = &'a str>, bounds: Bounds) -> Self {
        let mut names = Names::new();
        let slots = fields.into_iter().map(|field| names.intern(&Field(field.into()))).collect();
        Self { names, slots, bounds, idle: Mutex::default() }
    }

    /// For each line the fields that it has, by their position, or why it is no event.
    pub fn read<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Vec<Found<'a>>, String>> {
        let mut session = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let found = lines.map(|line| self.read_line(line, &mut session)).collect();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        found
    }

    fn read_line<'a>(&self, line: &'a [u8], session: &mut Session) -> Result<Vec<Found<'a>>, String> {
        let bounds = self.bounds;
        if line.len() > bounds.bytes {
            return Err(format!("the event has {} bytes, over {}", line.len(), bounds.bytes));
        }
        let Session { slots, shapes } = session;
        slots.clear(self.names.len());
        let read = shapes.fill(line, &self.names, slots);
        sound::check(line, shapes.quotes(), bounds.depth, bounds.values)?;
        read.map_err(|Malformed| "the event is no JSON object".to_owned())?;
        let mut all = Vec::with_capacity(USUAL);
        all.extend(self.slots.iter().enumerate().filter_map(|(field, slot)| found(line, slots, field, *slot)));
        Ok(all)
    }
}

/// What a slot holds; nothing if the field is absent or only null.
fn found<'a>(line: &'a [u8], slots: &mut Slots, field: usize, slot: Slot) -> Option<Found<'a>> {
    let first = slots.first(slot)?;
    let Some(mut next) = slots.next(first) else {
        let value = scalar(line, slots, first).map(Values::One);
        let empty = || (slots.kind(first) == Kind::Container).then(|| Values::Several(Vec::new()));
        return value.or_else(empty).map(|values| Found { field, values });
    };
    let mut values: Vec<_> = scalar(line, slots, first).into_iter().collect();
    let mut container = slots.kind(first) == Kind::Container;
    loop {
        container |= slots.kind(next) == Kind::Container;
        values.extend(scalar(line, slots, next));
        match slots.next(next) {
            Some(after) => next = after,
            None => break,
        }
    }
    let values = if values.len() == 1 { values.pop().map(Values::One)? } else { Values::Several(values) };
    (container || !matches!(&values, Values::Several(none) if none.is_empty())).then_some(Found { field, values })
}

fn scalar<'a>(line: &'a [u8], slots: &mut Slots, id: ValueId) -> Option<Scalar<'a>> {
    match slots.kind(id) {
        Kind::Null | Kind::Container => None,
        Kind::True => Some(Scalar::Bool(true)),
        Kind::False => Some(Scalar::Bool(false)),
        Kind::Number => number(std::str::from_utf8(slots.text(line, id)?).ok()?),
        Kind::Text => text(line, slots, id).map(Scalar::Text),
    }
}

/// A text, as it stands in the line if nothing in it is escaped.
fn text<'a>(line: &'a [u8], slots: &mut Slots, id: ValueId) -> Option<Cow<'a, str>> {
    let raw = slots.raw(line, id)?;
    if memchr::memchr(b'\\', raw).is_none()
        && let Ok(text) = std::str::from_utf8(raw)
    {
        return Some(Cow::Borrowed(text));
    }
    slots.text(line, id).map(|text| String::from_utf8_lossy(text).into_owned().into())
}

fn number<'a>(text: &str) -> Option<Scalar<'a>> {
    text.parse().map(Scalar::Integer).or_else(|_| text.parse().map(Scalar::Float)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<Found<'_>>, String> {
        let reader = Reader::new(["a.b", "c"], Bounds { bytes: 100, depth: 4, values: 8 });
        reader.read(std::iter::once(line.as_bytes())).remove(0)
    }

    fn found<'a>(field: usize, values: impl Into<Vec<Scalar<'a>>>) -> Found<'a> {
        let mut values = values.into();
        let values = if values.len() == 1 { Values::One(values.remove(0)) } else { Values::Several(values) };
        Found { field, values }
    }

    fn text(text: &str) -> Scalar<'_> {
        Scalar::Text(text.into())
    }

    #[test]
    fn fields_are_read_however_they_are_nested() {
        for line in [r#"{"a":{"b":"x"},"c":1}"#, r#"{"a.b":"x","c":1}"#, r#" {"c":1,"a":[{"b":"\u0078"}]} "#] {
            assert_eq!(read(line), Ok(vec![found(0, [text("x")]), found(1, [Scalar::Integer(1)])]), "{line}");
        }
    }

    #[test]
    fn values_keep_their_types_and_null_is_none() {
        let line = r#"{"a":{"b":["x",true,1.5,18446744073709551616]},"c":null}"#;
        let values = [text("x"), Scalar::Bool(true), Scalar::Float(1.5), Scalar::Float(18_446_744_073_709_551_616.0)];
        assert_eq!(read(line), Ok(vec![found(0, values)]));
        assert_eq!(read(r#"{"c":{}}"#), Ok(vec![found(1, [])]));
    }

    #[test]
    fn what_is_no_sound_event_is_refused_with_the_reason() {
        let long = format!(r#"{{"c":"{}"}}"#, "x".repeat(100));
        for line in [
            "",
            "[]",
            "1",
            "{",
            r#"{"a":}"#,
            r#"{"x":01}"#,
            r#"{"x":"\ud800"}"#,
            "{\"x\":\"\n\"}",
            &long,
            r#"{"x":[[[[]]]]}"#,
            r#"{"x":[0,0,0,0,0,0,0,0]}"#,
            r#"{"x":1} {}"#,
            r#"{"x":"\x"}"#,
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read(r#"{"x":[[[]]]}"#).is_ok());
        assert!(read(r#"{"x":[0,0,0,0,0,0,0]}"#).is_ok());
    }
}

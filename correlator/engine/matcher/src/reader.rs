//! Reading named fields out of events, strictly: what is no sound event is told apart, with the reason.

use std::sync::{Mutex, PoisonError};

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
pub enum Scalar {
    /// True or false.
    Bool(bool),
    /// An integer of 64 bits.
    Integer(i64),
    /// Any other number, as near as 64 bits come.
    Float(f64),
    /// A string, its escapes resolved.
    Text(String),
}

/// What an event has in one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which field, by its position.
    pub field: usize,
    /// Its scalars: several for an array or a repeated key, none for an object or an empty array. Null is none.
    pub values: Vec<Scalar>,
}

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
    pub fn read<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Vec<Found>, String>> {
        let mut session = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let found = lines.map(|line| self.read_line(line, &mut session)).collect();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        found
    }

    fn read_line(&self, line: &[u8], session: &mut Session) -> Result<Vec<Found>, String> {
        let bounds = self.bounds;
        if line.len() > bounds.bytes {
            return Err(format!("the event has {} bytes, over {}", line.len(), bounds.bytes));
        }
        let Session { slots, shapes } = session;
        slots.clear(self.names.len());
        let read = shapes.fill(line, &self.names, slots);
        sound::check(line, shapes.quotes(), bounds.depth, bounds.values)?;
        read.map_err(|Malformed| "the event is no JSON object".to_owned())?;
        Ok(self.slots.iter().enumerate().filter_map(|(field, slot)| found(line, slots, field, *slot)).collect())
    }
}

/// What a slot holds; nothing if the field is absent or only null.
fn found(line: &[u8], slots: &mut Slots, field: usize, slot: Slot) -> Option<Found> {
    let mut next = Some(slots.first(slot)?);
    let mut values = Vec::new();
    let mut container = false;
    while let Some(id) = next {
        container |= slots.kind(id) == Kind::Container;
        values.extend(scalar(line, slots, id));
        next = slots.next(id);
    }
    (container || !values.is_empty()).then_some(Found { field, values })
}

fn scalar(line: &[u8], slots: &mut Slots, id: ValueId) -> Option<Scalar> {
    match slots.kind(id) {
        Kind::Null | Kind::Container => None,
        Kind::True => Some(Scalar::Bool(true)),
        Kind::False => Some(Scalar::Bool(false)),
        Kind::Number => number(std::str::from_utf8(slots.text(line, id)?).ok()?),
        Kind::Text => slots.text(line, id).map(|text| Scalar::Text(String::from_utf8_lossy(text).into_owned())),
    }
}

fn number(text: &str) -> Option<Scalar> {
    text.parse().map(Scalar::Integer).or_else(|_| text.parse().map(Scalar::Float)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<Found>, String> {
        let reader = Reader::new(["a.b", "c"], Bounds { bytes: 100, depth: 4, values: 8 });
        reader.read(std::iter::once(line.as_bytes())).remove(0)
    }

    fn found(field: usize, values: impl Into<Vec<Scalar>>) -> Found {
        Found { field, values: values.into() }
    }

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
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

//! Reading named fields out of events, strictly: what is no sound event is told apart, with the reason.

use crate::{
    form::Field,
    json::Malformed,
    names::{Names, Slot},
    slots::{Kind, Slots},
    sound, walk,
};

/// The texts of one field of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Texts {
    /// The event has no such field, or it is null.
    Absent,
    /// The one scalar that the field has.
    One(String),
    /// Several scalars, of an array or of repeated keys; none where the field is an object or an empty array.
    Many(Vec<String>),
}

/// Reads the same fields out of every line.
pub struct Reader {
    names: Names,
    slots: Vec<Slot>,
    max_depth: usize,
    max_bytes: usize,
}

impl Reader {
    /// A reader of fields (dotted paths), in this order. Larger and deeper events are refused.
    pub fn new<'a>(fields: impl IntoIterator<Item = &'a str>, max_bytes: usize, max_depth: usize) -> Self {
        let mut names = Names::new();
        let slots = fields.into_iter().map(|field| names.intern(&Field(field.into()))).collect();
        Self { names, slots, max_depth, max_bytes }
    }

    /// For each line its fields, or why it is no event.
    pub fn read<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Vec<Texts>, String>> {
        let mut slots = Slots::default();
        lines.map(|line| self.read_line(line, &mut slots)).collect()
    }

    fn read_line(&self, line: &[u8], slots: &mut Slots) -> Result<Vec<Texts>, String> {
        if line.len() > self.max_bytes {
            return Err(format!("the event has {} bytes, over {}", line.len(), self.max_bytes));
        }
        sound::check(line, self.max_depth)?;
        slots.clear(self.names.len());
        walk::fill(line, &self.names, slots).map_err(|Malformed| "the event is no JSON object".to_owned())?;
        Ok(self.slots.iter().map(|slot| texts(line, slots, *slot)).collect())
    }
}

fn texts(line: &[u8], slots: &mut Slots, slot: Slot) -> Texts {
    let mut found = Vec::new();
    let mut container = false;
    let mut next = slots.first(slot);
    while let Some(id) = next {
        container |= slots.kind(id) == Kind::Container;
        if let Some(text) = slots.text(line, id) {
            found.push(String::from_utf8_lossy(text).into_owned());
        }
        next = slots.next(id);
    }
    match found.len() {
        0 if container => Texts::Many(found),
        0 => Texts::Absent,
        1 => found.pop().map_or(Texts::Absent, Texts::One),
        _ => Texts::Many(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<Texts>, String> {
        let reader = Reader::new(["a.b", "c"], 100, 4);
        reader.read(std::iter::once(line.as_bytes())).remove(0)
    }

    fn one(text: &str) -> Texts {
        Texts::One(text.to_owned())
    }

    #[test]
    fn fields_are_read_however_they_are_nested() {
        for line in [r#"{"a":{"b":"x"},"c":1}"#, r#"{"a.b":"x","c":1}"#, r#" {"c":1,"a":[{"b":"\u0078"}]} "#] {
            assert_eq!(read(line), Ok(vec![one("x"), one("1")]), "{line}");
        }
        assert_eq!(
            read(r#"{"a":{"b":["x",true]},"c":null}"#).map(|mut all| all.swap_remove(0)),
            Ok(Texts::Many(vec!["x".to_owned(), "true".to_owned()]))
        );
        assert_eq!(read(r#"{"c":{}}"#), Ok(vec![Texts::Absent, Texts::Many(vec![])]));
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
            r#"{"x":1} {}"#,
            r#"{"x":"\x"}"#,
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read(r#"{"x":[[[]]]}"#).is_ok());
    }
}

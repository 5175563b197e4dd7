//! Whether a line is one sound JSON object: grammar, Unicode, depth and number of values, to the last byte.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use crate::{
    grammar::is_sound,
    json::{Quotes, exceeds},
};

/// Check a line of which the quotes are known. The error says what is wrong and where in the line.
///
/// Most lines are seen to be sound at a glance; whatever is left is parsed.
pub fn check(line: &[u8], quotes: &Quotes, max_depth: usize, max_values: usize) -> Result<(), String> {
    if !is_sound(line, quotes, max_depth) {
        parse(line, max_depth)?;
    }
    if exceeds(line, max_values) {
        return Err(format!("the event has more than {max_values} values"));
    }
    Ok(())
}

/// Parse a line to its end.
pub fn parse(line: &[u8], max_depth: usize) -> Result<(), String> {
    let start = line.iter().find(|byte| !byte.is_ascii_whitespace());
    if start != Some(&b'{') {
        return Err("an event is a JSON object".to_owned());
    }
    let text = std::str::from_utf8(line).map_err(|error| format!("not UTF-8 from byte {} on", error.valid_up_to()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    Sound { left: max_depth }.deserialize(&mut json).map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())
}

/// Visits a value and keeps nothing of it. `left` is how many containers may still be entered.
#[derive(Clone, Copy)]
struct Sound {
    left: usize,
}

impl Sound {
    fn inside<E: Error>(self) -> Result<Self, E> {
        match self.left {
            0 => Err(E::custom("nested too deeply")),
            left => Ok(Self { left: left - 1 }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while items.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while members.next_key_seed(Key)?.is_some() {
            members.next_value_seed(inside)?;
        }
        Ok(())
    }
}

/// Visits a key and keeps nothing of it.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<(), D::Error> {
        key.deserialize_str(Sound { left: 0 })
    }
}

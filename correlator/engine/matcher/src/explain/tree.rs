//! An event as a tree, and its fields by their full dotted names.

use std::cell::OnceCell;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    fold::fold,
    json::{MAX_DEPTH, MAX_VALUES, exceeds},
};

/// A scalar that a field has, or that it has a container.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    Text(String),
    Container,
}

impl Node {
    /// The text of it.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Null | Self::Container => None,
            Self::Bool(value) => Some(if *value { "true" } else { "false" }),
            Self::Number(text) | Self::Text(text) => Some(text),
        }
    }
}

/// A value of an event with its full dotted name, where that is no longer than a rule's.
pub struct Value {
    name: Option<String>,
    /// What it is.
    pub node: Node,
    folded: OnceCell<Option<String>>,
}

impl Value {
    /// The folded text of it: many clauses ask for it.
    pub fn folded(&self) -> Option<&str> {
        self.folded.get_or_init(|| self.node.text().map(fold)).as_deref()
    }
}

/// Every value of an event.
pub struct Tree(pub Vec<Value>);

impl Tree {
    /// The values of a field.
    pub fn values<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |value| value.name.as_deref() == Some(field))
    }
}

/// Read a line; damaged UTF-8 becomes U+FFFD. Names longer than `longest` bytes are left out: a long key would stand
/// before the name of everything below it.
pub fn read(line: &[u8], longest: usize) -> Result<Tree, String> {
    if exceeds(line, MAX_VALUES) {
        return Err(format!("the event has more than {MAX_VALUES} values"));
    }
    let line = String::from_utf8_lossy(line);
    let members = object(&line).map_err(|error| error.to_string())?;
    let mut tree = Tree(Vec::new());
    for (name, value) in members {
        let name = Some(name).filter(|name| name.len() <= longest);
        add(&mut tree, name, longest, value, 1).map_err(|error| error.to_string())?;
    }
    Ok(tree)
}

fn add(
    tree: &mut Tree,
    name: Option<String>,
    longest: usize,
    raw: &RawValue,
    depth: usize,
) -> Result<(), serde_json::Error> {
    let text = raw.get();
    let node = match text.as_bytes()[0] {
        b'{' | b'[' => Node::Container,
        b'"' => Node::Text(string(text)?),
        b't' | b'f' => Node::Bool(text == "true"),
        b'n' => Node::Null,
        _ => Node::Number(text.into()),
    };
    let enter = node == Node::Container && depth < MAX_DEPTH;
    tree.0.push(Value { name: name.clone(), node, folded: OnceCell::new() });
    if enter && text.starts_with('{') {
        for (key, value) in object(text)? {
            let fits = |name: &&str| name.len() + 1 + key.len() <= longest;
            let name = name.as_deref().filter(fits).map(|name| format!("{name}.{key}"));
            add(tree, name, longest, value, depth + 1)?;
        }
    } else if enter {
        for value in serde_json::from_str::<Array>(text)?.0 {
            add(tree, name.clone(), longest, value, depth + 1)?;
        }
    }
    Ok(())
}

fn object(text: &str) -> Result<Vec<(String, &RawValue)>, serde_json::Error> {
    Ok(serde_json::from_str::<Object>(text)?.0.into_iter().map(|(Text(key), value)| (key, value)).collect())
}

fn string(text: &str) -> Result<String, serde_json::Error> {
    serde_json::from_str::<Text>(text).map(|text| text.0)
}

struct Object<'a>(Vec<(Text, &'a RawValue)>);

struct Array<'a>(Vec<&'a RawValue>);

struct Text(String);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Array<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Array<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("a JSON array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Array<'de>, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Array(elements))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

/// Read as bytes, since only so lone surrogates get through (as if they were characters); they become U+FFFD.
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
                let mut out = String::new();
                for chunk in bytes.utf8_chunks() {
                    out.push_str(chunk.valid());
                    // A surrogate is three bytes, each invalid; its first is 0xED.
                    out.extend((chunk.invalid().first() == Some(&0xED)).then_some('\u{FFFD}'));
                }
                Ok(Text(out))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

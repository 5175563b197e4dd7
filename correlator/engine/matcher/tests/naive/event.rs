//! Events as trees, their values by dotted names, and their text.

/// A JSON value. Keys may stand twice, numbers are as written.
#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The values of a field: of every key, or run of keys joined by dots, that makes up its name. An array stands for
    /// each of its elements, and for itself.
    pub fn values(&self, field: &str) -> Vec<&Json> {
        match self {
            Self::Object(members) => members.iter().flat_map(|(key, value)| value.under(key, field)).collect(),
            _ => Vec::new(),
        }
    }

    fn under(&self, name: &str, field: &str) -> Vec<&Json> {
        let mut found = Vec::new();
        if name == field {
            found.push(self);
        }
        match self {
            Self::Array(elements) => found.extend(elements.iter().flat_map(|element| element.under(name, field))),
            Self::Object(members) => {
                for (key, value) in members {
                    found.extend(value.under(&format!("{name}.{key}"), field));
                }
            }
            _ => {}
        }
        found
    }

    /// Every scalar, wherever it stands.
    pub fn scalars(&self) -> Vec<&Json> {
        match self {
            Self::Array(elements) => elements.iter().flat_map(Json::scalars).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, value)| value.scalars()).collect(),
            scalar => vec![scalar],
        }
    }

    /// The text that rules compare.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(text) | Self::Text(text) => Some(text.clone()),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// As JSON. `escape` writes characters of strings as `\u`.
    pub fn write(&self, escape: bool) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) => text.clone(),
            Self::Text(text) => quoted(text, escape),
            Self::Array(elements) => {
                let elements: Vec<_> = elements.iter().map(|element| element.write(escape)).collect();
                format!("[{}]", elements.join(", "))
            }
            Self::Object(members) => {
                let member = |(key, value): &(String, Json)| format!("{}:{}", quoted(key, escape), value.write(escape));
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }
}

fn quoted(text: &str, escape: bool) -> String {
    let character = |character: char| match character {
        '"' => "\\\"".into(),
        '\\' => "\\\\".into(),
        _ if escape || character < ' ' => {
            character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        _ => character.to_string(),
    };
    format!("\"{}\"", text.chars().map(character).collect::<String>())
}

//! Windows events in the flat form that most shippers write, to finished events.

use foldhash::fast::RandomState;
use std::collections::HashSet;

use crate::{
    address::is_address,
    categories::action,
    draft::content_id,
    object::{Member, Value, members},
    stamp,
    tables::{Role, Roles, Tables, Target},
    tree::{Piece, Tree},
};

/// The normaliser of flat Windows records.
#[derive(Debug)]
pub struct Windows {
    tables: Tables,
    roles: Roles,
}

/// What is known of a record besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Name of the source.
    pub provider: &'a str,
    /// What tells the record from others of the source.
    pub identity: &'a [u8],
    /// When it arrived, as it is written; none: when it happened.
    pub created: Option<&'a str>,
}

/// What the fields of a record say of the record as a whole.
struct Facts {
    stamp: String,
    service: String,
    action: String,
    created: String,
    id: String,
    categories: Vec<Vec<u8>>,
}

impl Windows {
    /// A normaliser by tables (JSON). Says what is wrong with them.
    pub fn new(tables: &[u8]) -> Result<Self, String> {
        let tables: Tables = serde_json::from_slice(tables).map_err(|error| error.to_string())?;
        let roles = tables.roles()?;
        Ok(Self { tables, roles })
    }

    /// Append the finished event of a record; none, and nothing, where the long way has to look at it.
    pub fn finish(&self, record: &[u8], arrival: Arrival<'_>, out: &mut Vec<u8>) -> Option<()> {
        let is_text = record.is_ascii() || std::str::from_utf8(record).is_ok();
        if record.len() > self.tables.longest || !is_text {
            return None;
        }
        let mut found = Vec::with_capacity(64);
        members(record, &mut found)?;
        if !are_distinct(&found) {
            return None;
        }
        let (hashes, facts) = (self.hashes(&found)?, self.facts(record, &found, arrival)?);
        let mut tree = Tree::new();
        self.head(&facts, &mut tree);
        self.fields(&found, &hashes, &mut tree)?;
        for (name, value) in [("created", &*facts.created), ("provider", arrival.provider), ("id", &facts.id)] {
            tree.put(["event", name], Piece::Plain(value.as_bytes()));
        }
        tree.put(["event", "original"], Piece::Plain(record));
        tree.write(out);
        Some(())
    }

    fn facts(&self, record: &[u8], found: &[Member<'_>], arrival: Arrival<'_>) -> Option<Facts> {
        let text = |name| value(found, name).and_then(Value::plain);
        let channel = std::str::from_utf8(text("Channel").filter(|name| !name.is_empty() && name.is_ascii())?).ok()?;
        let code = match value(found, "EventID")? {
            Value::Integer(token) => token,
            other => other.plain()?,
        };
        let code = std::str::from_utf8(code).ok()?;
        let kind = match value(found, "EventType") {
            Some(Value::Respelled(_) | Value::List) => return None,
            Some(Value::Text(token)) => &token[1..token.len() - 1],
            _ => b"",
        };
        let service = self.tables.logsources.service(channel);
        let categories = self.tables.logsources.categories(&service, code, kind);
        let stamp = self.time(found)?;
        Some(Facts {
            action: action(categories, &service, code),
            created: arrival.created.map_or_else(|| stamp::rewrite(&stamp), str::to_owned),
            id: content_id(arrival.provider.as_bytes(), arrival.identity, record),
            categories: categories.iter().map(|name| name.clone().into_bytes()).collect(),
            service,
            stamp,
        })
    }

    /// The first name that tells a time decides, if it does so in the common spelling.
    fn time(&self, found: &[Member<'_>]) -> Option<String> {
        for name in &self.tables.times {
            match value(found, name) {
                Some(Value::Respelled(_)) => return None,
                Some(Value::Text(token)) => {
                    let text = &token[1..token.len() - 1];
                    if text.iter().take(2).any(|byte| byte.is_ascii_digit() || !byte.is_ascii()) {
                        return stamp::read(text);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn head<'a>(&'a self, facts: &'a Facts, tree: &mut Tree<'a>) {
        let plain = |text: &'a str| Piece::Plain(text.as_bytes());
        tree.put(["@timestamp"], plain(&facts.stamp));
        tree.put(["event", "action"], plain(&facts.action));
        tree.put(["logsource", "product"], plain("windows"));
        tree.put(["logsource", "service"], plain(&facts.service));
        if let Some(first) = facts.categories.first() {
            let node = tree.put(["logsource", "category"], Piece::Plain(first));
            if facts.categories.len() > 1 {
                tree.set_all(node, facts.categories.iter().map(|name| Piece::Plain(name)).collect());
            }
        }
        tree.put(["city", "domain"], plain(&self.tables.domain));
    }

    /// Every field under its path, first the hashes, last what has another name in the record.
    fn fields<'a>(&'a self, found: &[Member<'a>], hashes: &[Hash<'a>], tree: &mut Tree<'a>) -> Option<()> {
        let mut places = vec![None; self.roles.paths];
        for (name, text) in hashes {
            self.field(name, Piece::Plain(text), tree, &mut places)?;
        }
        for (name, value) in found {
            let name = std::str::from_utf8(name).ok()?;
            match piece(*value) {
                Some(piece) => self.field(name, piece, tree, &mut places)?,
                None if *value == Value::List && !matches!(self.roles.by_name.get(name), Some(Role::Transport)) => {
                    return None;
                }
                None => {}
            }
        }
        for (name, other) in &self.tables.aliases {
            if let (None, Some(piece)) = (value(found, name), value(found, other).and_then(piece)) {
                self.field(name, piece, tree, &mut places)?;
            }
        }
        Some(())
    }

    fn field<'a>(
        &'a self,
        name: &'a str,
        value: Piece<'a>,
        tree: &mut Tree<'a>,
        places: &mut [Option<usize>],
    ) -> Option<()> {
        match self.roles.by_name.get(name) {
            Some(Role::Transport) => {}
            Some(Role::Mapped(target)) if self.fits(target, value)? => {
                let value = if target.is_code { as_text(value)? } else { value };
                match places[target.number] {
                    Some(place) => tree.add(place, value)?,
                    None => places[target.number] = Some(tree.put(segments(&target.segments), value)),
                }
            }
            None if name.contains('.') => return None,
            _ => {
                let container = tree.container(segments(&self.roles.prefix));
                tree.push(container, name, value);
            }
        }
        Some(())
    }

    /// Whether a value names something where it identifies.
    fn fits(&self, target: &Target, value: Piece<'_>) -> Option<bool> {
        if !target.is_address && !target.identifies {
            return Some(true);
        }
        let text = match value {
            Piece::Respelled(_) => return None,
            Piece::Plain(text) => text,
            Piece::Token([b'"', text @ .., b'"']) => text,
            Piece::Token(_) => return Some(!target.is_address),
        };
        if target.is_address { is_address(text) } else { Some(!self.tables.is_nobody(text)) }
    }

    /// The parts of `Hashes`, where they are plain and nothing else has their names.
    fn hashes<'a>(&'a self, found: &[Member<'a>]) -> Option<Vec<Hash<'a>>> {
        let text = match value(found, "Hashes") {
            Some(Value::Respelled(_)) => return None,
            Some(text @ Value::Text(_)) => text.plain().filter(|text| text.is_ascii())?,
            _ => return Some(Vec::new()),
        };
        let mut hashes: Vec<Hash<'a>> = Vec::new();
        for part in text[..text.len().min(MOST_HASHES)].split(|byte| *byte == b',') {
            let at = part.iter().position(|byte| *byte == b'=');
            let name = part[..at.unwrap_or(part.len())].trim_ascii().to_ascii_uppercase();
            let Some(name) = self.tables.hashes.get(std::str::from_utf8(&name).ok()?) else { continue };
            if value(found, name).is_some() || hashes.iter().any(|(known, _)| known == name) {
                return None;
            }
            hashes.push((name, at.map_or(b"", |at| &part[at + 1..])));
        }
        Some(hashes)
    }
}

/// The field of a hash, and the hash.
type Hash<'a> = (&'a str, &'a [u8]);

/// So much of `Hashes` is read (characters), as in Python.
const MOST_HASHES: usize = 1024;

fn value<'a>(found: &[Member<'a>], name: &str) -> Option<Value<'a>> {
    found.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| *value)
}

fn segments(path: &[String]) -> impl Iterator<Item = &str> {
    path.iter().map(String::as_str)
}

fn piece(value: Value<'_>) -> Option<Piece<'_>> {
    match value {
        Value::Text(token) | Value::Integer(token) | Value::Bool(token) => Some(Piece::Token(token)),
        Value::Respelled(inside) => Some(Piece::Respelled(inside)),
        Value::Null | Value::List => None,
    }
}

/// An integer as text, which a text is already.
fn as_text(value: Piece<'_>) -> Option<Piece<'_>> {
    match value {
        Piece::Token([b't' | b'f', ..]) => None,
        Piece::Token(token) if token[0] != b'"' => Some(Piece::Plain(token)),
        _ => Some(value),
    }
}

fn are_distinct(found: &[Member<'_>]) -> bool {
    let mut names = HashSet::with_capacity_and_hasher(found.len(), RandomState::default());
    found.iter().all(|(name, _)| names.insert(*name))
}

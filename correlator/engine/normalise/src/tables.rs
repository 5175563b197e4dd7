//! What the normaliser in Python knows of Windows records, so that both go by one list.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use serde::Deserialize;

use crate::categories::LogSources;

/// Paths that every event has, whatever its record says.
const OWN: [&str; 10] = [
    "@timestamp",
    "event.action",
    "event.created",
    "event.provider",
    "event.id",
    "event.original",
    "logsource.product",
    "logsource.service",
    "logsource.category",
    "city.domain",
];

/// The lists, as JSON.
#[derive(Debug, Deserialize)]
pub struct Tables {
    /// Name of a Windows field → its path.
    fields: HashMap<String, String, RandomState>,
    /// In front of every other name.
    prefix: String,
    /// Names that tell of the way here, and not of what happened.
    transport: HashSet<String, RandomState>,
    /// Paths whose values identify: those of nobody stay under their Windows names.
    identifying: HashSet<String, RandomState>,
    /// Values that identify nobody.
    nobody: Vec<String>,
    /// Names in which a record may tell its time, the best first.
    pub(crate) times: Vec<String>,
    /// Another name of a record for a field, if the field is not there: (field, other name).
    pub(crate) aliases: Vec<(String, String)>,
    /// Name of a hash in `Hashes` → name of its field.
    pub(crate) hashes: HashMap<String, String, RandomState>,
    pub(crate) logsources: LogSources,
    /// Value of `city.domain`.
    pub(crate) domain: String,
    /// Longest raw record that is kept whole.
    pub(crate) longest: usize,
}

/// Where a field of a record goes.
#[derive(Debug)]
pub struct Target {
    pub segments: Vec<String>,
    pub is_address: bool,
    pub identifies: bool,
    pub is_code: bool,
    /// Counts the paths.
    pub number: usize,
}

/// The role of a name in a record.
#[derive(Debug)]
pub enum Role {
    /// It has a path of its own.
    Mapped(Target),
    /// It is passed over.
    Transport,
}

/// The tables, ready for use.
#[derive(Debug)]
pub struct Roles {
    pub by_name: HashMap<String, Role, RandomState>,
    /// Segments of the prefix.
    pub prefix: Vec<String>,
    /// Number of paths.
    pub paths: usize,
}

impl Tables {
    /// Whether a value (its token) identifies nobody.
    pub(crate) fn is_nobody(&self, text: &[u8]) -> bool {
        self.nobody.iter().any(|nobody| nobody.as_bytes() == text)
    }

    /// Sort names by their roles. Says what is wrong where a path goes through another or takes the place of our own.
    pub(crate) fn roles(&self) -> Result<Roles, String> {
        let prefix = self.prefix.strip_suffix('.').ok_or("the prefix of other names does not end with a dot")?;
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for path in self.fields.values() {
            let next = numbers.len();
            numbers.entry(path).or_insert(next);
        }
        if self.fields.keys().any(|name| name.contains('.')) {
            return Err("the name of a Windows field has no dot".to_owned());
        }
        disjoint(numbers.keys().copied().chain(OWN).chain([prefix]).collect())?;
        let mapped = self
            .fields
            .iter()
            .map(|(name, path)| (name.clone(), Role::Mapped(self.target(path, numbers[path.as_str()]))));
        let mut by_name: HashMap<String, Role, RandomState> = mapped.collect();
        by_name.extend(self.transport.iter().map(|name| (name.clone(), Role::Transport)));
        Ok(Roles { by_name, prefix: split(prefix), paths: numbers.len() })
    }

    fn target(&self, path: &str, number: usize) -> Target {
        Target {
            segments: split(path),
            is_address: path.ends_with(".ip"),
            identifies: self.identifying.contains(path),
            is_code: path == "event.code",
            number,
        }
    }
}

fn split(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

fn disjoint(mut paths: Vec<&str>) -> Result<(), String> {
    paths.sort_unstable();
    for (at, path) in paths.iter().enumerate() {
        let inner = format!("{path}.");
        if paths[at + 1..].iter().any(|other| other == path || other.starts_with(&inner)) {
            return Err(format!("two fields meet at {path}"));
        }
    }
    Ok(())
}

//! What a Windows event counts as: service by channel, categories and action by event id.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde::Deserialize;

/// The categories of an event id in a service.
#[derive(Debug, Default, Deserialize)]
pub struct Categories {
    /// Where the type of the event says that something was deleted.
    pub deleted: Vec<String>,
    /// Else.
    pub otherwise: Vec<String>,
}

/// Services and categories.
#[derive(Debug, Deserialize)]
pub struct LogSources {
    services: HashMap<String, String, RandomState>,
    categories: HashMap<String, HashMap<String, Categories, RandomState>, RandomState>,
}

impl LogSources {
    /// The service of a channel of plain ASCII.
    pub fn service(&self, channel: &str) -> String {
        let name = channel.to_ascii_lowercase();
        self.services.get(&name).cloned().unwrap_or(name)
    }

    /// The categories of an event; `kind` is what it says of its own type.
    pub fn categories(&self, service: &str, code: &str, kind: &[u8]) -> &[String] {
        let Some(found) = self.categories.get(service).and_then(|codes| codes.get(code)) else { return &[] };
        let deleted = kind.get(..6).is_some_and(|head| head.eq_ignore_ascii_case(b"delete"));
        if deleted { &found.deleted } else { &found.otherwise }
    }
}

/// What happened, in a word.
pub fn action(categories: &[String], service: &str, code: &str) -> String {
    match categories.first() {
        Some(category) => category.strip_suffix("_event").unwrap_or(category).replace('_', "-"),
        None => format!("{service}-{code}").replace('_', "-"),
    }
}

//! Where in the log correlations began, so that nothing enters them that was taken in before: what is evaluated anew
//! after a reload would else be seen by windows that were not there when it came.

use std::collections::HashMap;
use std::sync::Arc;

use crate::evaluate::standing;
use crate::key::{Context, Key};

/// A place in the log: the number of a block.
pub type Block = u64;

/// Where correlations began, and where what was taken in before the last of them came.
#[derive(Debug, Default)]
pub(crate) struct Beginnings {
    began: Vec<Block>,
    /// By the id of an event, or of an alert as it was last told of. What is not here came after all beginnings.
    earlier: HashMap<Arc<str>, Block>,
}

impl Beginnings {
    pub fn set_began(&mut self, began: Vec<Block>) {
        self.began = began;
    }

    pub fn set_earlier(&mut self, earlier: impl IntoIterator<Item = (Arc<str>, Block)>) {
        self.earlier = earlier.into_iter().collect();
    }

    pub fn note_earlier(&mut self, earlier: impl IntoIterator<Item = (Arc<str>, Block)>) {
        self.earlier.extend(earlier);
    }

    /// Notes where an alert came that is about to be told of; `None` after all beginnings.
    pub fn note_alert(&mut self, id: &Arc<str>, block: Option<Block>) {
        match block {
            Some(block) => drop(self.earlier.insert(id.clone(), block)),
            None if self.earlier.is_empty() => {}
            None => drop(self.earlier.remove(id)),
        }
    }

    /// Whether a correlation was there when something came.
    pub fn admits(&self, correlation: usize, id: &str) -> bool {
        let block = if self.earlier.is_empty() { None } else { self.earlier.get(id) };
        block.is_none_or(|block| self.began.get(correlation).is_none_or(|began| block >= began))
    }

    /// Where a firing came: with the last of its members. `None` after all beginnings.
    pub fn of_firing(&self, key: &Key, context: Context<'_>, index: usize) -> Option<Block> {
        let own = *self.earlier.get(&key.entries[index].id)?;
        let Some(finding) = standing(key, context, index) else { return Some(own) };
        let members = finding.members.iter().map(|i| self.earlier.get(&key.entries[*i].id).copied());
        members.reduce(|a, b| Some(a?.max(b?))).unwrap_or(Some(own))
    }
}

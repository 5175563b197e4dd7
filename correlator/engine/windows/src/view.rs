//! How items stand to those of one place, where times do not matter.

use std::sync::Arc;

use crate::entry::Entry;
use crate::evaluate::relation;
use crate::item::{Certainty, Whereabouts};
use crate::key::Context;

/// How items stand to those of one place.
#[derive(Debug)]
pub(crate) struct View {
    place: Option<Arc<Whereabouts>>,
    /// The place that was looked at last, and what it came to: the next item is mostly there, too.
    last: Option<(Option<Arc<Whereabouts>>, Option<Certainty>)>,
}

impl View {
    pub fn of(place: Option<Arc<Whereabouts>>) -> Self {
        Self { place, last: None }
    }

    pub fn is_of(&self, place: Option<&Arc<Whereabouts>>) -> bool {
        is_same(self.place.as_ref(), place)
    }

    /// How an item that matched one of some rules stands to them.
    pub fn relate(&mut self, context: Context<'_>, entry: &Entry, rules: u64) -> Option<Certainty> {
        if entry.rules & rules == 0 {
            return None;
        }
        if context.correlation.place.is_none() {
            return Some(Certainty::Certain);
        }
        let there = entry.whereabouts.as_ref();
        match &self.last {
            Some((place, known)) if is_same(place.as_ref(), there) => *known,
            _ => {
                let known = relation(context, (0, self.place.as_deref()), (0, there.map(|there| &**there)));
                self.last.insert((there.cloned(), known)).1
            }
        }
    }
}

/// Whether two items were at the same place.
pub(crate) fn is_same(a: Option<&Arc<Whereabouts>>, b: Option<&Arc<Whereabouts>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
        (a, b) => a.is_none() && b.is_none(),
    }
}

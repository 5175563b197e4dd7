//! The members of an alert as a list that grows at its end and is shared by all the firings that showed a part of it.

use std::sync::Arc;

/// Ids of members, by event time then id. Cloning one is cheap, whatever its length.
#[derive(Debug, Clone, Default)]
pub struct Members {
    newest: Option<Arc<Batch>>,
    count: usize,
}

#[derive(Debug)]
struct Batch {
    before: Option<Arc<Batch>>,
    ids: Vec<Arc<str>>,
}

impl Members {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none: the alert is gone.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All of them in a row.
    pub fn to_vec(&self) -> Vec<Arc<str>> {
        let batches: Vec<&Batch> = std::iter::successors(self.newest.as_deref(), |b| b.before.as_deref()).collect();
        let mut ids = Vec::with_capacity(self.count);
        batches.iter().rev().for_each(|batch| ids.extend_from_slice(&batch.ids));
        ids
    }

    /// The earliest.
    pub(crate) fn first(&self) -> Option<Arc<str>> {
        let mut batches = std::iter::successors(self.newest.as_deref(), |b| b.before.as_deref());
        batches.by_ref().last()?.ids.first().cloned()
    }

    /// Appends ids; lists that were cloned before stay as they are.
    pub(crate) fn extend(&mut self, ids: &[Arc<str>]) {
        self.count += ids.len();
        match self.newest.as_mut().and_then(Arc::get_mut) {
            Some(own) => own.ids.extend_from_slice(ids),
            None => self.newest = Some(Arc::new(Batch { before: self.newest.take(), ids: ids.to_vec() })),
        }
    }
}

impl From<Vec<Arc<str>>> for Members {
    fn from(ids: Vec<Arc<str>>) -> Self {
        Self { count: ids.len(), newest: Some(Arc::new(Batch { before: None, ids })) }
    }
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.to_vec() == other.to_vec()
    }
}

/// Link by link: a list may be too long to drop by recursion.
impl Drop for Batch {
    fn drop(&mut self) {
        let mut before = self.before.take();
        while let Some(mut batch) = before.and_then(Arc::into_inner) {
            before = batch.before.take();
        }
    }
}

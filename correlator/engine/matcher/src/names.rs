//! The names of the fields that rules read, as a tree: which slot a key leads to.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::form::Field;

/// Number of a field that some rule reads.
pub type Slot = u32;

/// A place in the tree: the names that start with the keys met so far.
pub type Node = u32;

/// The root of the tree.
pub const ROOT: Node = 0;

const NO_SLOT: Slot = Slot::MAX;

/// All the names. `a.b.c` is met as nested objects, as one dotted key, and as any mixture: each node has an edge for
/// every run of segments that leads on to a name. Keys of events are only looked up, never added.
#[derive(Debug)]
pub struct Names {
    edges: Vec<HashMap<Box<[u8]>, Node, FixedState>>,
    slots: Vec<Slot>,
    fields: HashMap<Field, Slot>,
}

impl Names {
    /// The tree of no names.
    pub fn new() -> Self {
        Self { edges: vec![HashMap::default()], slots: vec![NO_SLOT], fields: HashMap::new() }
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// The slot of a field, if it has one.
    pub fn find(&self, field: &Field) -> Option<Slot> {
        self.fields.get(field).copied()
    }

    /// The slot of a field, made when it is new.
    pub fn intern(&mut self, field: &Field) -> Slot {
        if let Some(slot) = self.fields.get(field) {
            return *slot;
        }
        let slot = self.fields.len() as Slot;
        self.fields.insert(field.clone(), slot);
        let node = self.grow(&field.0);
        self.slots[node as usize] = slot;
        slot
    }

    /// Where a key leads from a node.
    #[inline]
    pub fn child(&self, node: Node, key: &[u8]) -> Option<Node> {
        self.edges[node as usize].get(key).copied()
    }

    /// The slot that is filled at a node.
    #[inline]
    pub fn slot(&self, node: Node) -> Option<Slot> {
        Some(self.slots[node as usize]).filter(|slot| *slot != NO_SLOT)
    }

    /// Whether some name goes on from a node.
    #[inline]
    pub fn goes_on(&self, node: Node) -> bool {
        !self.edges[node as usize].is_empty()
    }

    /// Add a name: a node for each of its prefixes, an edge between each two of them.
    fn grow(&mut self, name: &str) -> Node {
        let segments: Vec<&str> = name.split('.').collect();
        let mut path = vec![ROOT];
        for end in 1..=segments.len() {
            let node = self.child(path[end - 1], segments[end - 1].as_bytes()).unwrap_or_else(|| self.add());
            for start in 0..end {
                let key = segments[start..end].join(".").into_bytes().into();
                self.edges[path[start] as usize].insert(key, node);
            }
            path.push(node);
        }
        path[segments.len()]
    }

    fn add(&mut self) -> Node {
        self.edges.push(HashMap::default());
        self.slots.push(NO_SLOT);
        (self.edges.len() - 1) as Node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_met_by_any_mixture_of_dots_and_nesting() {
        let mut names = Names::new();
        let slots: Vec<Slot> =
            ["a.b.c", "a.b", "a..b"].iter().map(|name| names.intern(&Field((*name).into()))).collect();
        let met = |keys: &[&str]| {
            let node = keys.iter().try_fold(ROOT, |node, key| names.child(node, key.as_bytes()));
            node.and_then(|node| names.slot(node))
        };
        for keys in [&["a.b.c"][..], &["a", "b", "c"], &["a.b", "c"], &["a", "b.c"]] {
            assert_eq!(met(keys), Some(slots[0]), "{keys:?}");
        }
        assert_eq!(met(&["a", "b"]), Some(slots[1]));
        assert_eq!(met(&["a", "", "b"]), Some(slots[2]));
        assert_eq!(met(&["a"]), None);
        assert_eq!(met(&["b"]), None);
    }
}

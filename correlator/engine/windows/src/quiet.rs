//! A key at rest: so few items that no window of them can fire, packed into one run of bytes.
//!
//! Most keys of a counting rule never come near its threshold, and there may be millions of them. The bytes are the
//! name of the key with its length, then the items in the order in which they came, each as the snapshot writes it.

use crate::codec::{Reader, Writer};
use crate::compile::Correlation;
use crate::entry::Entry;
use crate::snapshot::{Glimpse, glimpse, read_items, write_item};

/// Larger records are unpacked: an item is added by walking over those before it.
const MAX_BYTES: usize = 2048;

/// A key at rest, on its way into memory.
#[derive(Debug)]
pub(crate) struct Quiet(Vec<u8>);

impl Quiet {
    /// A key with items as `items` gives them.
    pub fn with_items(name: &[u8], items: &[u8]) -> Self {
        let mut out = Writer::with_capacity(name.len() + items.len() + 2);
        out.number(name.len() as u64);
        out.fixed(name);
        out.fixed(items);
        Self(out.into_bytes())
    }

    /// A key with the items of one that was live; `None` if they are too large for one at rest.
    pub fn of<'a>(name: &[u8], entries: impl Iterator<Item = &'a Entry>) -> Option<Self> {
        let items = pack(entries);
        (name.len() + items.len() < MAX_BYTES).then(|| Self::with_items(name, &items))
    }

    /// The same key where it lies.
    pub fn packed(&self) -> Packed<'_> {
        Packed(&self.0)
    }
}

/// A key at rest where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a>(pub &'a [u8]);

impl<'a> Packed<'a> {
    /// Reads both ends of the bytes, which brings them near.
    pub fn glance(self) -> u8 {
        self.0.first().unwrap_or(&0) ^ self.0.last().unwrap_or(&0)
    }

    pub fn name(self) -> &'a [u8] {
        Reader::plain(self.0).slice().unwrap_or_default()
    }

    /// The bytes of the items.
    pub fn items(self) -> &'a [u8] {
        let mut input = Reader::plain(self.0);
        input.slice().map_or(&[], |_| input.rest())
    }

    /// The items, in the order in which they came.
    pub fn entries(self) -> Vec<Entry> {
        read_items(&mut Reader::plain(self.items())).unwrap_or_default()
    }

    /// Event time of the oldest item.
    pub fn oldest(self) -> Option<i64> {
        glimpses(self.items()).map(|g| g.time).min()
    }

    /// Writes the bytes by which an item is taken in, unless a window might fire then, or the item is already there.
    pub fn admit(self, correlation: &Correlation, entry: &Entry, out: &mut Writer) -> bool {
        let (mut weight, mut last) = (correlation.weigh(entry.rules, entry.values.len()), 0);
        for known in glimpses(self.items()) {
            if known.time == entry.time && known.id == entry.id.as_bytes() {
                return false;
            }
            // Every window that sees the item lies within one timespan around it.
            if known.time.abs_diff(entry.time) <= correlation.timespan.unsigned_abs() {
                weight = weight.saturating_add(correlation.weigh(known.rules, known.values));
            }
            last = known.time;
        }
        if entry.explained || weight >= correlation.floor {
            return false;
        }
        out.truncate(0);
        write_item(out, last, entry);
        self.0.len() + out.bytes().len() <= MAX_BYTES
    }

    /// The key with only the items for which `keep` holds, if any goes.
    pub fn without(self, keep: impl Fn(&Entry) -> bool) -> Option<Quiet> {
        let entries = self.entries();
        let kept: Vec<&Entry> = entries.iter().filter(|e| keep(e)).collect();
        (kept.len() < entries.len()).then(|| Quiet::with_items(self.name(), &pack(kept.into_iter())))
    }
}

/// The bytes of items.
pub(crate) fn pack<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u8> {
    let (mut out, mut before) = (Writer::default(), 0);
    for entry in entries {
        write_item(&mut out, before, entry);
        before = entry.time;
    }
    out.into_bytes()
}

/// Whether bytes are items that a quiet key may hold.
pub(crate) fn is_sound(items: &[u8]) -> bool {
    let mut input = Reader::plain(items);
    let sound = read_items(&mut input).is_some_and(|entries| entries.iter().all(Entry::is_quiet));
    sound && items.len() <= MAX_BYTES
}

fn glimpses(items: &[u8]) -> impl Iterator<Item = Glimpse<'_>> {
    let (mut input, mut before) = (Reader::plain(items), 0);
    std::iter::from_fn(move || {
        let known = glimpse(&mut input, before)?;
        before = known.time;
        Some(known)
    })
}

//! One event as predicates see it: the values of fields, and every field's text.

use std::ops::Range;

use crate::{
    json::Malformed,
    names::{Names, Slot},
    runs::Runs,
    shapes::Shapes,
    slots::{Kind, Slots, ValueId},
    walk,
};

/// The event being matched. It is kept from line to line for its memory.
#[derive(Default)]
pub struct Event {
    slots: Slots,
    shapes: Shapes,
    /// Ids of every scalar of the event, once a keyword has asked for them.
    scalars: Option<(ValueId, ValueId)>,
}

/// What a predicate asks one value.
pub struct Met<'a> {
    pub kind: Kind,
    event: &'a mut Slots,
    line: &'a [u8],
    id: ValueId,
    plain: bool,
}

impl Met<'_> {
    /// The value's text in canonical form, but for the case of ASCII letters, if it has one.
    #[inline]
    pub fn canonical(&mut self) -> Option<&[u8]> {
        self.event.canonical(self.line, self.id, self.plain)
    }

    /// The same for looking for so many literals in it, with its runs where that is worth it.
    #[inline]
    pub fn searched(&mut self, literals: usize) -> Option<(&[u8], Option<&Runs>)> {
        self.event.searched(self.line, self.id, self.plain, literals)
    }

    /// Whether the value is plain.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// The value's text, if it has one.
    pub fn text(&mut self) -> Option<&[u8]> {
        self.event.text(self.line, self.id)
    }

    /// The value's text, folded unless `cased`.
    pub fn comparable(&mut self, cased: bool) -> Option<&[u8]> {
        if cased { self.event.text(self.line, self.id) } else { self.event.folded(self.line, self.id) }
    }
}

impl Event {
    /// Read a line.
    pub fn read(&mut self, line: &[u8], names: &Names) -> Result<(), Malformed> {
        self.slots.clear(names.len());
        self.scalars = None;
        self.shapes.fill(line, names, &mut self.slots)
    }

    /// All that is not plain lies in this part of the line, which may reach beyond its end.
    pub fn strange(&self) -> Range<usize> {
        self.shapes.quotes().strange()
    }

    #[inline]
    fn met<'a>(&'a mut self, line: &'a [u8], id: ValueId) -> Met<'a> {
        let quotes = self.shapes.quotes();
        let plain = quotes.is_plain() || quotes.are_plain(self.slots.span(id));
        Met { kind: self.slots.kind(id), event: &mut self.slots, line, id, plain }
    }

    /// Whether a field is present.
    #[inline]
    pub fn has(&self, slot: Slot) -> bool {
        self.slots.first(slot).is_some()
    }

    /// Whether `holds` for some value of a field.
    #[inline]
    pub fn any(&mut self, line: &[u8], slot: Slot, mut holds: impl FnMut(Met) -> bool) -> bool {
        let mut at = self.slots.first(slot);
        while let Some(id) = at {
            if holds(self.met(line, id)) {
                return true;
            }
            at = self.slots.next(id);
        }
        false
    }

    /// Whether `holds` for some scalar of the event, whatever its field.
    pub fn any_scalar(&mut self, line: &[u8], mut holds: impl FnMut(Met) -> bool) -> bool {
        let (first, end) = self.scalars(line);
        (first..end).any(|id| holds(self.met(line, id)))
    }

    fn scalars(&mut self, line: &[u8]) -> (ValueId, ValueId) {
        *self.scalars.get_or_insert_with(|| {
            let first = self.slots.len();
            // A damaged value that the first walk passed over ends the list: what was sound before it counts.
            let _ = walk::every_scalar(line, &mut |token| {
                self.slots.add(token);
            });
            (first, self.slots.len())
        })
    }
}

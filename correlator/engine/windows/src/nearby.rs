//! The items of a key by where they were, so that a place relation looks at those that may stand in it.
//!
//! Cells hold the indices of items, ascending. What changes in the sequence is cut off from the index first and put in
//! again behind it, so that the index costs no more than the change itself.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use crate::entry::Entry;
use crate::globe::{Grid, Level, MOST_METRES};
use crate::item::Spot;
use crate::place::{Place, ZoneRelation};

/// What a place relation asks of two items, as far as an index can tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub same_zone: bool,
    /// They are at most so far apart, less their radii.
    pub metres: Option<f64>,
}

impl Bounds {
    /// `None` if items may stand in the relation wherever they are.
    pub fn of(place: &Place) -> Option<Self> {
        let same_zone = place.zone == Some(ZoneRelation::Same);
        let most = place.distance.as_ref().and_then(|distance| distance.most());
        let metres = most.map(|metres| metres.max(0.0)).filter(|metres| *metres <= MOST_METRES);
        (same_zone || metres.is_some()).then_some(Self { same_zone, metres })
    }
}

/// A zone, by the number that it has here, and a place in the grid of a level.
type Cell = (u32, i32, i32);
type Cells = HashMap<Cell, Vec<u32>>;

/// Where the index has an item.
enum Address {
    /// It stands in relation to no other.
    Nowhere,
    /// Its location is so uncertain, or makes so little sense, that it is always looked at.
    Anywhere,
    At(Level, Cell),
}

/// Which items may stand in relation to one: some that the index knows, then all of those behind them.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    near: Vec<usize>,
    rest: Range<usize>,
}

impl Candidates {
    /// Everything in a range.
    pub fn all(range: Range<usize>) -> Self {
        Self { near: Vec::new(), rest: range }
    }

    pub fn len(&self) -> usize {
        self.near.len() + self.rest.len()
    }

    /// Ascending, with their indices.
    pub fn iter<'a>(
        &'a self,
        entries: &'a VecDeque<Entry>,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Entry)> + 'a {
        let near = self.near.iter().map(|index| (*index, &entries[*index]));
        near.chain(self.rest.clone().zip(entries.range(self.rest.clone())))
    }
}

/// The index over the first items of a sequence.
#[derive(Debug, Default)]
pub(crate) struct Nearby {
    /// So many items are in.
    covered: usize,
    zones: HashMap<Arc<str>, u32>,
    levels: BTreeMap<Level, Cells>,
    anywhere: Vec<u32>,
}

impl Nearby {
    /// Takes in the items that came since, if it is of any use for the relation.
    pub fn cover(&mut self, place: Option<&Place>, entries: &VecDeque<Entry>) {
        let Some(bounds) = place.and_then(Bounds::of) else { return };
        let Ok(all) = u32::try_from(entries.len()) else { return };
        for (index, entry) in (self.covered as u32..all).zip(entries.range(self.covered.min(entries.len())..)) {
            match self.address(bounds, entry) {
                Address::Nowhere => {}
                Address::Anywhere => self.anywhere.push(index),
                Address::At(level, cell) => {
                    self.levels.entry(level).or_default().entry(cell).or_default().push(index);
                }
            }
        }
        self.covered = self.covered.max(entries.len());
    }

    /// Forgets the items from an index on; before any of them changes, or another comes to stand there.
    pub fn cut(&mut self, place: Option<&Place>, entries: &VecDeque<Entry>, from: usize) {
        let Some(bounds) = place.and_then(Bounds::of).filter(|_| from < self.covered) else { return };
        for entry in entries.range(from..self.covered) {
            match self.address(bounds, entry) {
                Address::Nowhere => {}
                Address::Anywhere => drop(self.anywhere.pop()),
                Address::At(level, cell) => self.leave(level, cell),
            }
        }
        self.covered = from;
    }

    /// Takes the last item out of a cell.
    fn leave(&mut self, level: Level, cell: Cell) {
        let Some(cells) = self.levels.get_mut(&level) else { return };
        if let Some(items) = cells.get_mut(&cell) {
            items.pop();
            if items.is_empty() {
                cells.remove(&cell);
            }
        }
        if cells.is_empty() {
            self.levels.remove(&level);
        }
    }

    fn address(&mut self, bounds: Bounds, entry: &Entry) -> Address {
        let Some(place) = entry.whereabouts.as_deref() else { return Address::Nowhere };
        let zone = match (bounds.same_zone, &place.zone) {
            (false, _) => 0,
            (true, None) => return Address::Nowhere,
            (true, Some(zone)) => self.number(zone),
        };
        let Some(metres) = bounds.metres else { return Address::At(Level::default(), (zone, 0, 0)) };
        let Some(spot) = place.spot else { return Address::Nowhere };
        match Grid::level_of(metres, spot) {
            None => Address::Anywhere,
            Some(level) => {
                let (row, column) = Grid::of(metres, level).cell(spot);
                Address::At(level, (zone, row, column))
            }
        }
    }

    fn number(&mut self, zone: &Arc<str>) -> u32 {
        let next = self.zones.len() as u32;
        *self.zones.entry(zone.clone()).or_insert(next)
    }

    /// The items of a range that may stand in the relation to one of them, with that one.
    pub fn candidates(&self, place: &Place, entries: &VecDeque<Entry>, of: usize, range: Range<usize>) -> Candidates {
        let Some(bounds) = Bounds::of(place) else { return Candidates::all(range) };
        let known = range.start.min(self.covered)..range.end.min(self.covered);
        let Some(mut near) = self.near(bounds, &entries[of], &known) else { return Candidates::all(range) };
        near.extend(known.contains(&of).then_some(of));
        near.sort_unstable();
        near.dedup();
        Candidates { near, rest: known.end.max(range.start)..range.end }
    }

    /// In no order, some of them perhaps twice; `None` if it may be any.
    fn near(&self, bounds: Bounds, entry: &Entry, range: &Range<usize>) -> Option<Vec<usize>> {
        let Some(place) = entry.whereabouts.as_deref() else { return Some(Vec::new()) };
        let zone = match (bounds.same_zone, &place.zone) {
            (false, _) => 0,
            (true, zone) => match zone.as_ref().and_then(|zone| self.zones.get(zone)) {
                Some(zone) => *zone,
                None => return Some(Vec::new()),
            },
        };
        let mut near = Vec::new();
        let mut take = |items: &Vec<u32>| {
            let before = |end: usize| items.partition_point(|index| (*index as usize) < end);
            near.extend(items[before(range.start)..before(range.end)].iter().map(|index| *index as usize));
        };
        match (bounds.metres, place.spot) {
            (Some(_), None) => return Some(near),
            (None, _) => self.levels.values().filter_map(|cells| cells.get(&(zone, 0, 0))).for_each(take),
            (Some(metres), Some(spot)) => {
                Grid::level_of(metres, spot)?;
                take(&self.anywhere);
                self.levels
                    .iter()
                    .for_each(|(level, cells)| around(Grid::of(metres, *level), zone, spot, cells, &mut take));
            }
        }
        Some(near)
    }
}

/// Takes the cells that lie within reach of a spot, or all where these are no more.
fn around(grid: Grid, zone: u32, spot: Spot, cells: &Cells, take: &mut impl FnMut(&Vec<u32>)) {
    let Some(stretches) = grid.around(spot, cells.len()) else {
        return cells.values().for_each(take);
    };
    for (row, columns) in stretches {
        columns.filter_map(|column| cells.get(&(zone, row, column))).for_each(&mut *take);
    }
}

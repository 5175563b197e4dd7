//! Which items of a window stand in the order that `temporal_ordered` asks for.
//!
//! A *chain* is a choice of items of different rules in the order of the list, with times that do not fall; equal
//! times fit either order, and an event that several rules match may stand for each. Only chains that contain the
//! newest item count, so an order completed earlier does not fire again.

use crate::entry::Entry;
use crate::measure::positions;

/// The longest chain through the newest item.
pub(crate) struct Chain {
    pub length: usize,
    /// Indices into the window of the items on some longest chain.
    pub members: Vec<usize>,
}

/// Finds the longest chains through `newest` (an index into `window`, which is sorted by time and ends with the
/// items of the newest one's time). Only the rules of `wanted` count.
pub(crate) fn longest_chain(window: &[&Entry], newest: usize, wanted: u64) -> Chain {
    let before = lengths_before(window, wanted);
    let (length, starts) = through_newest(window, newest, wanted, &before);
    let mut members = members_before(window, newest, wanted, &before, length, starts);
    let after = members_after(window, newest, wanted, starts);
    members.extend(after);
    members.sort_unstable();
    members.dedup();
    Chain { length, members }
}

/// No chain through an item of these rules is longer: before it come the rules that the list has before, and behind it
/// only those of its own time.
pub(crate) fn longest_possible(rules: u64, at_once: u64, wanted: u64) -> u32 {
    let through = |p: usize| 1 + (wanted & !(u64::MAX << p)).count_ones() + above(at_once & wanted, p).count_ones();
    positions(rules & wanted).map(through).max().unwrap_or(0)
}

/// For each item and rule position, the longest chain that ends with it (0: it does not match the rule).
type Lengths = Vec<[u8; 64]>;

fn lengths_before(window: &[&Entry], wanted: u64) -> Lengths {
    let mut best = [0_u8; 64];
    let mut lengths = Vec::with_capacity(window.len());
    for tick in window.chunk_by(|a, b| a.time == b.time) {
        let present = tick.iter().fold(0, |mask, e| mask | e.rules) & wanted;
        for position in positions(present) {
            best[position] = best[position].max(1 + longest(&best[..position]));
        }
        let ending = |e: &&Entry| {
            let mut own = [0; 64];
            positions(e.rules & wanted).for_each(|p| own[p] = 1 + longest(&best[..p]));
            own
        };
        lengths.extend(tick.iter().map(ending));
    }
    lengths
}

fn longest(best: &[u8]) -> u8 {
    best.iter().copied().max().unwrap_or(0)
}

/// The length of the longest chain through the newest item, and the positions in which it stands in such a chain.
fn through_newest(window: &[&Entry], newest: usize, wanted: u64, before: &Lengths) -> (usize, u64) {
    let at_once = rules_at(window, window[newest].time) & wanted;
    let through = |p: usize| before[newest][p] as usize + above(at_once, p).count_ones() as usize;
    let length = positions(window[newest].rules & wanted).map(through).max().unwrap_or(0);
    let best = positions(window[newest].rules & wanted).filter(|p| through(*p) == length);
    (length, best.fold(0, |mask, p| mask | 1 << p))
}

fn rules_at(window: &[&Entry], time: i64) -> u64 {
    window.iter().rev().take_while(|e| e.time == time).fold(0, |mask, e| mask | e.rules)
}

/// The positions of a mask after one position.
fn above(mask: u64, position: usize) -> u64 {
    mask & (u64::MAX << position) & !(1 << position)
}

/// Walks back from the newest item: an item is a member if a chain that ends with it and one that leads on to the
/// newest add up to the longest.
fn members_before(
    window: &[&Entry],
    newest: usize,
    wanted: u64,
    before: &Lengths,
    length: usize,
    starts: u64,
) -> Vec<usize> {
    let mut members = vec![newest];
    let mut onward = [0_usize; 64];
    for position in positions(starts) {
        onward[position] = length + 1 - before[newest][position] as usize;
    }
    let lead = |onward: &[usize; 64], p: usize| onward[p + 1..].iter().copied().max().filter(|l| *l > 0);
    for tick in ticks_backwards(window) {
        let present = tick.clone().fold(0, |mask, i| mask | window[i].rules) & wanted;
        for position in positions(present).collect::<Vec<_>>().into_iter().rev() {
            onward[position] = onward[position].max(lead(&onward, position).map_or(0, |l| l + 1));
        }
        let on_chain = |i: usize| {
            positions(window[i].rules & wanted)
                .any(|p| lead(&onward, p).is_some_and(|l| before[i][p] as usize + l == length))
        };
        members.extend(tick.filter(|i| on_chain(*i)));
    }
    members
}

fn ticks_backwards(window: &[&Entry]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut end = window.len();
    std::iter::from_fn(move || {
        let time = window.get(end.checked_sub(1)?)?.time;
        let start = window[..end].partition_point(|e| e.time < time);
        let tick = start..end;
        end = start;
        Some(tick)
    })
}

/// Items at the very time of the newest that a longest chain puts after it.
fn members_after(window: &[&Entry], newest: usize, wanted: u64, starts: u64) -> Vec<usize> {
    let time = window[newest].time;
    let after = positions(starts).fold(0, |mask, p| mask | above(wanted, p));
    (0..window.len()).rev().take_while(|i| window[*i].time == time).filter(|i| window[*i].rules & after != 0).collect()
}

//! An alert as an item of the correlations that refer to it.
//!
//! It stands in their windows at the event time of *each* of its firings, under one id: "ten failed logins, then a
//! success" goes on holding when an eleventh failure revises the alert after the success. It counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::beginning::Block;
use crate::entry::{Entry, Verdict};
use crate::item::Whereabouts;
use crate::key::{Context, Key};

/// An alert appears at an event time, with the place of its newest member then, or no longer stands there.
#[derive(Debug)]
pub(crate) struct Presence {
    pub id: Arc<str>,
    pub time: i64,
    pub whereabouts: Option<Arc<Whereabouts>>,
    pub stands: bool,
    /// Where in the log it came, if that is before the last beginning of a correlation.
    pub block: Option<Block>,
}

/// What an alert is told with at an event time.
#[derive(Debug, Default)]
struct Standing {
    whereabouts: Option<Arc<Whereabouts>>,
    fresh: bool,
    block: Option<Block>,
}

/// What changed in the firings from an event time on, since the last call.
pub(crate) fn renew_presence(key: &mut Key, context: Context<'_>, from: i64) -> Vec<Presence> {
    let mut left: BTreeSet<(i64, u32)> = key.withdrawn.drain(..).collect();
    let mut stood = BTreeMap::<(i64, u32), Standing>::new();
    for index in key.index_of(from)..key.entries.len() {
        let (slot, at) = standing(key, context, &key.entries[index]);
        let block = if slot == 0 { None } else { context.beginnings.of_firing(key, context, index) };
        let entry = &mut key.entries[index];
        if (entry.shown, entry.shown_at) != (slot, at) && entry.shown != 0 {
            left.insert((entry.shown_at, entry.shown));
        }
        if slot != 0 {
            // The last item of a time gives the place, whether it came first or not.
            let fresh = entry.moved || (entry.shown, entry.shown_at) != (slot, at);
            let known = stood.get(&(at, slot));
            let fresh = fresh || known.is_some_and(|known| known.fresh);
            let block = known.map_or(block, |known| Some(known.block?.max(block?)));
            stood.insert((at, slot), Standing { whereabouts: entry.whereabouts.clone(), fresh, block });
        }
        if (entry.shown, entry.shown_at) != (slot, at) {
            key.chunks.touch(entry.chunk);
        }
        (entry.shown, entry.shown_at, entry.moved) = (slot, at, false);
    }
    // Where one of several items of a time has left, another gives the place.
    for presence in &left {
        if let Some(standing) = stood.get_mut(presence) {
            standing.fresh = true;
        }
    }
    left.retain(|presence| !stood.contains_key(presence));
    let gone = left.into_iter().filter_map(|(at, slot)| presence(key, at, slot, None));
    let fresh = stood.into_iter().filter(|(_, standing)| standing.fresh);
    let came = fresh.filter_map(|((at, slot), standing)| presence(key, at, slot, Some(standing)));
    gone.chain(came).collect()
}

/// The alert that a firing stands for, and when; slot 0 for none.
fn standing(key: &Key, context: Context<'_>, entry: &Entry) -> (u32, i64) {
    let slot = key.components.get(&entry.label).filter(|_| entry.fires).map_or(0, |c| c.alert);
    let wait = if entry.verdict == Verdict::Awaits { context.correlation.timespan } else { 0 };
    (slot, if slot == 0 { 0 } else { entry.time.saturating_add(wait) })
}

fn presence(key: &Key, time: i64, slot: u32, standing: Option<Standing>) -> Option<Presence> {
    let (id, stands) = (key.alerts.get(slot)?.id.clone(), standing.is_some());
    let Standing { whereabouts, block, .. } = standing.unwrap_or_default();
    Some(Presence { id, time, whereabouts, stands, block })
}

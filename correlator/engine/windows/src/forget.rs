//! What no window can see any more is forgotten, and keys are woken when there is something to do.

use std::collections::HashSet;
use std::sync::Arc;

use crate::absence::next_end;
use crate::compile::Correlation;
use crate::engine::Windows;
use crate::entry::Entry;
use crate::held::Held;
use crate::key::Key;
use crate::keys::{Handle, Seen};
use crate::nearby::Nearby;
use crate::quiet::Quiet;

/// Keys of at most so many items are packed.
const SMALL: usize = 16;

/// So many of the longest windows lie at most between an event and the alert of an alert of … that it brings about.
const CHAIN: i64 = 3;

/// How long items and alerts of a key matter after their event time.
#[derive(Clone, Copy)]
struct Horizon {
    /// The reach of the windows. Alerts of earlier correlations may still come at times as old as those of explained
    /// items, so where they count everything is kept as long.
    reach: i64,
    /// In addition for explained items: another correlation may withdraw the explanation as long as its windows reach.
    explained: i64,
    /// The longest timespan.
    longest: i64,
    /// Alerts of earlier correlations count.
    chained: bool,
    now: i64,
}

impl Horizon {
    fn expiry(self, time: i64, explained: bool) -> i64 {
        time.saturating_add(self.reach).saturating_add(if explained { self.explained } else { 0 })
    }

    fn sees(self, time: i64, explained: bool) -> bool {
        self.expiry(time, explained) >= self.now
    }
}

impl Windows {
    fn horizon(&self, correlation: &Correlation) -> Horizon {
        let (chained, longest) = (correlation.chained != 0, self.longest);
        let slack = if chained { longest } else { 0 };
        let reach = correlation.reach().saturating_add(slack);
        Horizon { reach, explained: longest - slack, longest, chained, now: self.now }
    }

    /// Drops what is out of sight of a key, and the key when nothing is left.
    pub(crate) fn forget(&mut self, index: usize, handle: Handle) {
        let horizon = self.horizon(&self.correlations[index]);
        let (changed, empty) = match self.keys.record(handle) {
            Seen::Quiet(packed) => {
                let entries = if self.held.is_empty() { Vec::new() } else { packed.entries() };
                let stands = Stands::of(entries.iter(), horizon, &self.open_alerts, &self.held);
                match packed.without(|e| horizon.sees(e.time, false) || stands.near(e.time, e.time)) {
                    Some(quiet) => {
                        self.keys.pack(handle, &quiet);
                        (true, quiet.packed().items().is_empty())
                    }
                    None => (false, packed.items().is_empty()),
                }
            }
            Seen::Live(_) => self.forget_live(handle, horizon),
        };
        if empty {
            self.remove(index, handle);
            return;
        }
        if changed {
            self.keys.mark(handle);
            self.rest(index, handle);
        }
        self.reschedule(index, handle);
    }

    /// Says whether anything went, and whether nothing is left.
    fn forget_live(&mut self, handle: Handle, horizon: Horizon) -> (bool, bool) {
        let Some(key) = self.keys.live_mut(handle) else { return (false, false) };
        let before = (key.entries.len(), key.alerts.len());
        let dropped = drop_unseen(key, horizon, &self.open_alerts, &self.held);
        let (after, explained) = ((key.entries.len(), key.alerts.len()), key.entries.iter().any(|e| e.explained));
        self.keys.set_explained(handle, explained);
        self.unlist(handle, dropped);
        (before != after, after == (0, 0))
    }

    /// What was forgotten need not be found any more.
    fn unlist(&mut self, handle: Handle, dropped: Dropped) {
        dropped.alerts.iter().for_each(|id| {
            self.open_alerts.remove(id);
        });
        for id in dropped.explained {
            if let Some(keys) = self.explained.get_mut(&id) {
                keys.remove(&handle);
                if keys.is_empty() {
                    self.explained.remove(&id);
                }
            }
        }
    }

    /// Takes away a key and its rows.
    fn remove(&mut self, index: usize, handle: Handle) {
        // Its rows would else be read after it.
        if !self.unread.is_over() {
            self.read_for(self.digest(self.keys.name(handle)));
        }
        self.pin(index, handle, false);
        self.gone.extend(self.rows_of(index, handle));
        self.keys.remove(handle);
    }

    /// Packs a key that has become so small that nothing can fire on it as it is.
    fn rest(&mut self, index: usize, handle: Handle) {
        let Seen::Live(key) = self.keys.record(handle) else { return };
        let correlation = &self.correlations[index];
        let weight =
            key.entries.iter().map(|e| correlation.weigh(e.rules, e.values.len())).fold(0, u32::saturating_add);
        let small = key.entries.len() <= SMALL && weight < correlation.floor;
        if small
            && key.alerts.len() == 0
            && key.entries.iter().all(Entry::is_quiet)
            && let Some(quiet) = Quiet::of(&key.name, key.entries.iter())
        {
            self.gone.extend(self.rows_of(index, handle));
            self.keys.pack(handle, &quiet);
        }
    }

    /// Sets when a key is looked at next, never later than it already is: at the end of a wait, or when something
    /// expires. Not sooner than a quarter of the reach from now, so that a long alert is not walked over for every item
    /// that expires; and at rounded times, so that many keys share one.
    pub(crate) fn reschedule(&mut self, index: usize, handle: Handle) {
        let correlation = &self.correlations[index];
        let horizon = self.horizon(correlation);
        let (oldest, wait) = match self.keys.record(handle) {
            Seen::Quiet(packed) => (packed.oldest(), None),
            Seen::Live(key) => (key.entries.front().map(|e| e.time), next_end(key, correlation, self.now)),
        };
        let expiry = horizon.expiry(oldest.unwrap_or(self.now), false);
        let soonest = round_up(expiry.max(self.now.saturating_add(correlation.reach() / 4)), correlation.reach() / 16);
        let wake = wait.map_or(soonest, |end| end.min(soonest)).min(self.keys.wake(handle));
        self.keys.set_wake(handle, wake);
    }
}

fn round_up(time: i64, step: i64) -> i64 {
    let step = step.max(1);
    time.saturating_add(step - 1).div_euclid(step).saturating_mul(step)
}

/// Where items stand in a key that may still change: alerts, and events that the plan may yet explain or not. When an
/// alert takes another name, or goes, the windows around all its firings have other members, however old they are. A
/// key of alerts may get those that events elsewhere bring about.
struct Stands {
    times: Vec<i64>,
    reach: i64,
}

impl Stands {
    fn of<'a>(
        entries: impl Iterator<Item = &'a Entry>,
        horizon: Horizon,
        open_alerts: &HashSet<Arc<str>>,
        held: &Held,
    ) -> Self {
        let mut times: Vec<i64> = Vec::new();
        if !open_alerts.is_empty() || !held.is_empty() {
            times.extend(entries.filter(|e| open_alerts.contains(&e.id) || held.contains(&e.id)).map(|e| e.time));
        }
        if horizon.chained && !held.is_empty() {
            times.extend(held.times());
            times.sort_unstable();
            return Self { times, reach: horizon.reach.saturating_add(CHAIN.saturating_mul(horizon.longest)) };
        }
        times.sort_unstable();
        Self { times, reach: horizon.reach }
    }

    /// Whether one stands within reach of a stretch of time.
    fn near(&self, first: i64, last: i64) -> bool {
        let next = self.times.partition_point(|t| *t < first.saturating_sub(self.reach));
        self.times.get(next).is_some_and(|t| *t <= last.saturating_add(self.reach))
    }
}

/// The components that no further firing can join.
fn closed_components(key: &Key, horizon: Horizon, stands: &Stands, open_alerts: &HashSet<Arc<str>>) -> HashSet<u32> {
    let with_explained: HashSet<u32> =
        key.entries.iter().filter(|e| e.explained && e.label != 0).map(|e| e.label).collect();
    // An alert that may still fire, or that stands here outside of any component so far, may bring back every component
    // that it is a member of.
    let loose = key.entries.iter().filter(|e| e.label == 0 && horizon.sees(e.time, e.explained)).map(|e| &e.id);
    let loose: HashSet<&Arc<str>> = if key.by_alert.is_empty() { HashSet::new() } else { loose.collect() };
    let returns = |id: &Arc<str>| open_alerts.contains(id) || loose.contains(id);
    let with_active: HashSet<u32> =
        key.by_alert.iter().filter(|(id, _)| returns(id)).map(|(_, label)| *label).collect();
    let open =
        |label: &u32, last: i64| horizon.sees(last, with_explained.contains(label)) || with_active.contains(label);
    key.components
        .iter()
        .filter(|(label, c)| !open(label, c.last) && !stands.near(c.first, c.last))
        .map(|(label, _)| *label)
        .collect()
}

/// Ids of what was forgotten and is known elsewhere.
struct Dropped {
    explained: Vec<Arc<str>>,
    alerts: Vec<Arc<str>>,
}

fn drop_unseen(key: &mut Key, horizon: Horizon, open_alerts: &HashSet<Arc<str>>, held: &Held) -> Dropped {
    let stands = Stands::of(key.entries.iter(), horizon, open_alerts, held);
    let closed = closed_components(key, horizon, &stands, open_alerts);
    let mut gone = Vec::new();
    key.entries.retain(|e| {
        let kept = match e.label {
            0 => horizon.sees(e.time, e.explained) || stands.near(e.time, e.time),
            label => !closed.contains(&label),
        };
        if !kept {
            gone.push(e.clone());
        }
        kept
    });
    if !gone.is_empty() {
        key.lose_place();
        key.nearby = Nearby::default();
    }
    gone.iter().for_each(|e| key.note_gone(e));
    let explained = gone.into_iter().filter(|e| e.explained).map(|e| e.id).collect();
    key.components.retain(|label, _| !closed.contains(label));
    key.by_alert.retain(|_, label| !closed.contains(label));
    let open: HashSet<u32> = key.components.values().map(|c| c.alert).collect();
    let entries = &key.entries;
    // An alert stands at the times of all its firings, and any of them may be the first member's now.
    let named: HashSet<&Arc<str>> =
        if horizon.chained { entries.iter().map(|e| &e.id).collect() } else { HashSet::new() };
    let alerts = key.alerts.retain(|slot, alert| {
        // While its earliest member is here, what swallowed it may fall apart again.
        let first = (alert.first.0, &*alert.first.1);
        let here = || named.contains(&alert.first.1) || entries.binary_search_by(|e| e.order().cmp(&first)).is_ok();
        let may_return = horizon.sees(alert.last, true) || open_alerts.contains(&alert.first.1) || here();
        open.contains(&slot) || (!alert.live && may_return)
    });
    Dropped { explained, alerts }
}

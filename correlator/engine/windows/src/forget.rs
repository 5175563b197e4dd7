//! What no window can see any more is forgotten, and keys are woken when there is something to do.

use std::collections::HashSet;
use std::sync::Arc;

use crate::absence::next_end;
use crate::compile::Correlation;
use crate::engine::{KeyBytes, Windows};
use crate::key::{Context, Key};

/// How long items and alerts of a key matter after their event time.
#[derive(Clone, Copy)]
struct Horizon {
    /// The reach of the windows. Alerts of earlier correlations may still come at times as old as those of explained
    /// items, so where they count everything is kept as long.
    reach: i64,
    /// In addition for explained items: another correlation may withdraw the explanation as long as its windows reach.
    explained: i64,
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
        let slack = if correlation.chained == 0 { 0 } else { self.longest };
        Horizon { reach: correlation.reach().saturating_add(slack), explained: self.longest - slack, now: self.now }
    }

    /// Drops what is out of sight of a key, and the key when nothing is left.
    pub(crate) fn forget(&mut self, index: usize, bytes: &KeyBytes) {
        let horizon = self.horizon(&self.correlations[index]);
        let Some(key) = self.keys[index].get_mut(bytes) else { return };
        let (entries, alerts) = (key.entries.len(), key.alerts.len());
        let dropped = drop_unseen(key, horizon, &self.open_alerts);
        dropped.alerts.iter().for_each(|id| {
            self.open_alerts.remove(id);
        });
        for id in dropped.explained {
            if let Some(keys) = self.explained.get_mut(&id) {
                keys.remove(&(index, bytes.clone()));
                if keys.is_empty() {
                    self.explained.remove(&id);
                }
            }
        }
        if (entries, alerts) != (key.entries.len(), key.alerts.len()) {
            self.changed.insert(bytes.clone());
        }
        if key.entries.is_empty() && key.alerts.len() == 0 {
            self.wakes.remove(&(key.wake, index, bytes.clone()));
            self.keys[index].remove(bytes);
            return;
        }
        self.wakes.remove(&(key.wake, index, bytes.clone()));
        key.wake = i64::MAX;
        self.reschedule(index, bytes);
    }

    /// Sets when a key is looked at next, never later than it already is: at the end of a wait, or when something expires. Not sooner than a quarter
    /// of the reach from now, so that a long alert is not walked over for every item that expires.
    pub(crate) fn reschedule(&mut self, index: usize, bytes: &KeyBytes) {
        let correlation = &self.correlations[index];
        let horizon = self.horizon(correlation);
        let context_now = self.now;
        let Some(key) = self.keys[index].get_mut(bytes) else { return };
        let oldest = key.entries.front().map_or(context_now, |e| e.time);
        let soonest = horizon.expiry(oldest, false).max(context_now.saturating_add(correlation.reach() / 4));
        let wait = next_end_of(key, correlation, context_now);
        let wake = wait.map_or(soonest, |end| end.min(soonest)).min(key.wake);
        if wake != key.wake {
            self.wakes.remove(&(key.wake, index, bytes.clone()));
            self.wakes.insert((wake, index, bytes.clone()));
            key.wake = wake;
        }
    }
}

fn next_end_of(key: &Key, correlation: &Correlation, now: i64) -> Option<i64> {
    let city = crate::city::City::default();
    next_end(key, Context { correlation, city: &city, now })
}

/// The components that no further firing can join.
fn closed_components(key: &Key, horizon: Horizon, open_alerts: &HashSet<Arc<str>>) -> HashSet<u32> {
    let with_explained: HashSet<u32> =
        key.entries.iter().filter(|e| e.explained && e.label != 0).map(|e| e.label).collect();
    // An alert that may still fire may bring back every component that it is a member of.
    let with_active: HashSet<u32> =
        key.by_alert.iter().filter(|(id, _)| open_alerts.contains(*id)).map(|(_, label)| *label).collect();
    let open =
        |label: &u32, last: i64| horizon.sees(last, with_explained.contains(label)) || with_active.contains(label);
    key.components.iter().filter(|(label, c)| !open(label, c.last)).map(|(label, _)| *label).collect()
}

/// Ids of what was forgotten and is known elsewhere.
struct Dropped {
    explained: Vec<Arc<str>>,
    alerts: Vec<Arc<str>>,
}

fn drop_unseen(key: &mut Key, horizon: Horizon, open_alerts: &HashSet<Arc<str>>) -> Dropped {
    let closed = closed_components(key, horizon, open_alerts);
    let before = key.entries.len();
    let mut explained = Vec::new();
    key.entries.retain(|e| {
        let kept = match e.label {
            0 => horizon.sees(e.time, e.explained),
            label => !closed.contains(&label),
        };
        if !kept && e.explained {
            explained.push(e.id.clone());
        }
        kept
    });
    if key.entries.len() != before {
        key.slide = None;
    }
    key.components.retain(|label, _| !closed.contains(label));
    key.by_alert.retain(|_, label| !closed.contains(label));
    let open: HashSet<u32> = key.components.values().map(|c| c.alert).collect();
    let alerts = key.alerts.retain(|slot, alert| {
        let may_return = horizon.sees(alert.last, true) || open_alerts.contains(&alert.first.1);
        open.contains(&slot) || (!alert.live && may_return)
    });
    Dropped { explained, alerts }
}

//! Firings that share a member form one component: one alert.

use std::ops::Range;
use std::sync::Arc;

use crate::entry::Entry;
use crate::evaluate::{Finding, Outcome, Verdicts, find, relates};
use crate::id::digest64;
use crate::item::Certainty;
use crate::key::{Context, Key};
use crate::members::Members;
use crate::sweep::Sweep;
use crate::view::is_same;

/// Makes a sum of digests depend on their order.
const ORDERED: u64 = 0x9e37_79b9_7f4a_7c15;

/// So many items back a firing at the same place is looked for.
const BACK: usize = 256;

/// A connected set of firings of one key.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    /// Event times of the earliest and the latest member.
    pub first: i64,
    pub last: i64,
    /// Event times of the earliest and the latest item that fired.
    pub first_fire: i64,
    pub last_fire: i64,
    pub members: usize,
    pub certainty: Option<Certainty>,
    pub at: i64,
    /// The least `at` of its firings.
    pub since: i64,
    pub absent: u64,
    /// The published alert, 0 before the first publication.
    pub alert: u32,
    /// Changed since the last publication.
    pub changed: bool,
    /// Took in another component since then.
    pub grown: bool,
    /// A member that is an alert itself is no longer the same.
    pub revised: bool,
    pub roll: Roll,
}

/// The members as they were published, and those that came behind them since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roll {
    pub listed: Members,
    pub added: Vec<Arc<str>>,
    /// Digest of all members in their order.
    pub digest: u64,
    /// The latest member.
    pub last: (i64, Arc<str>),
    /// A member came before others: the list has to be made anew.
    pub broken: bool,
}

impl Roll {
    /// Appends a member, unless it is there `again`: an alert that is a member at several times is named once.
    fn admit(&mut self, entry: &Entry, again: bool) {
        let behind = (self.listed.is_empty() && self.added.is_empty()) || (self.last.0, &*self.last.1) < entry.order();
        self.broken |= !behind;
        if self.broken {
            self.added.clear();
            return;
        }
        self.last = (entry.time, entry.id.clone());
        if !again {
            self.digest = chain_digest(self.digest, entry);
            self.added.push(entry.id.clone());
        }
    }
}

impl Component {
    fn new(time: i64) -> Self {
        Self {
            first: time,
            last: time,
            first_fire: time,
            last_fire: time,
            members: 0,
            certainty: None,
            at: i64::MIN,
            since: i64::MAX,
            absent: 0,
            alert: 0,
            changed: true,
            grown: false,
            revised: false,
            roll: Roll::default(),
        }
    }

    fn admit(&mut self, entry: &Entry, again: bool) {
        self.first = self.first.min(entry.time);
        self.last = self.last.max(entry.time);
        self.members += 1;
        self.changed = true;
        self.roll.admit(entry, again);
    }

    fn fire(&mut self, time: i64, outcome: Outcome) {
        let Outcome { at, certainty, absent, .. } = outcome;
        (self.first_fire, self.last_fire) = (self.first_fire.min(time), self.last_fire.max(time));
        let spans = self.since <= at && at <= self.at;
        if !spans || self.absent | absent != self.absent || weaker(self.certainty, certainty) != self.certainty {
            self.changed = true;
        }
        (self.since, self.at) = (self.since.min(at), self.at.max(at));
        self.absent |= absent;
        self.certainty = weaker(self.certainty, certainty);
    }

    fn absorb(&mut self, other: &Component) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.first_fire = self.first_fire.min(other.first_fire);
        self.last_fire = self.last_fire.max(other.last_fire);
        (self.since, self.at) = (self.since.min(other.since), self.at.max(other.at));
        self.absent |= other.absent;
        self.certainty = weaker(self.certainty, other.certainty);
        self.members += other.members;
        (self.changed, self.grown, self.roll.broken) = (true, true, true);
    }
}

/// The digest of a list of members with one more at its end.
pub(crate) fn chain_digest(before: u64, entry: &Entry) -> u64 {
    before.wrapping_mul(ORDERED).wrapping_add(entry.digest)
}

fn weaker(a: Option<Certainty>, b: Option<Certainty>) -> Option<Certainty> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Key {
    /// Brings the components up to the verdicts of a batch that touched items from `from` on.
    pub fn connect(&mut self, context: Context<'_>, verdicts: &Verdicts, from: i64) {
        if verdicts.unsettled {
            self.reconnect(context, from);
        } else {
            verdicts.firing.iter().for_each(|(index, outcome)| self.mark(context, *index, *outcome));
        }
    }

    /// Dissolves the components that reach up to `from` or beyond it and forms them anew.
    pub fn reconnect(&mut self, context: Context<'_>, from: i64) {
        let fresh = self.next_label.max(1);
        self.next_label = fresh;
        let first_fire = self.dissolve(from).unwrap_or(from).min(from);
        let mut sweep = Sweep::default();
        for index in self.index_of(first_fire)..self.entries.len() {
            let Entry { fires, time, label, .. } = self.entries[index];
            let untouched = time < from && label != 0 && label < fresh;
            if !fires || untouched {
                continue;
            }
            let slides = context.correlation.slides();
            let outcome =
                if slides { Some(Outcome::holding(time, time, true)) } else { sweep.judge(self, context, index) };
            outcome.inspect(|outcome| self.mark(context, index, *outcome));
        }
    }

    /// Gives the time of the earliest firing of the components that it dissolved.
    fn dissolve(&mut self, from: i64) -> Option<i64> {
        let gone: Vec<u32> = self.components.iter().filter(|(_, c)| c.last >= from).map(|(label, _)| *label).collect();
        let (mut first, mut first_fire) = (None::<i64>, None::<i64>);
        for label in &gone {
            if let Some(component) = self.components.remove(label) {
                first = Some(first.map_or(component.first, |t| t.min(component.first)));
                first_fire = Some(first_fire.map_or(component.first_fire, |t| t.min(component.first_fire)));
                self.orphans.extend((component.alert != 0).then_some(component.alert));
            }
        }
        let start = self.index_of(first?);
        for entry in self.entries.range_mut(start..) {
            if !self.components.contains_key(&entry.label) {
                entry.label = 0;
            }
        }
        let components = &self.components;
        self.by_alert.retain(|_, label| components.contains_key(label));
        first_fire
    }

    /// Takes note that alerts of earlier correlations changed, for the components that have them as members.
    pub fn note_revised(&mut self, ids: &[Arc<str>]) {
        for label in ids.iter().filter_map(|id| self.by_alert.get(id)) {
            if let Some(component) = self.components.get_mut(label) {
                (component.changed, component.revised) = (true, true);
                self.stirred.push(*label);
            }
        }
    }

    /// Joins the members of a firing; those of the firings before it are joined already.
    fn mark(&mut self, context: Context<'_>, index: usize, outcome: Outcome) {
        if context.correlation.stretches() {
            self.mark_stretch(context, index, outcome);
        } else if let Some(before) = self.firing_before(context, index) {
            self.mark_behind(context, index, before, outcome);
        } else if let Some(finding) = find(self, context, index) {
            self.mark_members(context, index, &finding);
        }
    }

    /// A firing shortly before at the same place, whose members are those of this one but for the newest.
    fn firing_before(&self, context: Context<'_>, index: usize) -> Option<usize> {
        if !context.correlation.sweeps() {
            return None;
        }
        let Entry { time, whereabouts, .. } = &self.entries[index];
        let since = time.saturating_sub(context.correlation.timespan);
        let before = self.index_of(*time);
        let fired = |i: &usize| self.entries[*i].fires && self.entries[*i].label != 0;
        (before.saturating_sub(BACK)..before)
            .rev()
            .find(|i| fired(i) && is_same(self.entries[*i].whereabouts.as_ref(), whereabouts.as_ref()))
            .filter(|i| self.entries[*i].time >= since && relates(self, context, index, *i))
    }

    /// Joins what came after a firing at the same place.
    fn mark_behind(&mut self, context: Context<'_>, index: usize, before: usize, outcome: Outcome) {
        let time = self.entries[index].time;
        let tick_end = |time: i64| self.between(time, time).end;
        let mut label = self.entries[before].label;
        for member in tick_end(self.entries[before].time)..tick_end(time) {
            if self.entries[member].rules & context.correlation.wanted == 0 || !relates(self, context, index, member) {
                continue;
            }
            label = match self.entries[member].label {
                0 => self.adopt(context, member..member + 1, label),
                other if other != label => self.unite(label, other),
                _ => label,
            };
        }
        self.fire(label, time, outcome);
    }

    /// Members are a stretch. Older firings cover a beginning of it, all of one component, so only what lies behind
    /// that is visited; the items of the newest time are looked at one by one, since they come in any order.
    fn mark_stretch(&mut self, context: Context<'_>, index: usize, outcome: Outcome) {
        let time = self.entries[index].time;
        let tick = self.between(time, time);
        let low = self.index_of(time.saturating_sub(context.correlation.timespan));
        let covered = (low..tick.start).rev().find(|i| self.entries[*i].label != 0);
        let label = covered.or_else(|| tick.clone().find(|i| self.entries[*i].label != 0));
        let mut label = label.map_or(0, |i| self.entries[i].label);
        if label == 0 {
            label = self.new_component(time);
        }
        let open = covered.map_or(low, |i| i + 1)..tick.end;
        let label = self.adopt(context, open, label);
        self.fire(label, time, outcome);
    }

    fn mark_members(&mut self, context: Context<'_>, index: usize, finding: &Finding) {
        let time = self.entries[index].time;
        let mut labels: Vec<u32> = finding.members.iter().map(|i| self.entries[*i].label).filter(|l| *l != 0).collect();
        labels.dedup();
        let mut label = 0;
        for other in labels {
            label = if label == 0 { other } else { self.unite(label, other) };
        }
        if label == 0 {
            label = self.new_component(time);
        }
        for member in &finding.members {
            label = self.adopt(context, *member..*member + 1, label);
        }
        self.fire(label, time, finding.outcome);
    }

    fn fire(&mut self, label: u32, time: i64, outcome: Outcome) {
        if let Some(component) = self.components.get_mut(&label) {
            component.fire(time, outcome);
            self.stirred.push(label);
        }
    }

    fn new_component(&mut self, time: i64) -> u32 {
        self.next_label = self.next_label.max(1);
        let label = self.next_label;
        self.next_label += 1;
        self.components.insert(label, Component::new(time));
        label
    }

    /// Labels the unlabelled items of a range that make members. An alert that is already a member elsewhere unites the
    /// components.
    fn adopt(&mut self, context: Context<'_>, range: Range<usize>, mut label: u32) -> u32 {
        for index in range {
            if self.entries[index].label != 0 || self.entries[index].rules & context.correlation.wanted == 0 {
                continue;
            }
            let entry = &mut self.entries[index];
            entry.label = label;
            if entry.digest == 0 {
                entry.digest = digest64(entry.id.as_bytes());
            }
            let chained = entry.rules & context.correlation.chained != 0;
            let known = if chained { self.by_alert.get(&entry.id).copied() } else { None };
            if let Some(component) = self.components.get_mut(&label) {
                component.admit(entry, known == Some(label));
            }
            match known {
                Some(known) => label = self.unite(label, known),
                None if chained => drop(self.by_alert.insert(entry.id.clone(), label)),
                None => {}
            }
        }
        label
    }

    /// Makes one component of two: the smaller takes the label of the larger.
    fn unite(&mut self, a: u32, b: u32) -> u32 {
        let size = |label: u32| self.components.get(&label).map_or(0, |c| c.members);
        let (keep, give) = if size(a) >= size(b) { (a, b) } else { (b, a) };
        if keep == give {
            return keep;
        }
        let Some(given) = self.components.remove(&give) else { return keep };
        let range = self.between(given.first, given.last);
        self.entries.range_mut(range).filter(|e| e.label == give).for_each(|e| e.label = keep);
        self.by_alert.values_mut().filter(|l| **l == give).for_each(|l| *l = keep);
        self.orphans.extend((given.alert != 0).then_some(given.alert));
        if let Some(kept) = self.components.get_mut(&keep) {
            kept.absorb(&given);
        }
        keep
    }
}

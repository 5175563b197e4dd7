//! The windows of all correlations: routes items to keys, and alerts on to the correlations that refer to them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::absence::settle_waits;
use crate::blindness::{Blindness, Doubt, Stretch};
use crate::city::City;
use crate::compile::{Correlation, compile};
use crate::entry::Entry;
use crate::evaluate::{Verdicts, renew, unexplain};
use crate::form::Form;
use crate::group::values_of;
use crate::item::{Firing, Item};
use crate::key::{Change, Context, Key, Touched};
use crate::keys::{Handle, Keys, Record};
use crate::limits::{Bound, Limits, Refused};
use crate::name::{for_each_name, split};
use crate::presence::{Presence, renew_presence};
use crate::publish::publish;
use crate::quiet::Quiet;
use crate::refusal::Refusal;

/// Changes on their way to the keys of one correlation.
type Mail = HashMap<Handle, Vec<Change>>;

/// Correlations over matches, in event time, independent of the order of arrival.
#[derive(Debug)]
pub struct Windows {
    pub(crate) rules: usize,
    pub(crate) correlations: Vec<Correlation>,
    city: City,
    blindness: Blindness,
    doubts: Vec<Doubt>,
    /// For each index of the form, the correlations that refer to it, and its position there.
    subscribers: Vec<Vec<(usize, usize)>>,
    pub(crate) keys: Keys,
    /// Keys that hold an explained item, by its id.
    pub(crate) explained: HashMap<Arc<str>, HashSet<Handle>>,
    /// Alerts that other correlations may have as members, and that may still be revised.
    pub(crate) open_alerts: HashSet<Arc<str>>,
    /// Rows of keys that are no more, since the last commit.
    pub(crate) gone: Vec<Vec<u8>>,
    limits: Limits,
    refused: Refused,
    pub(crate) now: i64,
    pub(crate) now_changed: bool,
    /// The longest timespan: so late may a plan's explanation still be withdrawn.
    pub(crate) longest: i64,
}

impl Windows {
    /// Compiles the correlations of a form (JSON) against a city (JSON), or says all that it refuses.
    pub fn new(form: &[u8], city: &[u8]) -> Result<Self, Vec<Refusal>> {
        let form = Form::read(form).map_err(|r| vec![r])?;
        let city = City::read(city).map_err(|r| vec![r])?;
        let compiled = compile(&form, &city)?;
        let mut subscribers = vec![Vec::new(); compiled.rules + compiled.correlations.len()];
        for (index, correlation) in compiled.correlations.iter().enumerate() {
            for (position, rule) in correlation.rules.iter().enumerate() {
                // A rule that the expression does not name has no say.
                if (correlation.wanted | correlation.awaited) & 1 << position != 0 {
                    subscribers[*rule].push((index, position));
                }
            }
        }
        Ok(Self {
            rules: compiled.rules,
            keys: Keys::default(),
            longest: compiled.correlations.iter().map(|c| c.timespan).max().unwrap_or(0),
            correlations: compiled.correlations,
            city,
            blindness: Blindness::default(),
            doubts: Vec::new(),
            subscribers,
            explained: HashMap::new(),
            open_alerts: HashSet::new(),
            gone: Vec::new(),
            limits: Limits::default(),
            refused: Refused::default(),
            now: i64::MIN,
            now_changed: false,
        })
    }

    /// The same windows within other bounds.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What had to be left out since the last call because a bound was hit: the index of the correlation, and a
    /// readable line. Windows that lack items may miss alerts of that correlation.
    pub fn notices(&mut self) -> Vec<(usize, String)> {
        self.refused.take(self.limits)
    }

    /// For each correlation a digest of what it means: its own definition and that of all it refers to.
    pub fn fingerprints(&self) -> Vec<u64> {
        self.correlations.iter().map(|c| c.fingerprint).collect()
    }

    /// For each rule index, the fields that some correlation reads from its matches, sorted.
    pub fn fields(&self) -> Vec<Vec<String>> {
        let mut fields = vec![BTreeSet::new(); self.rules];
        for correlation in &self.correlations {
            for (position, rule) in correlation.rules.iter().enumerate().filter(|(_, r)| **r < self.rules) {
                fields[*rule].extend(correlation.group_fields[position].iter().cloned());
                if correlation.measures_fields() {
                    fields[*rule].extend(correlation.value_fields[position].iter().cloned());
                }
            }
        }
        fields.into_iter().map(|names| names.into_iter().collect()).collect()
    }

    /// Adds matches in any order; a match that is there already takes over whether the plan explains it. Returns the
    /// alerts that changed, one firing per alert, in the order of the correlations. Items of unknown rules, and of
    /// rules that no correlation refers to, are left aside.
    pub fn push(&mut self, items: &[Item]) -> Vec<Firing> {
        self.replace(&[], items)
    }

    /// Takes items back as they were pushed, and adds others, as if only those had ever come.
    pub fn replace(&mut self, old: &[Item], items: &[Item]) -> Vec<Firing> {
        let mut mail = self.empty_mail();
        old.iter().for_each(|item| self.post(item, false, &mut mail));
        // In their order of time, so that none seems late only because of the others.
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|i| items[*i].time);
        order.into_iter().for_each(|i| self.post(&items[i], true, &mut mail));
        self.deliver(mail)
    }

    /// Withdraws the plan's explanation of events, as if they had come without it.
    pub fn unexplain(&mut self, ids: &[&str]) -> Vec<Firing> {
        let wanted: HashSet<&str> = ids.iter().copied().collect();
        let touched: HashSet<Handle> = wanted.iter().filter_map(|id| self.explained.remove(*id)).flatten().collect();
        let mut by_correlation = vec![Vec::new(); self.correlations.len()];
        for handle in touched {
            // The key may be gone although an item of it was explained once.
            if let Some(handles) = by_correlation.get_mut(split(self.keys.name(handle)).0) {
                handles.push(handle);
            }
        }
        let (mut mail, mut firings) = (self.empty_mail(), Vec::new());
        for (index, handles) in by_correlation.into_iter().enumerate() {
            firings.extend(self.deliver_to(index, &mut mail));
            for handle in self.by_name(handles) {
                firings.extend(self.revisit(index, handle, &mut mail, |key, context| unexplain(key, context, &wanted)));
            }
        }
        one_per_alert(firings)
    }

    /// Moves event time on (µs; never back): settles the waits that are over, and forgets what no window can see.
    pub fn advance(&mut self, event_time: i64) -> Vec<Firing> {
        if event_time <= self.now {
            return Vec::new();
        }
        (self.now, self.now_changed) = (event_time, true);
        let mut due = vec![Vec::new(); self.correlations.len()];
        self.keys.take_due(event_time).into_iter().for_each(|(index, handle)| due[index].push(handle));
        let (mut mail, mut firings) = (self.empty_mail(), Vec::new());
        for (index, handles) in due.iter().enumerate() {
            // Alerts of earlier correlations first: they may be what a wait is for.
            firings.extend(self.deliver_to(index, &mut mail));
            if self.correlations[index].awaited != 0 {
                for handle in self.by_name(handles.clone()) {
                    firings.extend(self.revisit(index, handle, &mut mail, settle_waits));
                }
            }
        }
        for (index, handles) in due.into_iter().enumerate() {
            handles.into_iter().for_each(|handle| self.forget(index, handle));
        }
        one_per_alert(firings)
    }

    /// Says when the matches of a rule (of the form, correlations included) could not have been reported; `part` names a
    /// field and a value where that holds of events with this value alone. Takes the place of what was said before.
    /// A wait for a rule that meets such a stretch ends in a doubt instead of an alert. Nothing that is over changes.
    pub fn blind(&mut self, rule: usize, part: Option<(String, String)>, stretches: Vec<Stretch>) {
        self.blindness.set(rule, part, stretches);
    }

    /// The waits that ended in doubt since the last call. One may come again when what it waited with is looked at anew.
    pub fn doubts(&mut self) -> Vec<Doubt> {
        std::mem::take(&mut self.doubts)
    }

    pub(crate) fn context(&self, index: usize) -> Context<'_> {
        let correlation = &self.correlations[index];
        let Self { city, blindness, now, limits, .. } = self;
        Context { correlation, city, blindness, now: *now, items: limits.items }
    }

    /// Keys in the order of their names, which does not depend on the order in which they came.
    fn by_name(&self, mut handles: Vec<Handle>) -> Vec<Handle> {
        handles.sort_unstable_by_key(|handle| self.keys.name(*handle));
        handles
    }

    fn empty_mail(&self) -> Vec<Mail> {
        self.correlations.iter().map(|_| Mail::new()).collect()
    }

    /// Addresses an item (or its withdrawal) to every key that it counts in.
    fn post(&mut self, item: &Item, stands: bool, mail: &mut [Mail]) {
        let Self { subscribers, correlations, keys, limits, refused, rules, .. } = self;
        let mut asleep = Vec::new();
        for &(index, position) in subscribers.get(item.rule).into_iter().flatten() {
            let correlation = &correlations[index];
            let Some(values) = values_of(correlation, position, &item.id, &item.fields) else { continue };
            for_each_name((index, correlation), position, &item.fields, |name| {
                let known = keys.find(name);
                if !stands {
                    let Some(handle) = known else { return };
                    let change = Change::Remove { time: item.time, id: item.id.clone(), position };
                    mail[index].entry(handle).or_default().push(change);
                    return;
                }
                if known.is_none() && keys.len() >= limits.keys {
                    refused.count(*rules + index, Bound::Keys, 1);
                    return;
                }
                let handle = known.unwrap_or_else(|| keys.add(Record::Quiet(Quiet::new(name))));
                let entry = entry(correlation, position, item, values.clone());
                if mail[index].contains_key(&handle) || !keys.admit_quietly(handle, correlation, &entry) {
                    mail[index].entry(handle).or_default().push(Change::Add(entry));
                } else if keys.wake(handle) == i64::MAX {
                    asleep.push((index, handle));
                }
            });
        }
        asleep.into_iter().for_each(|(index, handle)| self.reschedule(index, handle));
    }

    fn deliver(&mut self, mut mail: Vec<Mail>) -> Vec<Firing> {
        // A correlation refers to smaller indices only, so one pass reaches every chain.
        (0..self.correlations.len()).flat_map(|index| self.deliver_to(index, &mut mail)).collect()
    }

    fn deliver_to(&mut self, index: usize, mail: &mut [Mail]) -> Vec<Firing> {
        let mut firings = Vec::new();
        let mut letters = std::mem::take(&mut mail[index]);
        for handle in self.by_name(letters.keys().copied().collect()) {
            let changes = letters.remove(&handle).unwrap_or_default();
            let explained = changes.iter().filter_map(|c| match c {
                Change::Add(entry) if entry.explained => Some(entry.id.clone()),
                _ => None,
            });
            for id in explained {
                self.explained.entry(id).or_default().insert(handle);
            }
            firings.extend(self.work(index, handle, mail, |key, context| {
                let touched = key.apply(changes, context.items);
                let verdicts = renew(key, context, &touched);
                (touched, verdicts)
            }));
        }
        firings
    }

    /// Works on a key without new items: only firings that now count.
    fn revisit(
        &mut self,
        index: usize,
        handle: Handle,
        mail: &mut [Mail],
        look: impl FnOnce(&mut Key, Context<'_>) -> Verdicts,
    ) -> Vec<Firing> {
        self.work(index, handle, mail, |key, context| {
            let verdicts = look(key, context);
            let times = verdicts.firing.iter().map(|i| key.entries[*i].time);
            let span = times.clone().min().zip(times.max());
            (Touched { span, ..Touched::default() }, verdicts)
        })
    }

    /// Changes a key, forms its components, publishes its alerts and posts them on.
    fn work(
        &mut self,
        index: usize,
        handle: Handle,
        mail: &mut [Mail],
        change: impl FnOnce(&mut Key, Context<'_>) -> (Touched, Verdicts),
    ) -> Vec<Firing> {
        let correlation = &self.correlations[index];
        let (city, blindness) = (&self.city, &self.blindness);
        let context = Context { correlation, city, blindness, now: self.now, items: self.limits.items };
        let key = self.keys.live(handle, correlation);
        let (touched, mut verdicts) = change(key, context);
        let rule = self.rules + index;
        self.doubts.extend(verdicts.doubts.drain(..).map(|doubt| Doubt { rule, ..doubt }));
        self.refused.count(self.rules + index, Bound::Items, touched.refused);
        let mut firings = Vec::new();
        if let Some((from, _)) = touched.span {
            let from = from.saturating_sub(correlation.reach() - correlation.timespan);
            key.connect(context, &verdicts, from);
            let published = publish(key, context, self.rules + index, &touched.late);
            if correlation.referred {
                let from = published.renamed_from.map_or(from, |t| t.min(from));
                let presences = renew_presence(key, context, from);
                let fields: Arc<[(String, String)]> = key.group.clone().into();
                self.open_alerts.extend(published.firings.iter().map(|f| Arc::from(f.id.as_str())));
                presences.into_iter().for_each(|p| self.post_alert(index, p, &fields, mail));
            }
            firings = published.firings;
        }
        self.keys.mark(handle);
        self.reschedule(index, handle);
        firings
    }

    fn post_alert(&mut self, index: usize, presence: Presence, fields: &Arc<[(String, String)]>, mail: &mut [Mail]) {
        let item = Item {
            rule: self.rules + index,
            id: presence.id,
            time: presence.time,
            whereabouts: presence.whereabouts,
            fields: fields.clone(),
            explained: false,
        };
        self.post(&item, presence.stands, mail);
    }
}

fn entry(correlation: &Correlation, position: usize, item: &Item, values: Box<[u128]>) -> Entry {
    let placed = correlation.place.is_some() || correlation.referred;
    Entry {
        time: item.time,
        id: item.id.clone(),
        rules: 1 << position,
        values,
        whereabouts: item.whereabouts.clone().filter(|_| placed),
        explained: item.explained,
        ..Entry::default()
    }
}

/// Keeps the last of several firings of one alert, at the place of the first.
fn one_per_alert(firings: Vec<Firing>) -> Vec<Firing> {
    let mut at: HashMap<(usize, String), usize> = HashMap::new();
    let mut kept: Vec<Firing> = Vec::with_capacity(firings.len());
    for firing in firings {
        match at.entry((firing.rule, firing.id.clone())) {
            std::collections::hash_map::Entry::Occupied(known) => {
                let earlier = &mut kept[*known.get()];
                let supersedes = std::mem::take(&mut earlier.supersedes);
                let added = earlier.added.take();
                *earlier = firing;
                earlier.supersedes.extend(supersedes);
                earlier.added = added.zip(earlier.added.take()).map(|(before, since)| [before, since].concat());
            }
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(kept.len());
                kept.push(firing);
            }
        }
    }
    kept
}

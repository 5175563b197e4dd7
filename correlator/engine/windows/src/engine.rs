//! The windows of all correlations: routes items to keys, and alerts on to the correlations that refer to them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::absence::settle_waits;
use crate::city::City;
use crate::compile::{Correlation, compile};
use crate::entry::Entry;
use crate::evaluate::{Verdicts, renew, unexplain};
use crate::form::Form;
use crate::group::{groups_of, key_bytes, values_of};
use crate::item::{Firing, Item};
use crate::key::{Change, Context, Key, Touched};
use crate::presence::{Presence, renew_presence};
use crate::publish::publish;
use crate::refusal::Refusal;

pub(crate) type KeyBytes = Arc<[u8]>;

/// Changes on their way to the keys of one correlation, with the group values of each key.
type Mail = BTreeMap<Vec<u8>, (Vec<String>, Vec<Change>)>;

/// Correlations over matches, in event time, independent of the order of arrival.
#[derive(Debug)]
pub struct Windows {
    pub(crate) rules: usize,
    pub(crate) correlations: Vec<Correlation>,
    city: City,
    /// For each index of the form, the correlations that refer to it, and its position there.
    subscribers: Vec<Vec<(usize, usize)>>,
    pub(crate) keys: Vec<HashMap<KeyBytes, Key>>,
    /// Keys by the event time at which they want to be looked at.
    pub(crate) wakes: BTreeSet<(i64, usize, KeyBytes)>,
    /// Keys that hold an explained item, by its id.
    pub(crate) explained: HashMap<Arc<str>, HashSet<(usize, KeyBytes)>>,
    /// Alerts that other correlations may have as members, and that may still be revised.
    pub(crate) open_alerts: HashSet<Arc<str>>,
    pub(crate) changed: BTreeSet<KeyBytes>,
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
            keys: compiled.correlations.iter().map(|_| HashMap::new()).collect(),
            longest: compiled.correlations.iter().map(|c| c.timespan).max().unwrap_or(0),
            correlations: compiled.correlations,
            city,
            subscribers,
            wakes: BTreeSet::new(),
            explained: HashMap::new(),
            open_alerts: HashSet::new(),
            changed: BTreeSet::new(),
            now: i64::MIN,
            now_changed: false,
        })
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

    /// Adds matches in any order; a match that is there already takes over whether the plan explains it. Returns the alerts that changed, one firing per alert, in the order of the
    /// correlations. Items of unknown rules, and of rules that no correlation refers to, are left aside.
    pub fn push(&mut self, items: &[Item]) -> Vec<Firing> {
        let mut mail = self.empty_mail();
        items.iter().for_each(|item| self.post(item, true, &mut mail));
        self.deliver(mail)
    }

    /// Withdraws the plan's explanation of events, as if they had come without it.
    pub fn unexplain(&mut self, ids: &[&str]) -> Vec<Firing> {
        let wanted: HashSet<&str> = ids.iter().copied().collect();
        let mut touched = BTreeSet::new();
        for id in &wanted {
            touched.extend(self.explained.remove(*id).unwrap_or_default());
        }
        let (mut mail, mut firings) = (self.empty_mail(), Vec::new());
        for index in 0..self.correlations.len() {
            firings.extend(self.deliver_to(index, &mut mail));
            for (_, bytes) in touched.iter().filter(|(at, _)| *at == index) {
                firings.extend(self.revisit(index, bytes, &mut mail, |key, context| unexplain(key, context, &wanted)));
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
        let due: Vec<(i64, usize, KeyBytes)> =
            self.wakes.iter().take_while(|(wake, ..)| *wake < event_time).cloned().collect();
        let (mut mail, mut firings) = (self.empty_mail(), Vec::new());
        for index in 0..self.correlations.len() {
            // Alerts of earlier correlations first: they may be what a wait is for.
            firings.extend(self.deliver_to(index, &mut mail));
            if self.correlations[index].awaited != 0 {
                for (.., bytes) in due.iter().filter(|(_, at, _)| *at == index) {
                    firings.extend(self.revisit(index, bytes, &mut mail, settle_waits));
                }
            }
        }
        due.into_iter().for_each(|(_, index, bytes)| self.forget(index, &bytes));
        one_per_alert(firings)
    }

    pub(crate) fn city(&self) -> &City {
        &self.city
    }

    fn empty_mail(&self) -> Vec<Mail> {
        self.correlations.iter().map(|_| Mail::new()).collect()
    }

    /// Addresses an item (or its withdrawal) to every key that it counts in.
    fn post(&self, item: &Item, stands: bool, mail: &mut [Mail]) {
        for &(index, position) in self.subscribers.get(item.rule).into_iter().flatten() {
            let correlation = &self.correlations[index];
            let Some(values) = values_of(correlation, position, &item.id, &item.fields) else { continue };
            for group in groups_of(correlation, position, &item.fields) {
                let change = match stands {
                    true => Change::Add(entry(correlation, position, item, values.clone())),
                    false => Change::Remove { time: item.time, id: item.id.clone(), position },
                };
                let bytes = key_bytes(correlation, &group);
                mail[index].entry(bytes).or_insert_with(|| (group, Vec::new())).1.push(change);
            }
        }
    }

    fn deliver(&mut self, mut mail: Vec<Mail>) -> Vec<Firing> {
        // A correlation refers to smaller indices only, so one pass reaches every chain.
        (0..self.correlations.len()).flat_map(|index| self.deliver_to(index, &mut mail)).collect()
    }

    fn deliver_to(&mut self, index: usize, mail: &mut [Mail]) -> Vec<Firing> {
        let mut firings = Vec::new();
        for (bytes, (group, changes)) in std::mem::take(&mut mail[index]) {
            let bytes = self.open(index, bytes, group);
            let explained = changes.iter().filter_map(|c| match c {
                Change::Add(entry) if entry.explained => Some(entry.id.clone()),
                _ => None,
            });
            for id in explained {
                self.explained.entry(id).or_default().insert((index, bytes.clone()));
            }
            firings.extend(self.work(index, &bytes, mail, |key, context| {
                let touched = key.apply(changes);
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
        bytes: &KeyBytes,
        mail: &mut [Mail],
        look: impl FnOnce(&mut Key, Context<'_>) -> Verdicts,
    ) -> Vec<Firing> {
        self.work(index, bytes, mail, |key, context| {
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
        bytes: &KeyBytes,
        mail: &mut [Mail],
        change: impl FnOnce(&mut Key, Context<'_>) -> (Touched, Verdicts),
    ) -> Vec<Firing> {
        let correlation = &self.correlations[index];
        let context = Context { correlation, city: &self.city, now: self.now };
        let Some(key) = self.keys[index].get_mut(bytes) else { return Vec::new() };
        let (touched, verdicts) = change(key, context);
        self.changed.insert(bytes.clone());
        let Some((from, _)) = touched.span else { return Vec::new() };
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
        self.reschedule(index, bytes);
        published.firings
    }

    fn post_alert(&self, index: usize, presence: Presence, fields: &Arc<[(String, String)]>, mail: &mut [Mail]) {
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

    /// The key under some bytes, made if it is new.
    fn open(&mut self, index: usize, bytes: Vec<u8>, group: Vec<String>) -> KeyBytes {
        if let Some((known, _)) = self.keys[index].get_key_value(bytes.as_slice()) {
            return known.clone();
        }
        let names = self.correlations[index].group_by.iter().cloned();
        let key = Key { group: names.zip(group).collect(), wake: i64::MAX, ..Key::default() };
        let bytes: KeyBytes = bytes.into();
        self.keys[index].insert(bytes.clone(), key);
        bytes
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
                *earlier = firing;
                earlier.supersedes.extend(supersedes);
            }
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(kept.len());
                kept.push(firing);
            }
        }
    }
    kept
}

//! The windows of all correlations: routes items to keys, and alerts on to the correlations that refer to them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::absence::settle_waits;
use crate::beginning::{Beginnings, Block};
use crate::blindness::{Blindness, Doubt, Stretch};
use crate::city::City;
use crate::codec::Writer;
use crate::compile::{Correlation, compile};
use crate::evaluate::{Verdicts, renew, unexplain};
use crate::form::Form;
use crate::held::{Held, Pending};
use crate::item::{Firing, Item};
use crate::key::{Change, Context, Key};
use crate::keys::{Handle, Keys};
use crate::limits::{Limits, Refused};
use crate::name::{for_each_name, split};
use crate::post::{ROUND, Round};
use crate::presence::{Presence, renew_presence};
use crate::publish::publish;
use crate::refusal::Refusal;
use crate::shelf::{Away, Shelf};
use crate::unread::Unread;

/// Changes on their way to the keys of one correlation.
pub(crate) type Mail = HashMap<Handle, Vec<Change>>;

/// Correlations over matches, in event time, independent of the order of arrival.
#[derive(Debug)]
pub struct Windows {
    pub(crate) rules: usize,
    pub(crate) correlations: Vec<Correlation>,
    city: City,
    blindness: Blindness,
    pub(crate) beginnings: Beginnings,
    doubts: Vec<Doubt>,
    pub(crate) round: Round,
    /// For each index of the form, the correlations that refer to it, and its position there.
    pub(crate) subscribers: Vec<Vec<(usize, usize)>>,
    pub(crate) keys: Keys,
    pub(crate) away: Away,
    pub(crate) unread: Unread,
    /// Keys that a start has to read at once, or no longer, since the last commit.
    pub(crate) pins: Vec<(Vec<u8>, bool)>,
    pub(crate) shelf: Option<Box<dyn Shelf>>,
    pub(crate) failure: Option<String>,
    /// Keys that hold an explained item, by its id.
    pub(crate) explained: HashMap<Arc<str>, HashSet<Handle>>,
    pub(crate) held: Held,
    /// Alerts that other correlations may have as members, and that may still be revised.
    pub(crate) open_alerts: HashSet<Arc<str>>,
    /// Rows of keys that are no more, since the last commit.
    pub(crate) gone: Vec<Vec<u8>>,
    pub(crate) limits: Limits,
    pub(crate) refused: Refused,
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
            away: Away::default(),
            unread: Unread::default(),
            pins: Vec::new(),
            shelf: None,
            failure: None,
            longest: compiled.correlations.iter().map(|c| c.timespan).max().unwrap_or(0),
            correlations: compiled.correlations,
            city,
            blindness: Blindness::default(),
            beginnings: Beginnings::default(),
            doubts: Vec::new(),
            round: Round::default(),
            subscribers,
            explained: HashMap::new(),
            held: Held::default(),
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
        self.refused.take(self.limits, self.shelf.is_some())
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
        old.iter().for_each(|item| self.post(&[item], false, &mut mail));
        // In their order of time, so that none seems late only because of the others.
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|i| items[*i].time);
        let in_order: Vec<&Item> = order.into_iter().map(|i| &items[i]).collect();
        in_order.chunks(ROUND).for_each(|round| self.post(round, true, &mut mail));
        self.deliver(mail)
    }

    /// Withdraws the plan's explanation of events, as if they had come without it.
    pub fn unexplain(&mut self, ids: &[&str]) -> Vec<Firing> {
        let wanted: HashSet<&str> = ids.iter().copied().collect();
        let touched: HashSet<Handle> = wanted.iter().filter_map(|id| self.explained.remove(*id)).flatten().collect();
        let mut visits = vec![Vec::new(); self.correlations.len()];
        for handle in touched {
            // The key may be gone although an item of it was explained once.
            if let Some(handles) = visits.get_mut(split(self.keys.name(handle)).0) {
                handles.push(handle);
            }
        }
        self.visit(visits, self.empty_mail(), |key, context| unexplain(key, context, &wanted))
    }

    /// For each correlation the block of the log that it began with: nothing enters it that came before.
    pub fn begin(&mut self, began: Vec<Block>) {
        self.beginnings.set_began(began);
    }

    /// The events that may be told of again and came before the last beginning, with their blocks; in place of those that
    /// were said before, or (`more`) beside them.
    pub fn earlier(&mut self, events: impl IntoIterator<Item = (Arc<str>, Block)>, more: bool) {
        if more {
            self.beginnings.note_earlier(events);
        } else {
            self.beginnings.set_earlier(events);
        }
    }

    /// Keeps what may have to be evaluated anew with events whose explanation may still change, each up to its time; to
    /// be said again after a restart, before event time moves on.
    pub fn hold(&mut self, events: impl IntoIterator<Item = Pending>) {
        events.into_iter().for_each(|pending| self.held.add(pending));
    }

    /// Moves event time on (µs; never back): settles the waits that are over, and forgets what no window can see.
    pub fn advance(&mut self, event_time: i64) -> Vec<Firing> {
        if event_time <= self.now {
            return Vec::new();
        }
        // Only what was over before: the waits that end now may still change the others.
        self.held.release(self.now);
        (self.now, self.now_changed) = (event_time, true);
        let (mut visits, mut due) = (vec![Vec::new(); self.correlations.len()], Vec::new());
        for (index, handle) in self.keys.take_due(event_time) {
            if self.correlations[index].awaited != 0 {
                visits[index].push(handle);
            }
            due.push((index, handle));
        }
        let firings = self.visit(visits, self.empty_mail(), settle_waits);
        due.into_iter().for_each(|(index, handle)| self.forget(index, handle));
        self.forget_away();
        firings
    }

    /// Says when the matches of a rule (of the form, correlations included) could not have been reported; `part` names a
    /// field and a value where that holds of events with this value alone. Takes the place of what was said before.
    /// A wait for a rule that meets such a stretch ends in a doubt instead of an alert. Nothing that is over changes.
    pub fn blind(&mut self, rule: usize, part: Option<(String, String)>, stretches: Vec<Stretch>) {
        self.blindness.set(rule, part, stretches);
    }

    /// Says when events in which a field has a value are in doubt, whichever rules match them: they end no wait, and
    /// their absence proves nothing. Takes the place of what was said before. Nothing that is over changes.
    pub fn doubt(&mut self, part: (String, String), stretches: Vec<Stretch>) {
        self.blindness.doubt(part, stretches);
    }

    /// The waits that ended in doubt since the last call. One may come again when what it waited with is looked at anew.
    pub fn doubts(&mut self) -> Vec<Doubt> {
        std::mem::take(&mut self.doubts)
    }

    pub(crate) fn context(&self, index: usize) -> Context<'_> {
        let correlation = &self.correlations[index];
        let Self { city, blindness, beginnings, now, limits, .. } = self;
        Context {
            correlation,
            city,
            blindness,
            beginnings,
            now: *now,
            items: limits.most_items(correlation).0,
            few: limits.few,
        }
    }

    /// Keys in the order of their names, which does not depend on the order in which they came.
    fn by_name(&self, mut handles: Vec<Handle>) -> Vec<Handle> {
        handles.sort_unstable_by_key(|handle| self.keys.name(*handle));
        handles
    }

    fn empty_mail(&self) -> Vec<Mail> {
        self.correlations.iter().map(|_| Mail::new()).collect()
    }

    fn deliver(&mut self, mail: Vec<Mail>) -> Vec<Firing> {
        self.visit(vec![Vec::new(); mail.len()], mail, |_, _| Verdicts::default())
    }

    /// Works on every key that is to be visited or has mail, each once: a key that were worked on twice could tell others
    /// of an alert that it had in between only. A visit looks for firings that now count.
    fn visit(
        &mut self,
        visits: Vec<Vec<Handle>>,
        mut mail: Vec<Mail>,
        look: impl Fn(&mut Key, Context<'_>) -> Verdicts,
    ) -> Vec<Firing> {
        let mut firings = Vec::new();
        // A correlation refers to smaller indices only, so one pass reaches every chain.
        for (index, visited) in visits.into_iter().enumerate() {
            let mut letters = std::mem::take(&mut mail[index]);
            // Nothing that a visit could look for is in a key at rest.
            for handle in visited.into_iter().filter(|handle| self.keys.live_one(*handle).is_some()) {
                letters.entry(handle).or_default();
            }
            for handle in self.by_name(letters.keys().copied().collect()) {
                let changes = letters.remove(&handle).unwrap_or_default();
                self.note_explained(handle, &changes);
                firings.extend(self.work(index, handle, changes, &mut mail, &look));
            }
        }
        firings
    }

    fn note_explained(&mut self, handle: Handle, changes: &[Change]) {
        for change in changes {
            if let Change::Add(entry) = change
                && entry.explained
            {
                self.explained.entry(entry.id.clone()).or_default().insert(handle);
                self.keys.set_explained(handle, true);
            }
        }
    }

    /// Changes a key, forms its components, publishes its alerts and posts them on.
    fn work(
        &mut self,
        index: usize,
        handle: Handle,
        changes: Vec<Change>,
        mail: &mut [Mail],
        look: impl Fn(&mut Key, Context<'_>) -> Verdicts,
    ) -> Vec<Firing> {
        let correlation = &self.correlations[index];
        let (items, bound) = self.limits.most_items(correlation);
        let (city, blindness, beginnings) = (&self.city, &self.blindness, &self.beginnings);
        let context = Context { correlation, city, blindness, beginnings, now: self.now, items, few: self.limits.few };
        let key = self.keys.live(handle, correlation);
        let mut touched = key.apply(correlation.place.as_ref(), changes, context.items);
        key.nearby.cover(correlation.place.as_ref(), &key.entries);
        let mut verdicts = renew(key, context, &touched);
        let looked = look(key, context);
        looked.firing.iter().for_each(|(i, _)| touched.widen(key.entries[*i].time));
        verdicts.merge(looked);
        let rule = self.rules + index;
        self.doubts.extend(verdicts.doubts.drain(..).map(|doubt| Doubt { rule, ..doubt }));
        self.refused.count(rule, bound, touched.refused);
        let from = touched.span.map(|(from, _)| from.saturating_sub(correlation.reach() - correlation.timespan));
        if let Some(from) = from {
            key.connect(context, &verdicts, from);
        }
        key.note_revised(&touched.revised);
        let published = publish(key, context, rule, &touched.late);
        if correlation.referred {
            let from = from.into_iter().chain(published.renamed_from).min();
            let presences = from.map_or_else(Vec::new, |from| renew_presence(key, context, from));
            self.post_on(index, handle, presences, &published.firings, mail);
        }
        self.keys.mark(handle);
        self.reschedule(index, handle);
        published.firings
    }

    /// Tells the later correlations where the alerts of a key stand now, and which of them are no longer the same.
    fn post_on(
        &mut self,
        index: usize,
        handle: Handle,
        presences: Vec<Presence>,
        firings: &[Firing],
        mail: &mut [Mail],
    ) {
        let Some(key) = self.keys.live_one(handle).filter(|_| presences.len() + firings.len() > 0) else { return };
        let fields: Arc<[(String, String)]> = key.group.clone().into();
        presences.into_iter().for_each(|p| self.post_alert(index, p, &fields, mail));
        for firing in firings {
            let id: Arc<str> = firing.id.as_str().into();
            if !firing.gone {
                self.post_revision(index, &id, &fields, mail);
            }
            self.open_alerts.insert(id);
        }
    }

    fn post_alert(&mut self, index: usize, presence: Presence, fields: &Arc<[(String, String)]>, mail: &mut [Mail]) {
        self.beginnings.note_alert(&presence.id, presence.block);
        let item = Item {
            rule: self.rules + index,
            id: presence.id,
            time: presence.time,
            whereabouts: presence.whereabouts,
            fields: fields.clone(),
            explained: false,
        };
        self.post(&[&item], presence.stands, mail);
    }

    /// Tells every key that has an alert as a member that it is no longer the same, wherever it stands.
    fn post_revision(&mut self, index: usize, id: &Arc<str>, fields: &[(String, String)], mail: &mut [Mail]) {
        for (outer, position) in self.subscribers[self.rules + index].clone() {
            for name in self.names(outer, position, fields) {
                let Some(handle) = self.keys.find(&name).or_else(|| self.recall(&name)) else { continue };
                if self.keys.live_one(handle).is_some_and(|key| key.by_alert.contains_key(id)) {
                    mail[outer].entry(handle).or_default().push(Change::Revise { id: id.clone() });
                }
            }
        }
    }

    /// The names of the keys that an item with such fields counts in.
    fn names(&self, index: usize, position: usize, fields: &[(String, String)]) -> Vec<Vec<u8>> {
        let (mut names, mut ranges) = (Writer::default(), Vec::new());
        for_each_name((index, &self.correlations[index]), position, fields, &mut names, |name| ranges.push(name));
        ranges.into_iter().map(|name| names.bytes()[name].to_vec()).collect()
    }
}

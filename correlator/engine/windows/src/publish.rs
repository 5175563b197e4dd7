//! Compares the components of a key with what was published, and says what changed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::alert::Alert;
use crate::component::{Component, Roll, chain_digest};
use crate::id::{alert_id, digest64, push_text};
use crate::item::Firing;
use crate::key::{Context, Key};
use crate::measure::positions;
use crate::members::Members;

/// The changed alerts of one key.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub firings: Vec<Firing>,
    /// Earliest member of the components that now stand for another alert, or for more, than before.
    pub renamed_from: Option<i64>,
}

/// What a component looks like from outside.
struct View {
    slot: u32,
    component: Component,
    members: Members,
    /// The members that came behind those of the revision before, if nothing else of the list changed.
    added: Option<Vec<Arc<str>>>,
    first: Arc<str>,
    newest: Arc<str>,
    fingerprint: u64,
}

/// Publishes every change since the last time. `late` are the times of items that came after newer ones, ascending.
pub(crate) fn publish(key: &mut Key, context: Context<'_>, rule: usize, late: &[i64]) -> Published {
    let stirred = key.stirred.drain(..);
    let mut changed: Vec<(i64, u32)> = stirred
        .filter_map(|label| key.components.get(&label).filter(|c| c.changed).map(|c| (c.first, label)))
        .collect();
    changed.sort_unstable();
    changed.dedup();
    let mut published = Published::default();
    let views: Vec<View> = changed.iter().map(|(_, label)| view(key, context, *label, &mut published)).collect();
    let (mut gone, superseded) = retire(key, context, rule, &views, !late.is_empty());
    for view in views {
        let supersedes = superseded.get(&view.slot).cloned().unwrap_or_default();
        published.firings.extend(report(key, context, rule, view, supersedes, late));
    }
    published.firings.append(&mut gone);
    published
}

/// Looks at a component, and gives it the slot of its alert.
fn view(key: &mut Key, context: Context<'_>, label: u32, published: &mut Published) -> View {
    let added = call_roll(key, context, label);
    let component = key.components[&label].clone();
    let roll = &component.roll;
    let first = match key.alerts.get(component.alert) {
        Some(alert) if added.is_some() => alert.first.1.clone(),
        _ => roll.listed.first().unwrap_or_default(),
    };
    let newest = newest_of(key, label, &component);
    let id: Arc<str> = alert_id(&context.correlation.id, &key.group, &first).into();
    let slot = key.alerts.slot_of(&id).unwrap_or_else(|| key.alerts.add(unpublished(id, &first)));
    if component.alert != slot {
        key.orphans.extend((component.alert != 0).then_some(component.alert));
    }
    if component.alert != slot || component.grown {
        let first = published.renamed_from.map_or(component.first, |t| t.min(component.first));
        published.renamed_from = Some(first);
    }
    if let Some(kept) = key.components.get_mut(&label) {
        (kept.alert, kept.changed, kept.grown, kept.revised) = (slot, false, false, false);
    }
    let fingerprint = fingerprint(&component, &newest);
    View { slot, members: roll.listed.clone(), component, added, first, newest, fingerprint }
}

/// Brings the list of the members up to date. Gives what came behind the published list, `None` if it was made anew.
fn call_roll(key: &mut Key, context: Context<'_>, label: u32) -> Option<Vec<Arc<str>>> {
    let component = key.components.get(&label)?;
    let published = component.alert != 0 && !component.roll.listed.is_empty();
    if component.roll.broken || !published {
        let (ids, digest) = members_of(key, context, label, component);
        let last = (component.last, newest_of(key, label, component));
        key.components.get_mut(&label)?.roll = Roll { listed: ids.into(), digest, last, ..Roll::default() };
        return None;
    }
    let roll = &mut key.components.get_mut(&label)?.roll;
    let added = std::mem::take(&mut roll.added);
    roll.listed.extend(&added);
    Some(added)
}

fn unpublished(id: Arc<str>, first: &Arc<str>) -> Alert {
    Alert {
        id,
        revision: 0,
        fingerprint: 0,
        live: false,
        first: (0, first.clone()),
        last: i64::MIN,
        at: 0,
        newest: first.clone(),
    }
}

/// Ids by time, then id, with the digest of them all; an alert that is a member several times is named once, where
/// it first was.
fn members_of(key: &Key, context: Context<'_>, label: u32, component: &Component) -> (Vec<Arc<str>>, u64) {
    let entries = key.entries.range(key.between(component.first, component.last)).filter(|e| e.label == label);
    let mut seen = HashSet::new();
    let named = entries.filter(|e| context.correlation.chained == 0 || seen.insert(&e.id));
    let mut digest = 0;
    let ids = named.inspect(|e| digest = chain_digest(digest, e)).map(|e| e.id.clone());
    let ids = ids.collect();
    (ids, digest)
}

fn newest_of(key: &Key, label: u32, component: &Component) -> Arc<str> {
    let tick = key.between(component.last, component.last);
    let newest = key.entries.range(tick).rfind(|e| e.label == label);
    newest.map(|e| e.id.clone()).unwrap_or_default()
}

fn fingerprint(component: &Component, newest: &str) -> u64 {
    let mut text = Vec::with_capacity(96);
    text.extend_from_slice(&component.roll.digest.to_le_bytes());
    text.extend_from_slice(&(component.roll.listed.len() as u64).to_le_bytes());
    push_text(&mut text, newest);
    let certainty = component.certainty.map_or("", |c| c.name());
    push_text(&mut text, certainty);
    text.extend_from_slice(&component.since.to_le_bytes());
    text.extend_from_slice(&component.at.to_le_bytes());
    text.extend_from_slice(&component.absent.to_le_bytes());
    digest64(&text)
}

impl Key {
    /// Links the components of a restored key with the alerts that they were published as.
    pub fn readopt(&mut self, context: Context<'_>) {
        let labels: Vec<u32> = self.components.keys().copied().collect();
        for label in labels {
            call_roll(self, context, label);
            let Some(component) = self.components.get_mut(&label) else { continue };
            let first = component.roll.listed.first().unwrap_or_default();
            let slot = self.alerts.slot_of(&alert_id(&context.correlation.id, &self.group, &first));
            (component.alert, component.changed) = (slot.unwrap_or(0), slot.is_none());
            self.stirred.extend(slot.is_none().then_some(label));
        }
    }
}

/// Alerts whose component went and that no other component claims: gone, and superseded by the alert that now has
/// their earliest member.
fn retire(
    key: &mut Key,
    context: Context<'_>,
    rule: usize,
    views: &[View],
    late: bool,
) -> (Vec<Firing>, BTreeMap<u32, Vec<String>>) {
    let claimed: BTreeSet<u32> = views.iter().map(|v| v.slot).collect();
    let orphans: BTreeSet<u32> = key.orphans.drain(..).filter(|slot| !claimed.contains(slot)).collect();
    let (mut gone, mut superseded) = (Vec::new(), BTreeMap::<u32, Vec<String>>::new());
    for slot in orphans {
        let Some(alert) = key.alerts.get_mut(slot).filter(|a| a.live) else { continue };
        alert.live = false;
        alert.revision = alert.revision.saturating_add(1);
        let alert = alert.clone();
        if let Some(successor) = successor(key, &alert) {
            superseded.entry(successor).or_default().push(alert.id.to_string());
        }
        gone.push(farewell(key, context, rule, alert, late));
    }
    (gone, superseded)
}

fn successor(key: &Key, alert: &Alert) -> Option<u32> {
    let index = key.find(alert.first.0, &alert.first.1)?;
    key.components.get(&key.entries[index].label).map(|c| c.alert).filter(|slot| *slot != 0)
}

fn farewell(key: &Key, context: Context<'_>, rule: usize, alert: Alert, late: bool) -> Firing {
    Firing {
        rule,
        id: alert.id.to_string(),
        revision: alert.revision,
        group: key.group.clone(),
        members: Members::default(),
        added: None,
        at: alert.at,
        since: alert.at,
        newest: alert.newest,
        certainty: context.correlation.place.as_ref().and(None),
        absent: Vec::new(),
        supersedes: Vec::new(),
        gone: true,
        late,
    }
}

fn report(
    key: &mut Key,
    context: Context<'_>,
    rule: usize,
    view: View,
    supersedes: Vec<String>,
    late: &[i64],
) -> Option<Firing> {
    let alert = key.alerts.get_mut(view.slot)?;
    if alert.live && alert.fingerprint == view.fingerprint && supersedes.is_empty() && !view.component.revised {
        return None;
    }
    let counts_on = alert.live;
    let Component { first, last, at, since, certainty, absent, .. } = view.component;
    *alert = Alert {
        id: alert.id.clone(),
        revision: alert.revision.saturating_add(1),
        fingerprint: view.fingerprint,
        live: true,
        first: (first, view.first),
        last,
        at,
        newest: view.newest.clone(),
    };
    let after = late.partition_point(|t| *t < first);
    Some(Firing {
        rule,
        id: alert.id.to_string(),
        revision: alert.revision,
        group: key.group.clone(),
        members: view.members,
        added: view.added.filter(|_| counts_on),
        at,
        since,
        newest: view.newest,
        certainty,
        absent: positions(absent).map(|p| context.correlation.rule_ids[p].clone()).collect(),
        supersedes,
        gone: false,
        late: late.get(after).is_some_and(|t| *t <= last),
    })
}

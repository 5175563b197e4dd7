//! The alerts of a whole set of items, by the definitions and nothing else: quadratic, stateless, unordered input.

use std::collections::{BTreeMap, BTreeSet};

use impetus_windows::{Item, alert_id};
use serde_json::Value;

/// An alert as it must stand at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub members: Vec<String>,
    pub newest: String,
    pub at: i64,
    /// The least `at` of its firings.
    pub since: i64,
    /// Its events: those of the alerts among its members in their place.
    pub leaves: BTreeSet<String>,
    pub certainty: Option<&'static str>,
    pub absent: BTreeSet<String>,
}

/// A stretch of time (ends included) in which a rule (`None`: none is believed) could not be reported, in one group or
/// in all.
#[derive(Debug, Clone)]
pub struct Blind {
    pub rule: Option<usize>,
    pub group: Option<String>,
    pub from: i64,
    pub to: i64,
}

type Sight<'a> = (&'a Group, &'a [Blind]);

/// An event of one key.
#[derive(Debug, Clone)]
struct Event {
    time: i64,
    id: String,
    rules: BTreeSet<usize>,
    values: BTreeSet<Vec<String>>,
    numbers: Vec<f64>,
    item: Item,
    explained: bool,
}

struct Found {
    event: usize,
    members: BTreeSet<usize>,
    certain: bool,
    at: i64,
    absent: BTreeSet<usize>,
}

/// Every alert of every correlation by id, when event time has passed everything.
pub fn alerts(form: &Value, items: &[Item], blind: &[Blind]) -> BTreeMap<String, Alert> {
    let rules = form["rules"].as_array().unwrap().len();
    let mut items = items.to_vec();
    let mut all = BTreeMap::new();
    for (index, correlation) in form["correlations"].as_array().unwrap().iter().enumerate() {
        let name = |rule: usize| -> String {
            let list = if rule < rules { &form["rules"][rule] } else { &form["correlations"][rule - rules] };
            list["id"].as_str().unwrap().to_owned()
        };
        for (group, events) in keys(correlation, &items) {
            let sight = (&group, blind);
            let found = firings(correlation, &events, sight);
            for component in components(&events, &found) {
                let (id, mut alert) = describe(correlation, &group, &events, &found, &component, &name);
                alert.leaves = leaves(&alert.members, &|id| all.get(id).map(|inner: &Alert| &inner.leaves));
                for f in &component {
                    let mut item = Item::new(rules + index, &id, found[*f].at).with_fields(group.clone());
                    item.whereabouts = events[found[*f].event].item.whereabouts.clone();
                    items.push(item);
                }
                assert!(all.insert(id, alert).is_none());
            }
        }
    }
    all
}

/// The events behind some members, given those behind the alerts among them.
pub fn leaves<'a>(members: &[String], inner: &dyn Fn(&str) -> Option<&'a BTreeSet<String>>) -> BTreeSet<String> {
    let own = |id: &String| inner(id).cloned().unwrap_or_else(|| BTreeSet::from([id.clone()]));
    members.iter().flat_map(own).collect()
}

type Group = Vec<(String, String)>;

fn texts(names: &Value) -> Vec<String> {
    names.as_array().into_iter().flatten().map(|n| n.as_str().unwrap().to_owned()).collect()
}

fn tuples(names: &[String], item: &Item) -> Vec<Vec<String>> {
    names.iter().fold(vec![vec![]], |tuples, name| {
        let values: BTreeSet<&String> = item.fields.iter().filter(|(n, _)| n == name).map(|(_, v)| v).collect();
        let extend =
            |t: &Vec<String>| values.iter().map(|v| [t.clone(), vec![v.to_string()]].concat()).collect::<Vec<_>>();
        tuples.iter().flat_map(extend).collect()
    })
}

fn referred(correlation: &Value) -> Vec<usize> {
    correlation["rules"].as_array().unwrap().iter().map(|r| r.as_u64().unwrap() as usize).collect()
}

fn keys(correlation: &Value, items: &[Item]) -> BTreeMap<Group, Vec<Event>> {
    let (rules, names, fields) =
        (referred(correlation), texts(&correlation["group_by"]), texts(&correlation["condition"]["fields"]));
    let mut keys: BTreeMap<Group, BTreeMap<(i64, String), Event>> = BTreeMap::new();
    for item in items.iter().filter(|i| rules.contains(&i.rule)) {
        let values: BTreeSet<Vec<String>> = tuples(&fields, item).into_iter().collect();
        let texts = item.fields.iter().filter(|(name, _)| fields.contains(name));
        let numbers: Vec<f64> = texts.filter_map(|(_, v)| v.parse().ok()).collect();
        let kind = correlation["type"].as_str().unwrap();
        if !fields.is_empty() && (values.is_empty() || kind != "value_count" && numbers.is_empty()) {
            continue;
        }
        for group in tuples(&names, item) {
            let group: Group = names.iter().cloned().zip(group).collect();
            let event =
                keys.entry(group).or_default().entry((item.time, item.id.to_string())).or_insert_with(|| Event {
                    time: item.time,
                    id: item.id.to_string(),
                    rules: BTreeSet::new(),
                    values: values.clone(),
                    numbers: numbers.clone(),
                    item: item.clone(),
                    explained: item.explained,
                });
            event.rules.insert(item.rule);
            event.item = item.clone();
        }
    }
    keys.into_iter().map(|(group, events)| (group, events.into_values().collect())).collect()
}

fn firings(correlation: &Value, events: &[Event], sight: Sight<'_>) -> Vec<Found> {
    (0..events.len()).filter_map(|e| firing(correlation, events, e, sight)).collect()
}

fn polarity(expr: &Value, positive: bool, out: &mut (BTreeSet<usize>, BTreeSet<usize>)) {
    match expr["op"].as_str().unwrap() {
        "rule" => {
            let set = if positive { &mut out.0 } else { &mut out.1 };
            set.insert(expr["index"].as_u64().unwrap() as usize);
        }
        "not" => polarity(&expr["of"], !positive, out),
        _ => expr["of"].as_array().unwrap().iter().for_each(|e| polarity(e, positive, out)),
    }
}

fn truth(expr: &Value, present: &BTreeSet<usize>) -> bool {
    match expr["op"].as_str().unwrap() {
        "rule" => present.contains(&(expr["index"].as_u64().unwrap() as usize)),
        "not" => !truth(&expr["of"], present),
        "and" => expr["of"].as_array().unwrap().iter().all(|e| truth(e, present)),
        _ => expr["of"].as_array().unwrap().iter().any(|e| truth(e, present)),
    }
}

fn firing(correlation: &Value, events: &[Event], e: usize, (group, blind): Sight<'_>) -> Option<Found> {
    let timespan = correlation["timespan"].as_i64().unwrap();
    let expr = &correlation["condition"]["expr"];
    let (mut wanted, mut awaited): (BTreeSet<usize>, BTreeSet<usize>) =
        (referred(correlation).into_iter().collect(), BTreeSet::new());
    if !expr.is_null() {
        let mut sets = Default::default();
        polarity(expr, true, &mut sets);
        (wanted, awaited) = sets;
    }
    let newest = &events[e];
    let within = |from: i64, to: i64, rules: &BTreeSet<usize>| -> Vec<(usize, bool)> {
        (0..events.len())
            .filter(|i| (from..=to).contains(&events[*i].time) && !events[*i].rules.is_disjoint(rules))
            .filter_map(
                |i| if i == e { Some((i, true)) } else { stands(correlation, newest, &events[i]).map(|c| (i, c)) },
            )
            .collect()
    };
    if newest.rules.is_disjoint(&wanted) {
        return None;
    }
    let mut window = within(newest.time - timespan, newest.time, &wanted);
    if correlation["type"] == "temporal_ordered" {
        let chains = longest(correlation, events, &window, e, &wanted);
        let length = chains.iter().map(|c| c.len()).max().unwrap_or(0);
        let enough = if expr.is_null() { compare(correlation, length as f64) } else { length == wanted.len() };
        if !enough {
            return None;
        }
        let on: BTreeSet<usize> = chains.iter().filter(|c| c.len() == length).flatten().copied().collect();
        window.retain(|(i, _)| on.contains(i));
    } else if expr.is_null() && !holds(correlation, &window.iter().map(|(i, _)| &events[*i]).collect::<Vec<_>>()) {
        return None;
    }
    let members: BTreeSet<usize> = window.iter().map(|(i, _)| *i).collect();
    let mut found =
        Found { event: e, certain: window.iter().all(|(_, c)| *c), members, at: newest.time, absent: BTreeSet::new() };
    if !expr.is_null() {
        let seen: BTreeSet<usize> = found.members.iter().flat_map(|i| &events[*i].rules).copied().collect();
        let seen: BTreeSet<usize> = seen.intersection(&wanted).copied().collect();
        if !truth(expr, &seen.union(&awaited).copied().collect()) {
            let first = found.members.iter().map(|i| events[*i].time).min().unwrap();
            let end = newest.time + timespan;
            let came = within(first, end, &awaited).iter().flat_map(|(i, _)| events[*i].rules.clone()).collect();
            let came: BTreeSet<usize> = awaited.intersection(&came).copied().collect();
            let present: BTreeSet<usize> = seen.union(&came).copied().collect();
            if !truth(expr, &present) {
                return None;
            }
            let missing: BTreeSet<usize> = awaited.difference(&came).copied().collect();
            let seen = |b: &Blind| b.group.as_ref().is_none_or(|v| group.iter().any(|(_, value)| value == v));
            let meets = |b: &&Blind| b.from <= end && first <= b.to && seen(b);
            let hidden: Vec<&Blind> = blind.iter().filter(meets).collect();
            let unseen = |r: &&usize| hidden.iter().any(|b| b.rule.is_none_or(|rule| rule == **r));
            if !truth(expr, &present.iter().chain(missing.iter().filter(unseen)).copied().collect()) {
                return None;
            }
            let needed = |r: &usize| !truth(expr, &present.iter().copied().chain([*r]).collect());
            found.absent = missing.iter().copied().filter(needed).collect();
            if found.absent.is_empty() {
                found.absent = missing;
            }
            found.at = end;
        }
    }
    found.members.iter().any(|i| !events[*i].explained).then_some(found)
}

fn compare(correlation: &Value, value: f64) -> bool {
    let pairs = correlation["condition"]["cmp"].as_array().cloned().unwrap_or_default();
    if pairs.is_empty() {
        return value >= referred(correlation).len() as f64;
    }
    pairs.iter().all(|pair| {
        let limit = pair[1].as_f64().unwrap();
        match pair[0].as_str().unwrap() {
            "lt" => value < limit,
            "lte" => value <= limit,
            "gt" => value > limit,
            "gte" => value >= limit,
            "eq" => value == limit,
            _ => value != limit,
        }
    })
}

fn holds(correlation: &Value, window: &[&Event]) -> bool {
    let mut numbers: Vec<f64> = window.iter().flat_map(|e| e.numbers.clone()).collect();
    numbers.sort_by(f64::total_cmp);
    let sum: f64 = numbers.iter().sum();
    let value = match correlation["type"].as_str().unwrap() {
        "event_count" => {
            window.iter().map(|e| (&e.id, if e.id.len() > 20 { 0 } else { e.time })).collect::<BTreeSet<_>>().len()
                as f64
        }
        "value_count" => window.iter().flat_map(|e| &e.values).collect::<BTreeSet<_>>().len() as f64,
        "value_sum" => sum,
        "value_avg" => sum / numbers.len() as f64,
        "value_median" => (numbers[(numbers.len() - 1) / 2] + numbers[numbers.len() / 2]) / 2.0,
        _ => window.iter().flat_map(|e| &e.rules).collect::<BTreeSet<_>>().len() as f64,
    };
    compare(correlation, value)
}

/// Every chain of different rules in the order of the list, with times that do not fall, that contains `e`.
fn longest(
    correlation: &Value,
    events: &[Event],
    window: &[(usize, bool)],
    e: usize,
    wanted: &BTreeSet<usize>,
) -> Vec<Vec<usize>> {
    let rules: Vec<usize> = referred(correlation).into_iter().filter(|r| wanted.contains(r)).collect();
    let mut chains: Vec<Vec<usize>> = vec![vec![]];
    for rule in rules {
        let mut longer = Vec::new();
        for chain in &chains {
            let after = chain.last().map_or(i64::MIN, |i| events[*i].time);
            for (i, _) in window.iter().filter(|(i, _)| events[*i].rules.contains(&rule) && events[*i].time >= after) {
                longer.push([chain.clone(), vec![*i]].concat());
            }
        }
        chains.extend(longer);
    }
    chains.into_iter().filter(|c| c.contains(&e)).collect()
}

/// Whether two events stand in the relation, and whether certainly.
fn stands(correlation: &Value, a: &Event, b: &Event) -> Option<bool> {
    let place = &correlation["place"];
    if place.is_null() {
        return Some(true);
    }
    let (a_at, b_at) = (a.item.whereabouts.as_deref(), b.item.whereabouts.as_deref());
    if !place["zone"].is_null() {
        let (x, y) = (a_at?.zone.as_deref()?, b_at?.zone.as_deref()?);
        let neighbours = [("Z1", "Z2"), ("Z2", "Z1")];
        let fits = match place["zone"]["kind"].as_str().unwrap() {
            "same" => x == y,
            "adjacent" => x == y || neighbours.contains(&(x, y)),
            _ => x != "Z3" && y != "Z3",
        };
        if !fits {
            return None;
        }
    }
    if place["distance"].is_null() {
        return Some(true);
    }
    let (p, q) = (a_at?.spot?, b_at?.spot?);
    let limit = place["distance"][0][1].as_f64().unwrap();
    // All spots of these tests lie on one meridian.
    let metres = (p.latitude - q.latitude).abs().to_radians() * 6_371_008.8;
    let certain = metres + p.radius + q.radius <= limit;
    let possible = (metres - p.radius - q.radius).max(0.0) <= limit;
    (certain || possible && place["certain"] != true).then_some(certain)
}

/// Sets of firings that share a member (an alert that is a member at two times is one member).
fn components(events: &[Event], found: &[Found]) -> Vec<Vec<usize>> {
    let name =
        |i: &usize| if events[*i].id.len() > 20 { (0, &events[*i].id) } else { (events[*i].time, &events[*i].id) };
    let names: Vec<BTreeSet<_>> = found.iter().map(|f| f.members.iter().map(name).collect()).collect();
    let (mut left, mut all) = ((0..found.len()).collect::<BTreeSet<_>>(), Vec::new());
    while let Some(start) = left.pop_first() {
        let mut component = vec![start];
        let mut at = 0;
        while at < component.len() {
            let near: Vec<usize> =
                left.iter().copied().filter(|f| !names[*f].is_disjoint(&names[component[at]])).collect();
            left.retain(|f| !near.contains(f));
            component.extend(near);
            at += 1;
        }
        component.sort_unstable();
        all.push(component);
    }
    all
}

fn describe(
    correlation: &Value,
    group: &Group,
    events: &[Event],
    found: &[Found],
    component: &[usize],
    name: &dyn Fn(usize) -> String,
) -> (String, Alert) {
    let members: BTreeSet<usize> = component.iter().flat_map(|f| found[*f].members.clone()).collect();
    let mut ids: Vec<String> = Vec::new();
    members.iter().for_each(|i| {
        if !ids.contains(&events[*i].id) {
            ids.push(events[*i].id.clone())
        }
    });
    let certain = component.iter().all(|f| found[*f].certain);
    let alert = Alert {
        newest: events[*members.last().unwrap()].id.clone(),
        at: component.iter().map(|f| found[*f].at).max().unwrap(),
        since: component.iter().map(|f| found[*f].at).min().unwrap(),
        leaves: BTreeSet::new(),
        certainty: (!correlation["place"].is_null()).then_some(if certain { "certain" } else { "possible" }),
        absent: component.iter().flat_map(|f| found[*f].absent.iter().map(|r| name(*r))).collect(),
        members: ids,
    };
    (alert_id(correlation["id"].as_str().unwrap(), group, &alert.members[0]), alert)
}

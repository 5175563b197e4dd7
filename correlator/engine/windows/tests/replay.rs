//! Live equals replay: any order of arrival within the lateness, any batches and restarts end in the alerts that the
//! naive evaluator finds in the whole.

mod naive;

use std::collections::BTreeMap;

use impetus_windows::{Firing, Item, Spot, Stretch, Windows};
use naive::Blind;
use proptest::prelude::*;
use serde_json::{Value, json};

const SECOND: i64 = 1_000_000;
const LATENESS: i64 = 6 * SECOND;
const CITY: &[u8] =
    br#"{"zones": {"Z1": {"within": "centre", "adjacent": ["Z2"]}, "Z2": {"within": "centre"}, "Z3": {}}}"#;

/// Something that reaches the engine.
#[derive(Debug, Clone)]
enum Step {
    Push(Item),
    Unexplain(String),
}

fn item() -> impl Strategy<Value = (Item, i64, Option<i64>)> {
    let place = (0..4_usize, 0..6_i64, 0..3_i64);
    let fields = (prop::collection::vec(0..2_u8, 0..3), prop::collection::vec(0..4_u8, 1..3));
    (
        0..4_usize,
        0..30_i64,
        0..40_u32,
        place,
        fields,
        prop::bool::weighted(0.3),
        0..=LATENESS,
        prop::option::of(0..20_i64),
    )
        .prop_map(|(rule, time, id, (zone, metres, radius), (groups, values), explained, delay, unexplain)| {
            let time = time * SECOND;
            let spot = Spot::new(Some(59.0 + metres as f64 * 0.001), Some(10.0), Some(radius as f64 * 40.0));
            let zone = ["Z1", "Z2", "Z3"].get(zone).copied();
            // What an event is follows from its id, whichever rules match it.
            let mut fields: Vec<(String, String)> = groups.iter().map(|g| ("g".into(), g.to_string())).collect();
            fields.extend(values.iter().map(|v| ("v".to_owned(), v.to_string())));
            let item = Item::new(rule, &format!("e{id}-{time}"), time).with_fields(fields).with_place(zone, spot);
            (item.with_explained(explained), delay, unexplain.map(|u| u * SECOND))
        })
}

fn blind() -> impl Strategy<Value = Blind> {
    let group = prop::option::of((0..2_u8).prop_map(|g| g.to_string()));
    (0..6_usize, group, 0..40_i64, 0..12_i64).prop_map(|(rule, group, from, length)| {
        let (from, to) = (from * SECOND, (from + length) * SECOND);
        Blind { rule, group, from, to }
    })
}

/// One id, one event: place, fields and plan of the first win.
fn steps(items: Vec<(Item, i64, Option<i64>)>, longest: i64) -> Vec<(i64, Step)> {
    let mut known: BTreeMap<String, Item> = BTreeMap::new();
    let mut steps = Vec::new();
    for (mut item, delay, unexplain) in items {
        let first = known.entry(item.id.to_string()).or_insert_with(|| item.clone()).clone();
        item = Item { rule: item.rule, ..first };
        let arrival = item.time + delay;
        if let Some(after) = unexplain.filter(|_| item.explained) {
            // Not before the last copy can have come, and not later than the longest window can still ask for it.
            steps.push((item.time + LATENESS + after.min(longest), Step::Unexplain(item.id.to_string())));
        }
        steps.push((arrival, Step::Push(item)));
    }
    steps.sort_by_key(|(arrival, _)| *arrival);
    steps
}

fn condition(kind: usize) -> Value {
    let cmp = [
        json!([["gte", 2]]),
        json!([["gte", 3]]),
        json!([["lte", 2]]),
        json!([["eq", 2]]),
        json!([["gt", 1], ["lt", 4]]),
    ];
    json!({"cmp": cmp[kind % cmp.len()]})
}

fn expression(rules: &[usize], kind: usize) -> Value {
    let rule = |i: usize| json!({"op": "rule", "index": rules[i % rules.len()]});
    let not = |of: Value| json!({"op": "not", "of": of});
    match kind % 5 {
        0 => json!({"op": "and", "of": [rule(0), not(rule(1))]}),
        1 => json!({"op": "or", "of": [rule(0), rule(1)]}),
        2 => json!({"op": "and", "of": [rule(0), rule(1)]}),
        3 if rules.len() > 2 => json!({"op": "or", "of": [rule(2), {"op": "and", "of": [rule(1), not(rule(0))]}]}),
        _ if rules.len() > 2 => json!({"op": "and", "of": [rule(1), rule(0), not(rule(2))]}),
        _ => json!({"op": "and", "of": [rule(1), not(rule(0))]}),
    }
}

fn place(kind: usize) -> Value {
    match kind % 8 {
        0 => json!({"distance": [["lte", 250]]}),
        1 => json!({"distance": [["lte", 250]], "certain": true}),
        2 => json!({"zone": {"kind": "same"}}),
        3 => json!({"zone": {"kind": "adjacent"}, "distance": [["lte", 400]]}),
        4 => json!({"zone": {"kind": "within", "name": "centre"}}),
        _ => Value::Null,
    }
}

fn correlation(at: usize) -> impl Strategy<Value = Value> {
    let rules = prop::sample::subsequence((0..4 + at).collect::<Vec<_>>(), 2..=3.min(4 + at)).prop_shuffle();
    (0..8_usize, rules, any::<bool>(), prop::sample::select(vec![2, 5, 9]), 0..100_usize, 0..100_usize).prop_map(
        move |(kind, rules, grouped, timespan, form, where_)| {
            let kinds = ["event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_median", "temporal"];
            let mut kind = kinds[kind];
            let chained = rules.iter().any(|r| *r >= 4);
            if chained && kind.starts_with("value") {
                kind = "event_count";
            }
            let mut conditions = condition(form);
            if kind.starts_with("value") {
                conditions["fields"] = json!(["v"]);
            } else if kind == "temporal_ordered" && form % 3 == 0 {
                let expr = expression(&rules[..2], 0);
                conditions = json!({"expr": expr});
            } else if kind == "temporal" && form % 2 == 0 {
                conditions = json!({"expr": expression(&rules, form / 2)});
            }
            json!({"id": format!("c{at}"), "type": kind, "rules": rules, "group_by": if grouped { json!(["g"]) } else { json!([]) },
                "timespan": timespan * SECOND, "condition": conditions, "place": place(where_)})
        },
    )
}

fn form() -> impl Strategy<Value = Value> {
    (correlation(0), correlation(1), correlation(2)).prop_map(|(a, b, c)| {
        json!({"version": 1, "rules": [{"id": "r0"}, {"id": "r1"}, {"id": "r2"}, {"id": "r3"}], "correlations": [a, b, c]})
    })
}

/// What people see: the last report of every alert that is not gone.
#[derive(Default)]
struct Live(BTreeMap<String, Firing>);

impl Live {
    fn take(&mut self, firings: Vec<Firing>) {
        for firing in firings {
            let known = self.0.get(&firing.id);
            assert!(known.is_none_or(|old| old.revision < firing.revision), "revisions count on: {known:?} {firing:?}");
            self.0.insert(firing.id.clone(), firing);
        }
    }

    fn standing(self) -> BTreeMap<String, naive::Alert> {
        let view = |f: Firing| naive::Alert {
            members: f.members.to_vec().iter().map(|m| m.to_string()).collect(),
            newest: f.newest.to_string(),
            at: f.at,
            certainty: f.certainty.map(|c| c.name()),
            absent: f.absent.into_iter().collect(),
        };
        self.0.into_iter().filter(|(_, f)| !f.gone).map(|(id, f)| (id, view(f))).collect()
    }
}

/// Commits the rows that changed and starts anew from all of them.
fn restart(windows: &mut Windows, disk: &mut BTreeMap<Vec<u8>, Vec<u8>>, form: &[u8]) {
    for (key, state) in windows.dirty() {
        match state {
            Some(state) => disk.insert(key, state),
            None => disk.remove(&key),
        };
    }
    *windows = Windows::new(form, CITY).unwrap();
    windows.restore(disk.iter().map(|(k, s)| (k.as_slice(), s.as_slice()))).unwrap();
}

/// Says what is known by an event time of when rules could not be reported: a stretch that is not over is open.
fn tell(windows: &mut Windows, blind: &[Blind], now: i64) {
    let mut known: BTreeMap<(usize, Option<&str>), Vec<Stretch>> = BTreeMap::new();
    for b in blind.iter().filter(|b| b.from < now) {
        let to = if b.to < now { b.to } else { i64::MAX };
        known.entry((b.rule, b.group.as_deref())).or_default().push((b.from, to));
    }
    for ((rule, group), stretches) in known {
        windows.blind(rule, group.map(|value| ("g".to_owned(), value.to_owned())), stretches);
    }
}

fn run(form: &Value, steps: &[(i64, Step)], choices: &[u8], blind: &[Blind]) -> BTreeMap<String, naive::Alert> {
    let form = form.to_string().into_bytes();
    let (mut windows, mut disk, mut live) = (Windows::new(&form, CITY).unwrap(), BTreeMap::new(), Live::default());
    let (mut batch, mut now) = (Vec::new(), i64::MIN);
    for (n, (arrival, step)) in steps.iter().enumerate() {
        let choice = choices[n % choices.len()];
        match step {
            Step::Push(item) => batch.push(item.clone()),
            Step::Unexplain(id) => {
                live.take(windows.push(&std::mem::take(&mut batch)));
                live.take(windows.unexplain(&[id]));
            }
        }
        if choice & 1 == 0 {
            live.take(windows.push(&std::mem::take(&mut batch)));
            if choice & 6 == 0 {
                now = arrival - LATENESS;
                tell(&mut windows, blind, now);
                live.take(windows.advance(arrival - LATENESS));
            }
            if choice & 24 == 0 {
                restart(&mut windows, &mut disk, &form);
                tell(&mut windows, blind, now);
            }
        }
    }
    live.take(windows.push(&batch));
    tell(&mut windows, blind, 1000 * SECOND);
    live.take(windows.advance(1000 * SECOND));
    live.standing()
}

fn whole(steps: &[(i64, Step)]) -> Vec<Item> {
    let unexplained = |id: &str| steps.iter().any(|(_, s)| matches!(s, Step::Unexplain(i) if i == id));
    steps
        .iter()
        .filter_map(|(_, step)| match step {
            Step::Push(item) => Some(Item { explained: item.explained && !unexplained(&item.id), ..item.clone() }),
            Step::Unexplain(_) => None,
        })
        .collect()
}

/// The steps in short.
fn show(steps: &[(i64, Step)], choices: &[u8]) -> String {
    let line = |(arrival, step): &(i64, Step)| match step {
        Step::Unexplain(id) => format!("{arrival} unexplain {id}\n"),
        Step::Push(i) => {
            let spot = i.whereabouts.as_ref().map(|w| (w.zone.clone(), w.spot));
            format!("{arrival} r{} {} {:?} {spot:?} {}\n", i.rule, i.id, i.fields, i.explained)
        }
    };
    steps.iter().map(line).chain([format!("{choices:?}")]).collect()
}

/// Ten thousand cases, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn live_equals_replay(
        form in form(),
        items in prop::collection::vec(item(), 1..40),
        choices in prop::collection::vec(any::<u8>(), 1..20),
        blind in prop::collection::vec(blind(), 0..3),
    ) {
        let longest = form["correlations"].as_array().unwrap().iter().map(|c| c["timespan"].as_i64().unwrap()).max();
        let steps = steps(items, longest.unwrap());
        let (live, replay) = (run(&form, &steps, &choices, &blind), naive::alerts(&form, &whole(&steps), &blind));
        prop_assert!(live == replay, "\nlive   {live:?}\nreplay {replay:?}\n{form}\n{blind:?}\n{}", show(&steps, &choices));
    }
}

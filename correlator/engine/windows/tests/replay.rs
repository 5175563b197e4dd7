//! Live equals replay: any order of arrival within the lateness, any batches and restarts end in the alerts that the
//! naive evaluator finds in the whole.

mod naive;
mod story;

use std::collections::BTreeMap;

use impetus_windows::{Item, Spot};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::naive::Blind;
use crate::story::{LATENESS, SECOND, Step, Terms, run, show, whole};

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
    (0..6_usize, group, 0..40_i64, 0..12_i64, any::<bool>()).prop_map(|(rule, group, from, length, believed)| {
        let (from, to) = (from * SECOND, (from + length) * SECOND);
        let rule = (believed || group.is_none()).then_some(rule);
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

/// Ten thousand cases, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// The longest timespan of a form.
fn longest(form: &Value) -> i64 {
    form["correlations"].as_array().unwrap().iter().filter_map(|c| c["timespan"].as_i64()).max().unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn live_equals_replay(
        form in form(),
        items in prop::collection::vec(item(), 1..40),
        choices in prop::collection::vec(any::<u8>(), 1..20),
        blind in prop::collection::vec(blind(), 0..3),
        few in prop::sample::select(vec![0, 3, 128]),
        ahead in prop::option::of(0..3_usize),
    ) {
        let steps = steps(items, longest(&form));
        let live = run(&form, &steps, Terms { choices: &choices, blind: &blind, keys: None, few, ahead });
        let replay = naive::alerts(&form, &whole(&steps), &blind);
        prop_assert!(live == replay, "\nlive   {live:?}\nreplay {replay:?}\n{form}\n{blind:?}\n{}", show(&steps, &choices));
    }

    #[test]
    fn what_is_in_the_store_alone_counts_as_what_is_in_memory(
        form in form(),
        items in prop::collection::vec(item(), 1..40),
        choices in prop::collection::vec(any::<u8>(), 1..20),
        blind in prop::collection::vec(blind(), 0..3),
        keys in 2..4_usize,
        few in prop::sample::select(vec![0, 3, 128]),
        ahead in prop::option::of(0..3_usize),
    ) {
        let steps = steps(items, longest(&form));
        let of = |keys, ahead| run(&form, &steps, Terms { choices: &choices, blind: &blind, keys, few, ahead });
        let (bounded, whole) = (of(Some(keys), ahead), of(None, None));
        prop_assert!(bounded == whole, "\nbounded {bounded:?}\nwhole   {whole:?}\n{form}\n{}", show(&steps, &choices));
    }
}

fn explained(rule: usize, second: i64, zone: &str, fields: &[(&str, &str)]) -> (i64, Step) {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let spot = Spot::new(Some(59.0), Some(10.0), None);
    let item = Item::new(rule, &format!("e{second}"), second * SECOND).with_fields(fields);
    (second * SECOND, Step::Push(item.with_place(Some(zone), spot).with_explained(true)))
}

/// One withdrawal lets an inner correlation fire and, by itself, bridges what that brought to the second: the third must
/// not keep the alert that stood in between.
#[test]
fn an_alert_that_comes_and_goes_at_one_withdrawal_leaves_nothing_behind() {
    let form = json!({"version": 1, "rules": [{"id": "r0"}, {"id": "r1"}, {"id": "r2"}], "correlations": [
        {"id": "c0", "type": "temporal", "rules": [0, 1], "group_by": ["g"], "timespan": 2 * SECOND,
         "condition": {"cmp": [["eq", 2]]}, "place": {"zone": {"kind": "same"}}},
        {"id": "c1", "type": "event_count", "rules": [1, 3], "timespan": 2 * SECOND,
         "condition": {"cmp": [["gt", 1], ["lt", 4]]}},
        {"id": "c2", "type": "event_count", "rules": [2, 4], "timespan": 5 * SECOND,
         "condition": {"cmp": [["lte", 2]]}, "place": {"distance": [["lte", 250]]}},
    ]});
    let steps = [
        explained(1, 18, "Z1", &[]),
        explained(1, 20, "Z2", &[("g", "1")]),
        explained(0, 21, "Z2", &[("g", "1")]),
        (26 * SECOND, Step::Unexplain("e20".into())),
    ];
    let terms = Terms { choices: &[0], blind: &[], keys: None, few: 128, ahead: None };
    assert_eq!(run(&form, &steps, terms), naive::alerts(&form, &whole(&steps), &[]));
}

fn at(rule: usize, id: &str, second: i64, zone: &str, latitude: f64, radius: f64, grouped: bool) -> Item {
    let spot = Spot::new(Some(latitude), Some(10.0), Some(radius));
    let mut fields = vec![("v".into(), "0".into())];
    fields.extend(grouped.then(|| ("g".into(), "0".into())));
    Item::new(rule, id, second * SECOND).with_fields(fields).with_place(Some(zone), spot)
}

fn rules() -> Value {
    json!([{"id": "r0"}, {"id": "r1"}, {"id": "r2"}, {"id": "r3"}])
}

/// The shot at 6 was in doubt when the wait began, and believed before it ended: it must not be awaited again when the
/// shot is out of sight.
#[test]
fn a_wait_that_ends_with_nothing_is_not_taken_up_again() {
    let form = json!({"version": 1, "rules": rules(), "correlations": [
        {"id": "c1", "type": "temporal", "rules": [1, 3], "group_by": ["g"], "timespan": 5 * SECOND, "condition":
         {"expr": {"op": "and", "of": [{"op": "rule", "index": 1}, {"op": "not", "of": {"op": "rule", "index": 3}}]}}},
    ]});
    let blind = [Blind { rule: None, group: Some("0".into()), from: 0, to: SECOND }];
    let push = |arrival: i64, item: Item| (arrival * SECOND, Step::Push(item));
    let steps = [
        push(6, at(1, "a6", 6, "Z1", 59.0, 0.0, true)),
        push(6, at(3, "b6", 6, "Z1", 59.0, 0.0, true)),
        push(7, at(1, "z", 7, "Z1", 59.0, 0.0, false)),
        push(11, at(1, "a11", 11, "Z1", 59.0, 0.0, true)),
        push(23, at(1, "z", 23, "Z1", 59.0, 0.0, false)),
        push(30, at(1, "z", 30, "Z1", 59.0, 0.0, false)),
    ];
    let terms = Terms { choices: &[8], blind: &blind, keys: None, few: 128, ahead: None };
    assert_eq!(run(&form, &steps, terms), naive::alerts(&form, &whole(&steps), &blind));
}

/// The inner alert comes back when the explanation goes, at a time when all else of its group was forgotten.
#[test]
fn revisions_count_on_after_a_key_came_back() {
    let form = json!({"version": 1, "rules": rules(), "correlations": [
        {"id": "c0", "type": "temporal", "rules": [0, 2], "group_by": ["g"], "timespan": 5 * SECOND,
         "condition": {"cmp": [["lte", 2]]}, "place": {"zone": {"kind": "adjacent"}, "distance": [["lte", 400]]}},
        {"id": "c1", "type": "event_count", "rules": [0, 4], "group_by": ["g"], "timespan": 5 * SECOND,
         "condition": {"cmp": [["lte", 2]]}},
        {"id": "c2", "type": "event_count", "rules": [1, 3], "timespan": 9 * SECOND,
         "condition": {"cmp": [["gte", 2]]}, "place": {"distance": [["lte", 250]]}},
    ]});
    let zero = || at(0, "e0-0", 0, "Z1", 59.0, 0.0, false).with_explained(true);
    let items = vec![
        (at(0, "e0-3", 3, "Z3", 59.0, 0.0, true), 486_363, None),
        (zero(), 0, Some(0)),
        (at(0, "e0-14", 14, "Z1", 59.0, 0.0, false), 0, None),
        (at(2, "e1-3", 3, "Z1", 59.0, 40.0, true), 0, None),
        (zero(), 0, None),
        (at(2, "e0-6", 6, "Z1", 59.0, 0.0, true), 0, None),
        (at(2, "e0-11", 11, "Z1", 59.004, 0.0, true).with_explained(true), 0, Some(9 * SECOND)),
        (zero(), 3 * SECOND, None),
        (zero(), 3 * SECOND, None),
        (at(0, "e0-9", 9, "Z1", 59.0, 0.0, false), 0, None),
        (at(0, "e0-21", 21, "Z1", 59.0, 0.0, false), 2_187_501, None),
        (at(0, "e1-0", 0, "Z1", 59.0, 0.0, false), 0, None),
    ];
    let steps = steps(items, longest(&form));
    let choices = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 104];
    let of = |keys, ahead| run(&form, &steps, Terms { choices: &choices, blind: &[], keys, few: 0, ahead });
    let whole = of(None, None);
    assert_eq!(of(Some(2), None), whole);
    assert_eq!(of(None, Some(1)), whole);
    assert_eq!(of(Some(2), Some(0)), whole);
}

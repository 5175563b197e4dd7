//! Nothing that comes from outside makes the windows panic: bytes of the store, times, places and numbers of items.

use std::sync::Arc;

use impetus_windows::{Item, Limits, Spot, Whereabouts, Windows};
use proptest::prelude::*;

const FORM: &[u8] = br#"{"version": 1, "rules": [{"id": "a"}, {"id": "b"}], "correlations": [
    {"id": "count", "type": "event_count", "rules": [0], "group_by": ["g"], "timespan": 9000000000000000000,
     "condition": {"cmp": [["gte", 3]]}},
    {"id": "near", "type": "temporal", "rules": [0, 1], "timespan": 60000000,
     "place": {"distance": [["lte", 200]], "speed": [["gt", 5]]}},
    {"id": "sum", "type": "value_sum", "rules": [0], "timespan": 60000000, "condition": {"cmp": [["gt", 5]], "fields": ["g"]}},
    {"id": "after", "type": "temporal_ordered", "rules": [0, 1], "timespan": 60000000},
    {"id": "lone", "type": "temporal", "rules": [0, 1], "timespan": 9000000000000000000,
     "condition": {"expr": {"op": "and", "of": [{"op": "rule", "index": 0}, {"op": "not", "of": {"op": "rule", "index": 1}}]}}},
    {"id": "chain", "type": "event_count", "rules": [2, 6], "timespan": 60000000, "condition": {"cmp": [["gte", 1]]}}]}"#;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(1e300), -90.0..90.0, Just(0.0)]
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -3_i64..3, i64::MAX - 3..i64::MAX]
}

prop_compose! {
    fn item()(
        rule in 0..3_usize, id in 0..5_u8, time in time(), spot in (number(), number(), number()),
        value in prop_oneof!["[0-3]", "[-+]?1e(999|308|-999)", ".{0,8}"], explained in any::<bool>(), raw in any::<bool>(),
    ) -> Item {
        let (latitude, longitude, radius) = spot;
        let checked = Spot::new(Some(latitude), Some(longitude), Some(radius));
        let spot = if raw { Some(Spot { latitude, longitude, radius }) } else { checked };
        let mut item = Item::new(rule, &format!("e{id}"), time).with_fields(vec![("g".into(), value)]);
        item.whereabouts = spot.map(|spot| Arc::new(Whereabouts { zone: None, spot: Some(spot) }));
        item.with_explained(explained)
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

fn windows() -> Windows {
    Windows::new(FORM, b"").unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn extreme_items_do_no_harm(
        batches in prop::collection::vec((prop::collection::vec(item(), 0..6), time()), 1..8),
        items in 1..6_usize, keys in 1..6_usize,
    ) {
        let mut windows = windows().with_limits(Limits { keys, items, ..Limits::default() });
        let mut disk = std::collections::BTreeMap::new();
        for (batch, now) in batches {
            windows.push(&batch);
            windows.unexplain(&["e1"]);
            windows.advance(now);
            for (key, state) in windows.dirty() {
                match state {
                    Some(state) => disk.insert(key, state),
                    None => disk.remove(&key),
                };
            }
            let mut again = Windows::new(FORM, b"").unwrap();
            again.restore(disk.iter().map(|(k, s)| (k.as_slice(), s.as_slice()))).unwrap();
        }
    }

    #[test]
    fn any_bytes_are_restored_or_refused(
        rows in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<u8>(), 0..80)), 0..4),
    ) {
        let sealed = |bytes: &[u8]| impetus_windows::seal(&[&[3_u8], bytes].concat());
        let rows: Vec<_> = rows.into_iter().map(|(key, state)| (key, sealed(&state))).collect();
        let mut windows = windows();
        let _ = windows.restore(rows.iter().map(|(k, s)| (k.as_slice(), s.as_slice())));
        windows.push(&[Item::new(0, "x", 5)]);
        windows.advance(i64::MAX);
    }

    #[test]
    fn bent_state_is_restored_or_refused(
        items in prop::collection::vec(item(), 1..8),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut before = windows();
        before.push(&items);
        let rows = before.dirty().into_iter().filter_map(|(key, state)| Some((key, state?)));
        let mut rows: Vec<_> = rows.map(|(key, state)| (key, state[..state.len() - 8].to_vec())).collect();
        for (row, at, byte) in bends.iter().filter(|_| !rows.is_empty()).collect::<Vec<_>>() {
            let row = row.index(rows.len());
            let at = at.index(rows[row].1.len());
            rows[row].1[at] = *byte;
        }
        let rows: Vec<_> = rows.into_iter().map(|(key, state)| (key, impetus_windows::seal(&state))).collect();
        let mut windows = windows();
        let _ = windows.restore(rows.iter().map(|(k, s)| (k.as_slice(), s.as_slice())));
        windows.push(&items);
        windows.advance(i64::MAX);
        windows.dirty();
    }
}

/// Long ids, and long values to group by, in state that comes back.
#[test]
fn long_texts_survive_a_restart() {
    let form =
        br#"{"version": 1, "rules": [{"id": "a"}], "correlations": [{"id": "c", "type": "event_count", "rules": [0],
        "group_by": ["g"], "timespan": 60000000, "condition": {"cmp": [["gte", 20]]}}]}"#;
    let mut windows = Windows::new(form, b"").unwrap();
    let mut disk = std::collections::BTreeMap::new();
    for length in [300, 3_000, 40_000, 100_000] {
        let group = vec![("g".into(), "x".repeat(length))];
        for n in 0..18 {
            let item = Item::new(0, &format!("{n:0200}"), n * 4_000_000).with_fields(group.clone());
            windows.push(&[item]);
        }
    }
    for now in [70_000_000, 100_000_000] {
        windows.advance(now);
        for (key, state) in windows.dirty() {
            match state {
                Some(state) => disk.insert(key, state),
                None => disk.remove(&key),
            };
        }
        let mut again = Windows::new(form, b"").unwrap();
        again.restore(disk.iter().map(|(k, s)| (k.as_slice(), s.as_slice()))).unwrap();
        assert_eq!(again.population().0, 4);
    }
}

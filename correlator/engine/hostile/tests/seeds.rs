//! The seeds, and bent copies of them, through what the fuzz targets run.

use std::{fs, path::Path};

use impetus_hostile::{event, form, state};
use proptest::{prelude::*, sample::Index};

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// A change of a few bytes: put over, put between, or taken out.
#[derive(Clone, Debug)]
struct Bend {
    at: Index,
    length: usize,
    bytes: Vec<u8>,
}

fn bend() -> impl Strategy<Value = Bend> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(vec!["\"", "\\", "{", "}", "[", "]", ",", ":", "null", "1e999", "\\ud800", "\u{212A}"])
            .prop_map(|text| text.as_bytes().to_vec()),
        prop::sample::select(vec![i64::MIN, i64::MAX, -1, 0]).prop_map(|number| number.to_be_bytes().to_vec()),
    ];
    (any::<Index>(), 0..4_usize, bytes).prop_map(|(at, length, bytes)| Bend { at, length, bytes })
}

/// Seeds with some changes.
fn bent(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    (prop::sample::select(seeds(target)), prop::collection::vec(bend(), 1..6)).prop_map(|(mut seed, bends)| {
        for bend in bends {
            let at = bend.at.index(seed.len() + 1);
            let end = (at + bend.length).min(seed.len());
            seed.splice(at..end, bend.bytes);
        }
        seed
    })
}

fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn seeds_are_borne() {
    seeds("event").iter().for_each(|seed| event::bear(seed));
    seeds("form").iter().for_each(|seed| form::bear(seed));
    assert!(seeds("state").iter().all(|seed| state::bear(seed)), "the rows of the seeds are taken up");
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn bent_events_are_borne(line in bent("event")) {
        event::bear(&line);
    }

    #[test]
    fn bent_forms_are_borne(bytes in bent("form")) {
        form::bear(&bytes);
    }

    #[test]
    fn bent_state_is_borne(bytes in bent("state")) {
        state::bear(&bytes);
    }
}

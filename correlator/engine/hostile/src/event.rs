//! Bytes as a line that may be an event.

use std::sync::OnceLock;

use impetus_matcher::{Bounds, Matcher, Reader, Scope};

/// Rules with every op of the intermediate form.
const RULES: &[u8] = include_bytes!("every_op.json");

/// Fields that are read by their names.
const FIELDS: [&str; 6] = ["a", "b.c", "a.b.c", "category", "@timestamp", "event.id"];

/// The bounds of an event, as the correlator sets them.
const BOUNDS: Bounds = Bounds { bytes: 1 << 20, depth: 32, values: 10_000 };

/// Match, read and explain a line. On a sound event the explanation of every rule says what matching said.
pub fn bear(line: &[u8]) {
    let matcher = matcher();
    let held: Vec<usize> = matcher.match_lines([line], Scope::Every).into_iter().map(|(_, rule)| rule).collect();
    let by_source = matcher.match_lines([line], Scope::LogSource);
    assert!(by_source.iter().all(|(_, rule)| held.contains(rule)), "a log source only ever leaves rules out");
    matcher.scan(line, Scope::LogSource);
    let sound = reader().read(std::iter::once(line)).iter().all(Result::is_ok);
    for rule in 0..matcher.rules() {
        let explanation = matcher.explain(line, rule).expect("the rule is there");
        assert!(!sound || explanation.held == held.contains(&rule), "rule {rule} is explained as it matched");
    }
}

fn matcher() -> &'static Matcher {
    static MATCHER: OnceLock<Matcher> = OnceLock::new();
    MATCHER.get_or_init(|| Matcher::compile(RULES).unwrap_or_else(|refusals| panic!("{refusals:?}")))
}

fn reader() -> &'static Reader {
    static READER: OnceLock<Reader> = OnceLock::new();
    READER.get_or_init(|| Reader::new(FIELDS, BOUNDS))
}

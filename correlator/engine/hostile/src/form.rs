//! Bytes as an intermediate form.

use impetus_matcher::{Matcher, Scope};
use impetus_windows::{Item, Windows};

/// Events that a form which compiles is tried on.
const EVENTS: [&[u8]; 3] = [
    br#"{"a":"x","b":{"c":[1,-1.5,"10.0.0.1",true,null]},"category":"process_creation","@timestamp":"2026-07-09T10:42:00Z"}"#,
    br#"{"a":{"b":{"c":"K\u212a"}},"logsource":{"product":"city","category":["sound","camera_health"]}}"#,
    b"[]",
];

const CITY: &[u8] = br#"{"zones":{"Z1":{"within":"centre","adjacent":["Z2"]},"Z2":{"within":"centre","adjacent":[]}}}"#;

/// Compile a form both ways; what compiles is used. What does not is refused with what was refused.
pub fn bear(form: &[u8]) {
    match Matcher::compile(form) {
        Ok(matcher) => {
            matcher.match_lines(EVENTS, Scope::Every);
            matcher.match_lines(EVENTS, Scope::LogSource);
            (0..matcher.rules()).for_each(|rule| drop(matcher.explain(EVENTS[0], rule)));
        }
        Err(refusals) => assert!(refusals.iter().all(|refusal| !refusal.what.is_empty())),
    }
    match Windows::new(form, CITY) {
        Ok(mut windows) => correlate(&mut windows),
        Err(refusals) => assert!(!refusals.is_empty(), "a refusal says what is refused"),
    }
    let _ = Windows::new(form, form);
}

fn correlate(windows: &mut Windows) {
    let rules = windows.fields().len().min(8);
    let items: Vec<Item> = (0..4).map(|n| Item::new(n % rules.max(1), &format!("e{n}"), n as i64)).collect();
    windows.push(&items);
    windows.advance(i64::MAX);
    windows.dirty();
}

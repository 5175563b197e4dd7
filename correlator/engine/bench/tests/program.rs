//! The program on a handful of events: all its ways find the same.

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;

const FORM: &str = r#"{"version":1,"rules":[
    {"id":"any","logsource":{},"condition":{"op":"exists","field":"a","value":true}},
    {"id":"of p","logsource":{"product":"p"},"condition":{"op":"exists","field":"a","value":true}}],"correlations":[]}"#;

const EVENTS: &str = "{\"a\":1,\"product\":\"p\"}\nno event\n{\"a\":1}\n{\"b\":1,\"product\":\"p\"}\n";

/// Run it on the same rules and events as every other test; the files are in a folder of the test's own.
fn run(test: &str, options: &[&str]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&folder).expect("a folder");
    let (form, events) = (folder.join("form.json"), folder.join("events.ndjson"));
    fs::write(&form, FORM).expect("the form is written");
    fs::write(&events, EVENTS).expect("the events are written");
    let program = env!("CARGO_BIN_EXE_impetus-bench");
    let done = Command::new(program).args(options).args([form, events]).output().expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

fn count(test: &str, options: &[&str]) -> [Value; 4] {
    let figures: Value = serde_json::from_str(&run(test, &[&["--count"], options].concat())).expect("figures");
    ["events", "bytes", "matches", "rules"].map(|name| figures[name].clone())
}

#[test]
fn matches_are_printed_by_line_and_id() {
    let expected = "{\"line\":1,\"rule\":\"any\"}\n{\"line\":1,\"rule\":\"of p\"}\n{\"line\":3,\"rule\":\"any\"}\n";
    assert_eq!(run("printed", &[]), expected);
    assert_eq!(run("printed", &["--memory"]), expected);
}

#[test]
fn every_way_counts_the_same() {
    let expected = [3, EVENTS.len(), 3, 2].map(Value::from);
    for options in [&[][..], &["--memory"], &["--threads", "2"]] {
        assert_eq!(count("counted", options), expected, "{options:?}");
    }
}

#[test]
fn a_walk_has_all_rules_and_none_applies() {
    assert_eq!(count("walked", &["--walk"]), [3, EVENTS.len(), 0, 2].map(Value::from));
}

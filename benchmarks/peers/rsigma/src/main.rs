//! RSigma over newline-separated JSON: the same matches in the same form as `impetus match`, for comparison.
//!
//! `impetus-peer-rsigma [--count] RULES EVENTS.ndjson`
//!
//! A rule is tried where its log source is the event's top-level `product`, `category` and `service`. RSigma's own
//! routing lets an event without one of them pass, so a part that is absent is given a value that no rule has.

use std::{
    env,
    error::Error,
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write, stdout},
    path::Path,
    time::Instant,
};

use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::{LogSource, parse_sigma_directory};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ABSENT: &str = "\u{0}";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let count = arguments.iter().position(|word| word == "--count").map(|at| arguments.remove(at)).is_some();
    let [rules, events] = arguments.as_slice() else {
        return Err("usage: impetus-peer-rsigma [--count] RULES EVENTS.ndjson".into());
    };
    let started = Instant::now();
    let engine = load(Path::new(rules))?;
    let loaded = started.elapsed();
    let mut out = BufWriter::with_capacity(1 << 20, stdout().lock());
    let started = Instant::now();
    let tally = run(&engine, events, |line, rule| {
        if count { Ok(()) } else { writeln!(out, "{{\"line\":{line},\"rule\":{}}}", json!(rule)) }
    })?;
    if count {
        let seconds = started.elapsed().as_secs_f64();
        let [events, bytes, matches] = tally;
        let figures = json!({"events": events, "bytes": bytes, "matches": matches, "seconds": seconds,
            "rules": engine.rule_count(), "loading": loaded.as_secs_f64()});
        writeln!(out, "{figures}")?;
    }
    out.flush()?;
    Ok(())
}

fn load(rules: &Path) -> Result<Engine, Box<dyn Error>> {
    let collection = parse_sigma_directory(rules)?;
    for error in collection.errors() {
        eprintln!("not parsed: {error}");
    }
    let mut engine = Engine::new();
    for (index, error) in engine.add_rules(&collection.rules) {
        eprintln!("not compiled: {}: {error}", collection.rules[index].title);
    }
    Ok(engine)
}

/// Match every line; gives the number of events, bytes and matches.
fn run(
    engine: &Engine,
    events: &str,
    mut found: impl FnMut(u64, &str) -> std::io::Result<()>,
) -> Result<[u64; 3], Box<dyn Error>> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(events)?);
    let (mut line, mut number, mut tally) = (Vec::new(), 0, [0; 3]);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(tally);
        }
        number += 1;
        tally[1] += read as u64;
        let Ok(event) = serde_json::from_slice::<Value>(&line) else { continue };
        tally[0] += 1;
        let source = source(&event);
        for result in engine.evaluate_pruned(&JsonEvent::borrow(&event), &source) {
            tally[2] += 1;
            found(number, result.header.rule_id.as_deref().unwrap_or(&result.header.rule_title))?;
        }
    }
}

fn source(event: &Value) -> LogSource {
    let part = |name: &str| Some(event.get(name).and_then(Value::as_str).unwrap_or(ABSENT).to_owned());
    LogSource { product: part("product"), category: part("category"), service: part("service"), ..LogSource::default() }
}

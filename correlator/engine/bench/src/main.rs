//! Our engine from bytes to matches: `impetus-bench [OPTIONS] FORM.json EVENTS.ndjson`.
//!
//! Prints what matches, as `impetus match` does, or with `--count` the figures. `--memory` reads the events before time
//! begins; `--threads N` matches pieces of them at once; `--walk` gives every rule a log source that no event has, so
//! that what remains is finding lines, walking events for the fields that rules name, and choosing rules.

use std::{
    error::Error,
    fs,
    io::{BufWriter, Write, stdout},
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use impetus_bench::{Events, Options, Stopwatch, Tally, chunks};
use impetus_matcher::{Matcher, Scan, Scope};
use serde_json::{Value, json};

const USAGE: &str = "impetus-bench [--count] [--memory] [--threads N] [--walk] FORM.json EVENTS.ndjson";

/// A product that no event is of.
const NOWHERE: &str = "\u{0}";

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::given();
    let (count, memory, walk) = (options.flag("--count"), options.flag("--memory"), options.flag("--walk"));
    let threads: usize = options.value("--threads").map_or(Ok(1), |number| number.parse())?;
    let [form, events] = options.rest(USAGE)?;
    let loading = Stopwatch::new();
    let matcher = load(&form, walk)?;
    let loading = loading.figures(Tally::default());
    let mut events = Events::open(&events, memory || threads > 1)?;
    if !count {
        return print(&matcher, &ids(&form)?, &mut events);
    }
    let watch = Stopwatch::new();
    let tally = match &mut events {
        Events::Memory(data) if threads > 1 => match_at_once(&matcher, data, threads),
        events => match_in_turn(&matcher, events)?,
    };
    let mut figures = watch.figures(tally);
    figures["rules"] = json!(matcher.rules());
    figures["loading"] = loading["seconds"].clone();
    figures["loaded"] = loading["memory"].clone();
    println!("{figures}");
    Ok(())
}

fn load(path: &str, walk: bool) -> Result<Matcher, Box<dyn Error>> {
    let mut form = fs::read(path)?;
    if walk {
        let mut read: Value = serde_json::from_slice(&form)?;
        for rule in read["rules"].as_array_mut().ok_or("the form has no rules")? {
            rule["logsource"] = json!({"product": NOWHERE});
        }
        form = serde_json::to_vec(&read)?;
    }
    Ok(Matcher::compile(&form).map_err(|refusals| format!("{refusals:?}"))?)
}

/// The ids of the rules of a form, by their index.
fn ids(path: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let form: Value = serde_json::from_slice(&fs::read(path)?)?;
    let rules = form["rules"].as_array().ok_or("the form has no rules")?;
    Ok(rules.iter().map(|rule| rule["id"].as_str().unwrap_or_default().to_owned()).collect())
}

fn print(matcher: &Matcher, ids: &[String], events: &mut Events) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::with_capacity(1 << 20, stdout().lock());
    let mut before = 1;
    events.each::<Box<dyn Error>>(|chunk| {
        let scan = matcher.scan(chunk, Scope::LogSource);
        for (line, rule) in scan.matches {
            writeln!(out, "{{\"line\":{},\"rule\":{}}}", before + line, json!(ids[rule]))?;
        }
        before += scan.lines;
        Ok(())
    })?;
    Ok(out.flush()?)
}

fn match_in_turn(matcher: &Matcher, events: &mut Events) -> Result<Tally, Box<dyn Error>> {
    let mut tally = Tally::default();
    events.each::<Box<dyn Error>>(|chunk| {
        tally = tally.and(count(chunk, &matcher.scan(chunk, Scope::LogSource)));
        Ok(())
    })?;
    Ok(tally)
}

/// Pieces go to whichever thread is free.
fn match_at_once(matcher: &Matcher, data: &[u8], threads: usize) -> Tally {
    let pieces: Vec<&[u8]> = chunks(data).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut tally = Tally::default();
        while let Some(chunk) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            tally = tally.and(count(chunk, &matcher.scan(chunk, Scope::LogSource)));
        }
        tally
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let tallies = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        tallies.fold(Tally::default(), Tally::and)
    })
}

fn count(chunk: &[u8], scan: &Scan) -> Tally {
    Tally { events: scan.events as u64, bytes: chunk.len() as u64, matches: scan.matches.len() as u64 }
}

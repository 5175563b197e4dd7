//! Parsing alone over newline-separated JSON, events in memory: `impetus-peer-parsing HOW EVENTS.ndjson`.
//!
//! `lines` only finds the ends of lines. `walk` is sonic-rs over the members of an event, each value skipped and none
//! read; `values` its tree; `tape` the tape of simd-json; `serde` the tree of serde_json, which RSigma works on.

use std::error::Error;

use impetus_bench::{Events, Options, Stopwatch, Tally, lines};
use simd_json::{Buffers, Tape};

const USAGE: &str = "impetus-peer-parsing lines|walk|values|tape|serde EVENTS.ndjson";

fn main() -> Result<(), Box<dyn Error>> {
    let [how, events] = Options::given().rest(USAGE)?;
    let mut events = Events::open(&events, true)?;
    let watch = Stopwatch::new();
    let tally = match how.as_str() {
        "lines" => each(&mut events, |_| true)?,
        "walk" => each(&mut events, walk)?,
        "values" => each(&mut events, |line| sonic_rs::from_slice::<sonic_rs::Value>(line).is_ok())?,
        "tape" => tape(&mut events)?,
        "serde" => each(&mut events, |line| serde_json::from_slice::<serde_json::Value>(line).is_ok())?,
        _ => return Err(USAGE.into()),
    };
    println!("{}", watch.figures(tally));
    Ok(())
}

/// Try every line; those for which `parse` holds are events.
fn each(events: &mut Events, mut parse: impl FnMut(&[u8]) -> bool) -> Result<Tally, Box<dyn Error>> {
    let mut tally = Tally::default();
    events.each::<Box<dyn Error>>(|chunk| {
        tally.bytes += chunk.len() as u64;
        tally.events += lines(chunk).filter(|line| parse(line)).count() as u64;
        Ok(())
    })?;
    Ok(tally)
}

fn walk(line: &[u8]) -> bool {
    sonic_rs::to_object_iter(line).all(|member| member.is_ok())
}

/// simd-json writes into the line, so it works on a copy; copying is a hundredth of its time.
fn tape(events: &mut Events) -> Result<Tally, Box<dyn Error>> {
    let (mut buffers, mut copy) = (Buffers::default(), Vec::new());
    let mut tape = Some(Tape::null());
    each(events, |line| {
        copy.clear();
        copy.extend_from_slice(line);
        let mut filled = tape.take().unwrap_or_else(Tape::null).reset();
        let sound = simd_json::fill_tape(&mut copy, &mut buffers, &mut filled).is_ok();
        tape = Some(filled.reset());
        sound
    })
}

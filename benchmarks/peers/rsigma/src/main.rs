//! RSigma over newline-separated JSON: the same matches in the same form as `impetus match`, for comparison.
//!
//! `impetus-peer-rsigma [--count] [--memory] [--pipeline FILE] [--try SETTING]... RULES EVENTS.ndjson`
//!
//! `--memory` reads the events before time begins, `--pipeline` maps the rules. What it may be set to otherwise, and
//! what that brought, is in `peer.rs` and in `benchmarks/peers/README.md`.

mod peer;

use std::{
    error::Error,
    io::{BufWriter, Write, stdout},
};

use impetus_bench::{Events, Options, Stopwatch, Tally, lines};
use serde_json::json;

use crate::peer::{Peer, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str =
    "impetus-peer-rsigma [--count] [--memory] [--pipeline FILE] [--try SETTING]... RULES EVENTS.ndjson";

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::given();
    let (count, memory) = (options.flag("--count"), options.flag("--memory"));
    let settings = Settings::read(&mut options)?;
    let [rules, file] = options.rest(USAGE)?;
    let loading = Stopwatch::new();
    let mut peer = Peer::load(&rules, settings)?;
    let loading = loading.figures(Tally::default());
    peer.prepare(&mut Events::open(&file, false)?)?;
    let mut events = Events::open(&file, memory)?;
    let mut out = BufWriter::with_capacity(1 << 20, stdout().lock());
    let watch = Stopwatch::new();
    let tally = run(&peer, &mut events, |line, rule| {
        if count { Ok(()) } else { writeln!(out, "{{\"line\":{line},\"rule\":{}}}", json!(rule)) }
    })?;
    if count {
        let mut figures = watch.figures(tally);
        figures["rules"] = json!(peer.rules());
        figures["loading"] = loading["seconds"].clone();
        figures["loaded"] = loading["memory"].clone();
        writeln!(out, "{figures}")?;
    }
    Ok(out.flush()?)
}

/// Match every line, counted from 1.
fn run(
    peer: &Peer,
    events: &mut Events,
    mut found: impl FnMut(u64, &str) -> std::io::Result<()>,
) -> Result<Tally, Box<dyn Error>> {
    let (mut number, mut tally) = (0, Tally::default());
    events.each::<Box<dyn Error>>(|chunk| {
        tally.bytes += chunk.len() as u64;
        for line in lines(chunk) {
            number += 1;
            let Some(results) = peer.matches(line) else { continue };
            tally.events += 1;
            for result in results {
                tally.matches += 1;
                found(number, result.header.rule_id.as_deref().unwrap_or(&result.header.rule_title))?;
            }
        }
        Ok(())
    })?;
    Ok(tally)
}

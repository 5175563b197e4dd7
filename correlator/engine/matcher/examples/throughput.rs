//! Events per second of the matcher: `throughput FORM.json EVENTS.ndjson [RUNS]`.
//!
//! One thread, bytes in memory, matches counted. For profiles and for comparing one change with another.

use std::{env, error::Error, fs, time::Instant};

use impetus_matcher::{Matcher, Scope};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [form, events, rest @ ..] = arguments.as_slice() else {
        return Err("usage: throughput FORM.json EVENTS.ndjson [RUNS]".into());
    };
    let runs: usize = rest.first().map_or(Ok(3), |runs| runs.parse())?;
    let started = Instant::now();
    let matcher = Matcher::compile(&fs::read(form)?).map_err(|refusals| format!("{refusals:?}"))?;
    println!("{} rules compiled in {:.0?}", matcher.rules(), started.elapsed());
    let events = fs::read(events)?;
    let count = memchr::memchr_iter(b'\n', &events).count();
    for _ in 0..runs {
        let started = Instant::now();
        let matches = matcher.match_buffer(&events, Scope::LogSource).len();
        let seconds = started.elapsed().as_secs_f64();
        let (rate, volume) = (count as f64 / seconds, events.len() as f64 / seconds / 1e9);
        println!("{count} events, {matches} matches, {rate:.0} events/s, {volume:.2} GB/s");
    }
    Ok(())
}

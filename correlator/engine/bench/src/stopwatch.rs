//! Time, processor time and memory of a run.

use std::{fs, time::Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// What a run met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Lines that are events.
    pub events: u64,
    /// Bytes of all lines, their ends included.
    pub bytes: u64,
    /// Pairs of event and rule.
    pub matches: u64,
}

impl Tally {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            bytes: self.bytes + other.bytes,
            matches: self.matches + other.matches,
        }
    }
}

/// Runs from the moment it is made.
pub struct Stopwatch {
    clock: Instant,
    processor: f64,
}

impl Stopwatch {
    /// Start.
    #[expect(clippy::new_without_default, reason = "a stopwatch that starts unseen measures nothing")]
    pub fn new() -> Self {
        Self { processor: processor_seconds(), clock: Instant::now() }
    }

    /// Seconds so far.
    pub fn seconds(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// The figures of a run that ends now: seconds by the clock and of the processor, and the most memory (MiB) that
    /// the process ever held.
    pub fn figures(&self, tally: Tally) -> Value {
        let (seconds, cpu) = (self.seconds(), processor_seconds() - self.processor);
        json!({"events": tally.events, "bytes": tally.bytes, "matches": tally.matches, "seconds": seconds, "cpu": cpu,
            "memory": peak_memory()})
    }
}

/// Processor seconds of all threads of the process.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory the process ever held, in MiB; nothing where the system (other than Linux) does not say.
pub fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok().map(|kibibytes: f64| kibibytes / 1024.0)
}

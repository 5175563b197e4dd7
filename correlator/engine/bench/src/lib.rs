//! How the engine and its peers are timed: the same reading, the same clocks, the same figures.
//!
//! Time begins when the rules are loaded. Events are in memory by then, or, where a run is to say what memory the
//! engine takes, are read as `impetus match` reads them, a mebibyte of whole lines at a time.

mod chunks;
mod options;
mod stopwatch;

pub use chunks::{Events, chunks, lines};
pub use options::Options;
pub use stopwatch::{Stopwatch, Tally};

//! What one leaf asks of a value, compiled.

mod anyof;
mod fieldref;
mod network;
mod number;
mod pattern;
mod raw;
mod required;
mod time;

use regex::{Regex, RegexBuilder};

pub use anyof::AnyOf;
pub use fieldref::any_pair;
pub use network::{Network, address};
pub use number::Decimal;
pub use pattern::Pattern;
pub use raw::RawPattern;
pub use required::required;
pub use time::part_of;

/// Bytes of a compiled regular expression, and of its run-time cache.
const REGEX_SIZE: usize = 4 << 20;

/// Compile a regular expression of the form; `flags` is a subset of `ims`.
pub fn regex(pattern: &str, flags: &str) -> Result<Regex, String> {
    if let Some(unknown) = flags.chars().find(|flag| !"ims".contains(*flag)) {
        return Err(format!("unknown flag {unknown:?}"));
    }
    RegexBuilder::new(pattern)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build()
        .map_err(|error| error.to_string())
}

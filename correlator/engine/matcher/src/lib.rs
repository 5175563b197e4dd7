//! Single-event Sigma rules over raw JSON events.
//!
//! Rules come as an intermediate form ([`Matcher::compile`]), events as bytes ([`Matcher::match_lines`]). An event is
//! read by one walk over its bytes that keeps only the fields some rule names; no tree is built. Rules are grouped by
//! log source; of the rules that apply, only those are evaluated for which something they cannot do without has been
//! seen, and each distinct predicate is tried at most once for an event.
//!
//! [`Matcher::explain`] answers the same question by an independent, slow and obvious path. A property test holds the
//! two paths equal.

mod choice;
mod common;
mod ends;
#[cfg(test)]
mod equality;
mod event;
mod explain;
mod fold;
mod form;
mod grammar;
mod grams;
mod index;
mod json;
mod keywords;
mod logsource;
mod matcher;
mod names;
mod plan;
mod planner;
mod predicate;
mod program;
mod reader;
mod refusal;
mod runs;
mod session;
mod shapes;
mod slots;
mod sound;
mod test;
mod walk;
mod witness;

pub use explain::Explanation;
pub use matcher::{Matcher, Scan, Scope};
pub use reader::{Bounds, Found, Reader, Scalar, Values};
pub use refusal::Refusal;

//! JSON read in place: a cursor over the bytes of one line, and the text of a string.

mod count;
mod cursor;
mod escape;

pub use count::exceeds;
pub use cursor::{Cursor, Malformed, Token};
pub use escape::unescape_into;

/// Deepest container that is entered. What is nested deeper is passed over, in constant space.
pub const MAX_DEPTH: usize = 64;

/// Most values of an event that is matched or explained.
pub const MAX_VALUES: usize = 1_000_000;

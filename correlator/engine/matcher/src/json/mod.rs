//! JSON read in place: a cursor over the bytes of one line, and the text of a string.

mod canonical;
mod count;
mod cursor;
mod escape;
mod lanes;
mod quotes;

pub use canonical::{canonical, is_canonical, write_canonical};
pub use count::exceeds;
pub use cursor::{Cursor, Malformed, Token};
pub use escape::unescape_into;
pub use quotes::Quotes;

/// Deepest container that is entered. What is nested deeper is passed over, in constant space.
pub const MAX_DEPTH: usize = 64;

/// Most values of an event that is matched or explained.
pub const MAX_VALUES: usize = 1_000_000;

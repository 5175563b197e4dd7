//! JSON read in place: a cursor over the bytes of one line, and the text of a string.

mod cursor;
mod escape;

pub use cursor::{Cursor, Malformed, Token};
pub use escape::unescape_into;

/// Deepest container that is entered. What is nested deeper is passed over, in constant space.
pub const MAX_DEPTH: usize = 64;

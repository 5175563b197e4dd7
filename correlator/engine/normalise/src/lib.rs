//! Records of high volume to finished events of `docs/events.md`, line by line, byte for byte as the normalisers and
//! `finish` in Python make them.
//!
//! [`Windows`] knows the common form of a record. Whatever it is not sure of — another form, a value that is spelled
//! unusually, what is wrong — it leaves to the long way in Python, which alone decides what is refused and why. So a
//! mistake here can only be one of the form that it takes itself, and a property test holds the two ways equal there.

mod address;
mod categories;
mod draft;
mod object;
mod stamp;
mod tables;
mod text;
mod tree;
mod windows;

pub use stamp::micros;
pub use tables::Tables;
pub use windows::{Arrival, Windows};

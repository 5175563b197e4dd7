//! What hostile bytes are put through, and what must then still be true.
//!
//! Each module has one function over arbitrary bytes that panics where the engine breaks a promise. The fuzz targets
//! (`../fuzz`) call them for as long as they are let, the tests of this crate with the seeds and bent copies of them.

pub mod event;
pub mod form;
pub mod state;

/// Reads pieces off the front of bytes; what is missing at the end is zero or empty.
struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn time(&mut self) -> i64 {
        let bytes = self.take(8);
        bytes.iter().fold(0_i64, |value, byte| value << 8 | i64::from(*byte))
    }

    /// A piece with its length (two bytes, the higher first) before it.
    fn piece(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()) << 8 | usize::from(self.byte());
        self.take(length)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        first
    }
}

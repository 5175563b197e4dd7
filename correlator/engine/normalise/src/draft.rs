//! The end of normalising: what every event has, as `finish` in Python adds it.

use blake2::{Blake2b, Digest, digest::consts::U16};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// An id made of what was said and by whom.
pub fn content_id(provider: &[u8], identity: &[u8], content: &[u8]) -> String {
    let mut digest = Blake2b::<U16>::new();
    for part in [provider, identity] {
        digest.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.update(content);
    let bytes = digest.finalize();
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(HEX[usize::from(digit)])).collect()
}

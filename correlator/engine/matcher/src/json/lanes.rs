//! Sixty-four bytes classed at once, a bit for each.

use wide::i8x16;

/// Bits of a block of 64 bytes, the lowest for the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    pub quotes: u64,
    pub backslashes: u64,
    /// `u` and `/`: escaped, they are one of several ways to write a character.
    pub doubtful: u64,
    /// Not zero where some byte is a control character or outside ASCII.
    pub unprintable: u64,
}

/// Class a block, in registers that every x86-64 and every AArch64 has.
#[inline(always)]
pub fn lanes(block: &[u8; 64]) -> Lanes {
    let parts: [i8x16; 4] =
        std::array::from_fn(|part| i8x16::from(std::array::from_fn::<i8, 16, _>(|at| block[part * 16 + at] as i8)));
    let equal = |byte: u8| parts.map(|part| part.simd_eq(i8x16::splat(byte as i8)));
    let (us, slashes) = (equal(b'u'), equal(b'/'));
    // Compared as signed, bytes outside ASCII are below zero.
    let [a, b, c, d] = parts.map(|part| part.simd_lt(i8x16::splat(b' ' as i8)));
    Lanes {
        quotes: bits(equal(b'"')),
        backslashes: bits(equal(b'\\')),
        doubtful: bits(std::array::from_fn(|part| us[part] | slashes[part])),
        unprintable: u64::from((a | b | c | d).to_bitmask()),
    }
}

#[inline(always)]
fn bits(parts: [i8x16; 4]) -> u64 {
    let [a, b, c, d] = parts.map(|part| u64::from(part.to_bitmask() as u16));
    a | b << 16 | c << 32 | d << 48
}

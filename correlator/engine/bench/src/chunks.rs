//! Events as they come: the whole file in memory, or a piece after the other.

use std::{
    fs::{self, File},
    io::{self, Read},
};

/// Bytes that are read or handed to a thread at a time, as in `impetus match`.
const CHUNK: usize = 1 << 20;

/// Where events are read from.
pub enum Events {
    /// All of them are in memory.
    Memory(Vec<u8>),
    /// They are read while they are matched.
    File(File),
}

impl Events {
    /// Open a file, and with `memory` read it whole.
    pub fn open(path: &str, memory: bool) -> io::Result<Self> {
        if memory { fs::read(path).map(Self::Memory) } else { File::open(path).map(Self::File) }
    }

    /// Give every piece of about a mebibyte of whole lines to `take`, in order.
    pub fn each<E: From<io::Error>>(&mut self, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Memory(data) => chunks(data).try_for_each(take),
            Self::File(file) => {
                let mut begun = Vec::with_capacity(2 * CHUNK);
                while file.by_ref().take(CHUNK as u64).read_to_end(&mut begun)? > 0 {
                    if let Some(end) = memchr::memrchr(b'\n', &begun) {
                        take(&begun[..=end])?;
                        begun.drain(..=end);
                    }
                }
                if begun.is_empty() { Ok(()) } else { take(&begun) }
            }
        }
    }
}

/// Pieces of about a mebibyte that end where a line ends.
pub fn chunks(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let least = CHUNK.min(rest.len());
        let end = memchr::memchr(b'\n', &rest[least..]).map_or(rest.len(), |at| least + at + 1);
        let (chunk, left) = rest.split_at(end);
        rest = left;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// The lines of a piece, without their ends.
pub fn lines(chunk: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = chunk.strip_suffix(b"\n").unwrap_or(chunk);
    let mut rest = (!chunk.is_empty()).then_some(whole);
    std::iter::from_fn(move || {
        let from = rest?;
        let end = memchr::memchr(b'\n', from);
        rest = end.map(|at| &from[at + 1..]);
        Some(end.map_or(from, |at| &from[..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_nothing_is_lost() {
        let line = format!("{}\n", "x".repeat(3000));
        let data = line.repeat(1000) + "the last";
        let pieces: Vec<_> = chunks(data.as_bytes()).collect();
        assert_eq!(pieces.concat(), data.as_bytes());
        assert!(pieces.len() > 2 && pieces[..pieces.len() - 1].iter().all(|piece| piece.ends_with(b"\n")));
        assert_eq!(pieces.iter().map(|piece| lines(piece).count()).sum::<usize>(), 1001);
        assert_eq!(chunks(b"").count(), 0);
    }

    #[test]
    fn lines_are_those_between_ends() {
        let found = |data: &'static str| lines(data.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("a\nb\n"), [b"a", b"b"]);
        assert_eq!(found("a\n\nb"), [&b"a"[..], b"", b"b"]);
        assert_eq!(found("\n"), [b""]);
        assert!(found("").is_empty());
    }
}

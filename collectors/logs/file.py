"""A log file that can be told from its successors, however it is rotated, and read on where reading stopped."""

import gzip
import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Self, cast

import msgspec
import zstandard

HEAD = 1024
"""A file is known by its first line, as far as its first so many bytes."""
TAIL = 64
"""… and by the last so many bytes in front of the position."""
PACKED = (".gz", ".zst")


class Position(msgspec.Struct, frozen=True):
    """Where to go on reading: a place in a file that is found again under another name, or after a copy."""

    fingerprint: str
    """Of the first line."""
    tail: str
    """Of the bytes in front of ``offset``."""
    device: int
    inode: int
    offset: int
    line: int
    generation: int = 0
    """How often the log was rotated so far: the same line at the same place of two generations is two records."""
    shift: int | None = None
    """How far (µs) a recording is moved in time."""


class LogFile:
    """An open file. Plain files may grow while they are read; packed ones (``.gz``, ``.zst``) are read as they are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw = path.open("rb", buffering=0)
        self._packed = path.suffix in PACKED
        self._stream = (
            _unpack(path.suffix, cast("BinaryIO", self._raw)) if self._packed else cast("BinaryIO", self._raw)
        )
        status = os.fstat(self._raw.fileno())
        self.device, self.inode = status.st_dev, status.st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int) -> bytes:
        """The next bytes; none at what is the end now."""
        return self._stream.read(size)

    def skip_to(self, offset: int) -> None:
        """Go on at an offset (bytes, unpacked)."""
        if not self._packed:
            self._stream.seek(offset)
            return
        while offset > 0 and (chunk := self._stream.read(min(offset, 1 << 20))):
            offset -= len(chunk)

    def fingerprint(self) -> str | None:
        """Digest of the first line; None as long as that is not written."""
        if self._packed:
            with self._raw_again() as raw:
                head = _unpack(self.path.suffix, raw).read(HEAD)
        else:
            head = os.pread(self._raw.fileno(), HEAD, 0)
        first, end, _ = head.partition(b"\n")
        return digest(first + end) if end or len(head) == HEAD or (self._packed and head) else None

    def tail(self, offset: int) -> str:
        """Digest of the bytes in front of an offset; of none for a packed file, which never changes."""
        if self._packed:
            return digest(b"")
        start = max(0, offset - TAIL)
        return digest(os.pread(self._raw.fileno(), offset - start, start))

    def is_of(self, position: Position) -> bool:
        """Whether it is the very file of the position, whatever is in it now."""
        return (self.device, self.inode) == (position.device, position.inode)

    def holds(self, position: Position) -> bool:
        """Whether the position is one in this file."""
        if position.offset == 0:
            return self.is_of(position)
        if self._packed:
            return self.fingerprint() == position.fingerprint
        return self.size() >= position.offset and self.tail(position.offset) == position.tail and (
            self.fingerprint() in {position.fingerprint, None}
        )  # fmt: skip

    def size(self) -> int:
        """Bytes in the file now (packed)."""
        return os.fstat(self._raw.fileno()).st_size

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def _raw_again(self) -> BinaryIO:
        return cast("BinaryIO", self.path.open("rb", buffering=0))


def digest(data: bytes) -> str:
    """A short digest to recognise bytes by."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _unpack(suffix: str, raw: BinaryIO) -> BinaryIO:
    if suffix == ".gz":
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    return cast(
        "BinaryIO", zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw, read_across_frames=True)
    )

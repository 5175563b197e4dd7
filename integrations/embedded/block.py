"""A block of the log: the events of one commit in three columns, each compressed and sealed by its own checksum.

A column is a BLAKE2b digest of 16 bytes and a Zstandard frame. The digest covers the frame, the column's name and the
block's number, so neither a flipped bit nor a column in a wrong place goes unnoticed. ``heads`` is small and enough to
answer whether an event is asked for; ``lines``, the log proper, can be read without it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import zstandard

from impetus.domain.batch import Commit, Head
from impetus.domain.errors import ImpetusError, Where

DIGEST_BYTES = 16
HEADS, ADDITIONS, LINES = "heads", "additions", "lines"
COLUMNS = (HEADS, ADDITIONS, LINES)


class Heads(NamedTuple):
    """What the events of a block are found by: per line its id and time (µs), per key the lines that have it."""

    ids: list[str]
    times: list[int]
    lines: dict[str, list[int]]


class KeyedHeads(NamedTuple):
    """The same where few keys are looked at: what is not is left encoded."""

    ids: msgspec.Raw
    times: msgspec.Raw
    lines: dict[str, msgspec.Raw]

    def read_ids(self) -> list[str]:
        """The ids of all lines."""
        return _ids_decoder.decode(self.ids)

    def read_times(self) -> list[int]:
        """The times of all lines."""
        return _numbers_decoder.decode(self.times)

    def read_lines(self, key: str) -> list[int]:
        """The lines that have a key of ``lines``."""
        return _numbers_decoder.decode(self.lines[key])


class Block(NamedTuple):
    """The events of one commit, compressed column by column, before they have a number in the log."""

    heads: Heads
    frames: tuple[bytes, bytes, bytes]

    def seal(self, number: int) -> tuple[bytes, ...]:
        """The columns, in the order of ``COLUMNS``, as they are stored in block ``number``."""
        named = zip(COLUMNS, self.frames, strict=True)
        return tuple(_digest(number, column, frame) + frame for column, frame in named)


_heads_encoder = msgspec.msgpack.Encoder()
_heads_decoder = msgspec.msgpack.Decoder(tuple[list[str], list[int], dict[str, list[int]]])
_keyed_decoder = msgspec.msgpack.Decoder(tuple[msgspec.Raw, msgspec.Raw, dict[str, msgspec.Raw]])
_ids_decoder = msgspec.msgpack.Decoder(list[str])
_numbers_decoder = msgspec.msgpack.Decoder(list[int])
_FEW = 500
"""Up to so many lines are cut out of a column, which is decompressed as far as the last; for more, or of a small
column, all of it is cut."""
_CHUNK = 1 << 18
_BREAK = ord("\n")


def encode(commit: Commit, compress: Callable[[bytes], bytes]) -> Block:
    """Compress the events of a commit. Raises ``ImpetusError`` where they would not come back as they went in."""
    count = len(commit.lines)
    if len(commit.heads) != count or len(commit.additions) not in {0, count}:
        raise ValueError(f"{count} lines, {len(commit.heads)} heads, {len(commit.additions)} additions")
    heads = _turn(commit.heads)
    additions = _join(commit.additions or (b"",) * count)
    frames = (compress(_heads_encoder.encode(heads)), compress(additions), compress(_join(commit.lines)))
    return Block(heads, frames)


def _turn(heads: Sequence[Head]) -> Heads:
    lines: defaultdict[str, list[int]] = defaultdict(list)
    for line, head in enumerate(heads):
        for key in head.keys:
            lines[key].append(line)
    return Heads([head.id for head in heads], [head.time for head in heads], lines)


def decode_heads(number: int, column: bytes) -> Heads:
    """The heads of a block. Raises ``ImpetusError`` ``store.damaged``."""
    data = _unseal(number, HEADS, column)
    try:
        return Heads(*_heads_decoder.decode(data))
    except msgspec.DecodeError as error:
        raise damaged(number, HEADS) from error


def decode_keyed_heads(number: int, column: bytes) -> KeyedHeads:
    """The heads of a block, as far as its keys. Raises ``ImpetusError`` ``store.damaged``."""
    data = _unseal(number, HEADS, column)
    try:
        return KeyedHeads(*_keyed_decoder.decode(data))
    except msgspec.DecodeError as error:
        raise damaged(number, HEADS) from error


def pick_lines(number: int, name: str, column: bytes, places: Sequence[int]) -> list[bytes]:
    """Some of the lines or the additions of a block, by rising place. Raises ``ImpetusError`` ``store.damaged``."""
    frame = _check_seal(number, name, column)
    try:
        if len(places) > _FEW or 0 <= zstandard.frame_content_size(frame) <= _CHUNK:
            lines = zstandard.ZstdDecompressor().decompress(frame).split(b"\n")
            return [lines[place] for place in places]
        return list(_cut(frame, places))
    except zstandard.ZstdError as error:
        raise damaged(number, name) from error


def _cut(frame: bytes, places: Sequence[int]) -> Iterator[bytes]:
    """Some lines of a column, decompressed chunk by chunk as far as the last of them."""
    import numpy as np  # noqa: PLC0415 - takes long to import, and a start does not search

    rest, line, wanted = b"", 0, iter(places)
    place = next(wanted, None)
    for chunk in _chunks(frame):
        data = rest + chunk
        # bytes.count takes four times as long where there is a line break every few hundred bytes.
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _BREAK)
        while place is not None and place < line + len(ends):
            at = place - line
            yield data[ends[at - 1] + 1 if at else 0 : ends[at]]
            place = next(wanted, None)
        if place is None:
            return
        line += len(ends)
        rest = data[ends[-1] + 1 :] if len(ends) else data
    yield rest


def _chunks(frame: bytes) -> Iterator[bytes]:
    with zstandard.ZstdDecompressor().stream_reader(frame) as reader:
        while chunk := reader.read(_CHUNK):
            yield chunk


def decode_lines(number: int, name: str, column: bytes) -> list[bytes]:
    """The lines or the additions of a block. Raises ``ImpetusError`` ``store.damaged``."""
    return _unseal(number, name, column).split(b"\n")


def _join(lines: Sequence[bytes]) -> bytes:
    # Line by line: to look for one byte is far cheaper than to count it.
    if any(b"\n" in line for line in lines):
        raise ImpetusError("event.malformed", "an event holds a line break", hint="Events are one line each.")
    return b"\n".join(lines)


def _check_seal(number: int, name: str, column: bytes) -> bytes:
    digest, frame = column[:DIGEST_BYTES], column[DIGEST_BYTES:]
    if _digest(number, name, frame) != digest:
        raise damaged(number, name)
    return frame


def _unseal(number: int, name: str, column: bytes) -> bytes:
    frame = _check_seal(number, name, column)
    try:
        return zstandard.ZstdDecompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise damaged(number, name) from error


def _digest(number: int, column: str, frame: bytes) -> bytes:
    place = number.to_bytes(8, "little")
    return blake2b(frame, digest_size=DIGEST_BYTES, salt=place, person=column.encode()).digest()


def damaged(number: int, part: str) -> ImpetusError:
    """The error that names a damaged block and the part of it that fails."""
    what = f"block {number} of the log fails its check ({part})"
    hint = "The rest of the log is served without it; restore the file from a backup to have it again."
    return ImpetusError("store.damaged", what, Where(key=f"block {number}"), hint)

"""The events that the lane may have to look at again: those that event time has not passed, and the ids of the newest.

An indicator that comes late concerns only events that are not final yet, so what is kept is bounded by their lateness.
"""

from collections import deque
from collections.abc import Iterator, Sequence

import msgspec
import zstandard

from impetus.domain.batch import Commit, Head, Revision
from impetus.domain.ports import EventQuery, StoredEvent

MOST = 1_000_000
"""So many events at most are kept to be looked at again, and so many ids."""

_encode = msgspec.msgpack.Encoder().encode


class Block(msgspec.Struct, array_like=True):
    """The events of one commit."""

    lines: tuple[bytes, ...]
    additions: tuple[bytes, ...]
    heads: tuple[Head, ...]

    @property
    def newest(self) -> int:
        """The newest event time in it (µs)."""
        return max(head.time for head in self.heads)


_decode = msgspec.msgpack.Decoder(Block).decode
_compressor = zstandard.ZstdCompressor(level=1)


def encode_block(commit: Commit) -> bytes:
    """The row that keeps the events of a commit until they are final."""
    row: bytes = _compressor.compress(_encode(Block(commit.lines, commit.additions, commit.heads)))
    return row


class RecentEvents:
    """Blocks by number, oldest first."""

    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._times: dict[int, int] = {}
        self._revised: dict[str, Revision] = {}
        self._events = 0

    def add(self, number: int, commit: Commit) -> None:
        """Take the events of a commit in, which has some."""
        self._put(number, Block(commit.lines, commit.additions, commit.heads))

    def revise(self, revision: Revision) -> Revision:
        """An event has other additions now; what is to be kept of it."""
        before = self._revised.get(revision.id)
        keys = (*before.keys, *revision.keys) if before is not None else revision.keys
        found = self._revised[revision.id] = msgspec.structs.replace(revision, keys=keys)
        return found

    def restore(self, number: int, row: bytes) -> None:
        """The events of a row that ``encode_block`` gave."""
        self._put(number, _decode(zstandard.decompress(row)))

    def _put(self, number: int, block: Block) -> None:
        self._blocks[number], self._times[number] = block, block.newest
        self._events += len(block.heads)

    def forget(self, now: int) -> Iterator[tuple[int, list[str]]]:
        """Forget the blocks that event time (µs) has passed, and of too many the oldest; gives their numbers, and the
        ids of their revised events."""
        passed = [number for number, newest in self._times.items() if newest < now]
        for number in passed:
            yield self._drop(number)
        while self._events > MOST:
            yield self._drop(next(iter(self._blocks)))

    def _drop(self, number: int) -> tuple[int, list[str]]:
        block = self._blocks.pop(number)
        del self._times[number]
        self._events -= len(block.heads)
        revised = [head.id for head in block.heads if head.id in self._revised] if self._revised else []
        for id in revised:
            del self._revised[id]
        return number, revised

    def find(self, query: EventQuery) -> list[StoredEvent]:
        """The events that a query asks for, newest first."""
        found = [event for number, block in self._blocks.items() for event in self._of(number, block, query)]
        found.sort(key=lambda event: -event.time)
        return found[: query.limit]

    def _of(self, number: int, block: Block, query: EventQuery) -> Iterator[StoredEvent]:
        for place, head in enumerate(block.heads):
            revision = self._revised.get(head.id) if self._revised else None
            keys = (*head.keys, *revision.keys) if revision else head.keys
            if is_asked(query, head, keys):
                given = block.additions[place] if block.additions else b""
                addition = revision.addition if revision else given
                yield StoredEvent(head.id, head.time, block.lines[place], addition, number)


def is_asked(query: EventQuery, head: Head, keys: Sequence[str]) -> bool:
    """Whether a query asks for an event."""
    start, end = query.span.start, query.span.end
    return (
        (start is None or head.time >= start)
        and (end is None or head.time < end)
        and (not query.any_keys or not set(query.any_keys).isdisjoint(keys))
        and set(query.keys) <= set(keys)
        and (not query.ids or head.id in query.ids)
    )


class RecentIds:
    """The ids of the newest events, a row for each block."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, tuple[str, ...]]] = deque()
        self._count = 0

    def add(self, number: int, ids: tuple[str, ...]) -> Iterator[int]:
        """Take the ids of a block in; gives the numbers of the blocks that are forgotten for it."""
        self._blocks.append((number, ids))
        self._count += len(ids)
        while self._count - len(self._blocks[0][1]) >= MOST:
            forgotten, old = self._blocks.popleft()
            self._count -= len(old)
            yield forgotten

    def newest(self, limit: int) -> list[str]:
        """About the newest ids, oldest first."""
        found = [id for _, ids in self._blocks for id in ids]
        return found[max(0, len(found) - limit) :]


class HeldPast:
    """Ids, oldest first, that are in memory already; see ``ports.Past``."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = dict.fromkeys(reversed(ids))

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of some ids that are among them."""
        return set(ids) & self._ids.keys()

    def read(self, least: int) -> Sequence[str]:
        """All of them, newest first; none when they were read."""
        read, self._ids = list(self._ids), {}
        return read

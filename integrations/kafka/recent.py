"""The events that the lane may have to look at again: those that event time has not passed, and the ids of the newest.

An indicator that comes late concerns only events that are not final yet, so what is kept is bounded by their lateness.
Of events that lie beside the lane only what they are found by is kept; their lines are fetched if they are asked for.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple, overload

import msgspec
import zstandard

from impetus.domain.batch import Commit, Head, Revision, Run, Traits
from impetus.domain.ports import EventQuery, Span, StoredEvent
from impetus.domain.run import Fetch, places_by_key, unpack

MOST = 1_000_000
"""So many events at most are kept to be looked at again, and so many ids."""

_encode = msgspec.msgpack.Encoder().encode


class Block(msgspec.Struct, array_like=True):
    """The events of one commit: its own, and its runs, whose traits have no ids here."""

    lines: tuple[bytes, ...]
    additions: tuple[bytes, ...]
    heads: tuple[Head, ...]
    runs: tuple[Run, ...] = ()

    @classmethod
    def of(cls, commit: Commit) -> "Block":
        """That of a commit."""
        runs = (msgspec.structs.replace(run, traits=msgspec.structs.replace(run.traits, ids=())) for run in commit.runs)
        return cls(commit.lines, commit.additions, commit.heads, tuple(runs))

    @property
    def newest(self) -> int:
        """The newest event time in it (µs)."""
        return max(chain((head.time for head in self.heads), *(unpack(run.traits.times) for run in self.runs)))

    def __len__(self) -> int:
        return len(self.heads) + sum(stop - start for run in self.runs for start, stop, _ in run.parts)


_decode = msgspec.msgpack.Decoder(Block).decode
_compressor = zstandard.ZstdCompressor(level=1)


def encode_block(block: Block) -> bytes:
    """The row that keeps the events of a commit until they are final."""
    row: bytes = _compressor.compress(_encode(block))
    return row


class _Place(NamedTuple):
    """Where an event is that was found: a place among the events of a block's own, or of its run."""

    time: int
    block: int
    run: int | None
    place: int


class RecentEvents:
    """Blocks by number, oldest first. ``fetch`` gives the events of their runs."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._blocks: dict[int, Block] = {}
        self._times: dict[int, int] = {}
        self._revised: dict[str, Revision] = {}
        self._events = 0

    def add(self, number: int, block: Block) -> None:
        """Take the events of a commit in, which has some."""
        self._blocks[number], self._times[number] = block, block.newest
        self._events += len(block)

    def revise(self, revision: Revision) -> None:
        """An event has other additions now."""
        self._revised[revision.id] = revision

    def restore(self, number: int, row: bytes) -> None:
        """The events of a row that ``encode_block`` gave."""
        self.add(number, _decode(zstandard.decompress(row)))

    def forget(self, now: int) -> Iterator[int]:
        """Forget the blocks that event time (µs) has passed, and of too many the oldest; gives their numbers."""
        for number in [number for number, newest in self._times.items() if newest < now]:
            yield self._drop(number)
        while self._events > MOST:
            yield self._drop(next(iter(self._blocks)))

    def forget_revisions(self, now: int) -> list[str]:
        """Forget the revisions of events that event time (µs) has passed; gives their ids."""
        passed = [id for id, revision in self._revised.items() if revision.time < now]
        for id in passed:
            del self._revised[id]
        return passed

    def _drop(self, number: int) -> int:
        self._events -= len(self._blocks.pop(number))
        del self._times[number]
        return number

    def find(self, query: EventQuery) -> "Sequence[StoredEvent]":
        """The events that have one of the keys of a query in its span, newest first.

        That is what indicators ask for; what else a query may say is not answered here.
        """
        keys = frozenset(query.any_keys)
        found = [place for number, block in self._blocks.items() for place in _find(number, block, keys, query.span)]
        found.sort(key=lambda place: -place.time)
        return _Found(self, found[: query.limit])

    def read(self, places: Sequence[_Place]) -> list[StoredEvent]:
        """Events that were found. Raises what ``Fetch`` raises."""
        by_record: dict[tuple[int, int | None], list[int]] = {}
        for at, place in enumerate(places):
            by_record.setdefault((place.block, place.run), []).append(at)
        events: dict[int, StoredEvent] = {}
        for (number, run), those in by_record.items():
            block = self._blocks[number]
            for at, event in zip(those, self._of(number, block, run, [places[at].place for at in those]), strict=True):
                events[at] = event
        return [events[at] for at in range(len(places))]

    def _of(self, number: int, block: Block, run: int | None, places: Sequence[int]) -> Iterator[StoredEvent]:
        if run is None:
            for place in places:
                head = block.heads[place]
                addition = block.additions[place] if block.additions else b""
                yield self._stored(head.id, head.time, block.lines[place], addition, number)
            return
        there = block.runs[run]
        written = self._fetch(there.partition, there.offset)[there.batch]
        for place in places:
            id, time = written.ids[place], written.times[place]
            yield self._stored(id, time, written.lines[place], written.additions[place], number)

    def _stored(self, id: str, time: int, line: bytes, addition: bytes, number: int) -> StoredEvent:
        revision = self._revised.get(id)
        return StoredEvent(id, time, line, revision.addition if revision else addition, number)


class _Found(Sequence[StoredEvent]):
    """Events that were found; they are read when they are looked at."""

    def __init__(self, events: RecentEvents, places: Sequence[_Place]) -> None:
        self._events, self._places = events, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> StoredEvent: ...
    @overload
    def __getitem__(self, at: slice) -> list[StoredEvent]: ...
    def __getitem__(self, at: int | slice) -> StoredEvent | list[StoredEvent]:
        if isinstance(at, slice):
            return self._events.read(self._places[at])
        return self._events.read([self._places[at]])[0]

    def __iter__(self) -> Iterator[StoredEvent]:
        return iter(self[:])


def _find(number: int, block: Block, keys: frozenset[str], span: Span) -> Iterator[_Place]:
    """The events of a block that have one of some keys in a span."""
    for place, head in enumerate(block.heads):
        if not keys.isdisjoint(head.keys) and _is_within(head.time, span):
            yield _Place(head.time, number, None, place)
    for at, run in enumerate(block.runs):
        stops = [stop for _, stop, _ in run.parts]
        for place, time in _having(run.traits, keys):
            part = bisect_right(stops, place)
            if part < len(stops) and run.parts[part][0] <= place and _is_within(time, span):
                yield _Place(time, number, at, place)


def _having(traits: Traits, keys: frozenset[str]) -> Iterator[tuple[int, int]]:
    """The places of the events that have one of some keys, with their times, in order."""
    by_key = places_by_key(traits)
    places = {place for key in by_key.keys() & keys for place in by_key[key]}
    times = unpack(traits.times) if places else ()
    return ((place, times[place]) for place in sorted(places))


def _is_within(time: int, span: Span) -> bool:
    return (span.start is None or time >= span.start) and (span.end is None or time < span.end)


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

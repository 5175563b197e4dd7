"""Runs: events of a commit that lie elsewhere, whole, with what look-ups need of them in as few bytes as possible.

Where every event would cost a box that has no need of its line, a commit says which events of which record it means.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from impetus.domain.batch import Commit, Head, Traits

_decode = msgspec.msgpack.Decoder(dict[str, list[int]]).decode
_encode = msgspec.msgpack.Encoder().encode


class Written(msgspec.Struct, frozen=True, array_like=True):
    """A batch of events as they are to be stored, in columns: lines, additions, and their heads."""

    lines: tuple[bytes, ...]
    additions: tuple[bytes, ...]
    ids: tuple[str, ...]
    times: tuple[int, ...]
    keys: tuple[tuple[str, ...], ...]

    def heads(self, start: int, stop: int) -> Iterator[Head]:
        """The heads of the events from one place to another."""
        places = slice(start, stop)
        return map(Head, self.ids[places], self.times[places], self.keys[places])


Fetch = Callable[[int, int], Sequence[Written]]
"""The batches of a record, by partition and offset. Raises ``ImpetusError``: ``cluster.unavailable`` while nobody
answers, ``cluster.record`` if it is not there any more."""


def pack(numbers: Sequence[int]) -> bytes:
    """Whole numbers as a column of bytes."""
    return struct.pack(f"<{len(numbers)}q", *numbers)


def unpack(column: bytes) -> tuple[int, ...]:
    """The numbers of a column."""
    return struct.unpack(f"<{len(column) // 8}q", column)


def traits_of(heads: Sequence[Head], kinds: frozenset[str]) -> Traits:
    """What look-ups need of events: of their keys those of some kinds (``address``, ``user`` …)."""
    sought: dict[str, list[int]] = {}
    for place, head in enumerate(heads):
        for key in head.keys:
            if key[: key.find(":")] in kinds:
                sought.setdefault(key, []).append(place)
    return Traits(tuple(head.id for head in heads), pack([head.time for head in heads]), _encode(sought))


def places_by_key(traits: Traits) -> Mapping[str, Sequence[int]]:
    """For each key of the events of a batch, the places of those that have it."""
    return _decode(traits.sought) if traits.sought else {}


def whole(commit: Commit, fetch: Fetch) -> Commit:
    """A commit with the events of its runs among its own, as one box would have made it. Raises what ``fetch`` does."""
    if not commit.runs:
        return commit
    lines: list[bytes] = []
    additions: list[bytes] = []
    heads: list[Head] = []
    at = 0
    for run in commit.runs:
        batch = fetch(run.partition, run.offset)[run.batch]
        for start, stop, before in run.parts:
            own, there, at = slice(at, before), slice(start, stop), before
            lines += commit.lines[own] + batch.lines[there]
            additions += commit.additions[own] + batch.additions[there]
            heads += [*commit.heads[own], *batch.heads(start, stop)]
    return msgspec.structs.replace(
        commit,
        lines=(*lines, *commit.lines[at:]),
        additions=(*additions, *commit.additions[at:]),
        heads=(*heads, *commit.heads[at:]),
        runs=(),
    )

"""Summaries out of memory: only those of the cases that changed last are in it, the others are state of the store.

A summary is written when it is to leave, and leaves once that is durable, if nothing was added to it since.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from correlator.incidents.case import Case
from correlator.incidents.summary import Summary
from impetus.domain.batch import Key
from impetus.domain.keyrange import KeyRange, only

AWAKE = 5_000
"""So many summaries are in memory, beside those of the last commits."""

SPACE = "summary"
"""Of the state: key the incident."""

Pieces = Callable[[str, Sequence[KeyRange]], Iterable[tuple[bytes, bytes]]]


class Summaries:
    """Which summaries are in memory, and which leave it next."""

    def __init__(self, recall: Callable[[Case], None]) -> None:
        """``recall`` brings all alerts of a case into memory."""
        self._recall = recall
        self._read: Pieces | None = None
        self._awake: dict[Case, None] = {}
        """Cases by when their summary was last asked for or written."""
        self._leaving: dict[Case, None] = {}
        self._given: dict[Case, None] = {}
        """Cases of which the summary went into commits that may not be durable yet."""
        self._pieces: dict[str, bytes | None] = {}
        self._resting: dict[str, bytes] = {}
        """Summaries that left memory before there was a commit to go into, in their short form."""
        self._rested: list[str] = []
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Summary)

    def open(self, read: Pieces) -> None:
        """Let summaries leave memory from now on: they can be read again. Until then none does."""
        self._read = read

    def use(self, case: Case) -> None:
        """The summary of a case is in memory, and was just written or asked for."""
        self._awake.pop(case, None)
        self._awake[case] = None
        case.shelf = self

    def read(self, case: Case) -> Summary | None:
        """The summary of a case that left memory; None if it was damaged: all alerts of the case are in memory then."""
        self.use(case)
        found = self._decode(self._pieces_of([case.id]).get(case.id, b""))
        if found is None:
            self._recall(case)
        return found

    def wake(self, cases: Iterable[Case]) -> None:
        """Have the summaries of some cases in memory: that is cheaper than to ask for each."""
        asleep = {case.id: case for case in cases if case.asleep}
        for id, piece in self._pieces_of(asleep).items():
            found, case = self._decode(piece), asleep[id]
            if found is not None:
                case.sum, case.asleep = found, False
                self.use(case)

    def _pieces_of(self, ids: Iterable[str]) -> dict[str, bytes]:
        found = {id: self._resting.pop(id) for id in ids if id in self._resting}
        keys = [id.encode() for id in ids if id not in found]
        if self._read is not None and keys:
            found |= {key.decode(): piece for key, piece in self._read(SPACE, [only(key) for key in keys])}
        return found

    def rest(self) -> None:
        """Let too many summaries leave memory before there is a commit to go into: it is a few of them at a time."""
        for case in self._surplus():
            self._resting[case.id] = self._encoder.encode(case.sum)
            case.sum, case.asleep = None, True

    def _surplus(self) -> Iterator[Case]:
        """The cases whose summary is to leave memory; it is not among those in memory any more."""
        for _ in range(len(self._awake) - AWAKE if self._read is not None else 0):
            case = next(iter(self._awake))
            del self._awake[case]
            if case.sum is not None and case.taken_over_by is None:
                case.filed = True
                yield case

    def _decode(self, piece: bytes) -> Summary | None:
        try:
            return self._decoder.decode(piece)
        except msgspec.DecodeError:
            return None

    def forget(self, case: Case) -> None:
        """A case is no more, and so is what is on record of its summary."""
        for cases in (self._awake, self._leaving, self._given):
            cases.pop(case, None)
        self._resting.pop(case.id, None)
        if case.filed:
            self._pieces[case.id] = None

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """What goes into the next commit: the summaries that are to leave memory, and those that are no more."""
        for case in self._surplus():
            self._pieces[case.id] = self._encoder.encode(case.sum)
            self._leaving[case] = None
        for id in islice(self._resting, AWAKE):
            self._pieces[id] = self._resting[id]
            self._rested.append(id)
        for id, piece in sorted(self._pieces.items()):
            yield Key(SPACE, id.encode()), piece
        self._pieces.clear()
        self._given |= self._leaving
        self._leaving.clear()

    def committed(self) -> None:
        """All that was given is durable: summaries leave memory, but for those that were asked for meanwhile."""
        for case in self._given:
            if case not in self._awake and case.taken_over_by is None:
                case.sum, case.asleep = None, True
        self._given.clear()
        for id in self._rested:
            self._resting.pop(id, None)
        self._rested.clear()

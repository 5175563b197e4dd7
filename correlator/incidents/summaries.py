"""Summaries out of memory: only those of the cases that changed last are in it, the others are state of the store.

A summary is written when it is to leave, and leaves once that is durable, if nothing was added to it since.
"""

from collections.abc import Callable, Iterator

import msgspec

from correlator.incidents.case import Case
from correlator.incidents.summary import Summary
from impetus.domain.batch import Key

AWAKE = 5_000
"""So many summaries are in memory, beside those of the last commits."""

State = Callable[[str], Iterator[tuple[bytes, bytes]]]


class Summaries:
    """Which summaries are in memory, and which leave it next."""

    def __init__(self, recall: Callable[[Case], None]) -> None:
        """``recall`` brings all alerts of a case into memory."""
        self._recall = recall
        self._state: State | None = None
        self._awake: dict[Case, None] = {}
        """Cases by when their summary was last asked for or written."""
        self._leaving: dict[Case, None] = {}
        self._given: dict[Case, None] = {}
        """Cases of which the summary went into commits that may not be durable yet."""
        self._pieces: dict[str, bytes | None] = {}
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Summary)

    def open(self, state: State) -> None:
        """Let summaries leave memory from now on: they can be read again. Until then none does."""
        self._state = state

    def use(self, case: Case) -> None:
        """The summary of a case is in memory, and was just written or asked for."""
        self._awake.pop(case, None)
        self._awake[case] = None
        case.shelf = self

    def read(self, case: Case) -> Summary | None:
        """The summary of a case that left memory; None if it was damaged: all alerts of the case are in memory then."""
        self.use(case)
        pieces = list(self._state(_space(case.id))) if self._state is not None else []
        try:
            return self._decoder.decode(pieces[0][1])
        except (IndexError, msgspec.DecodeError):
            self._recall(case)
            return None

    def forget(self, case: Case) -> None:
        """A case is no more, and so is what is on record of its summary."""
        for cases in (self._awake, self._leaving, self._given):
            cases.pop(case, None)
        if case.filed:
            self._pieces[case.id] = None

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """What goes into the next commit: the summaries that are to leave memory, and those that are no more."""
        for _ in range(len(self._awake) - AWAKE if self._state is not None else 0):
            case = next(iter(self._awake))
            del self._awake[case]
            if case.sum is not None and case.taken_over_by is None:
                self._pieces[case.id] = self._encoder.encode(case.sum)
                self._leaving[case] = None
                case.filed = True
        for id, piece in sorted(self._pieces.items()):
            yield Key(_space(id), b""), piece
        self._pieces.clear()
        self._given |= self._leaving
        self._leaving.clear()

    def committed(self) -> None:
        """All that was given is durable: summaries leave memory, but for those that were asked for meanwhile."""
        for case in self._given:
            if case not in self._awake and case.taken_over_by is None:
                case.sum, case.asleep = None, True
        self._given.clear()


def _space(incident: str) -> str:
    return f"summary:{incident}"

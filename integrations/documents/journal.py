"""The journal: the embedded store as the log in front of an index, with what the index has still to be told.

A commit is durable here, as a whole, before anything is indexed. So nothing is lost while the cluster cannot be
reached, and what was half indexed is indexed again.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from impetus.domain.batch import Commit, Key, Revision
from impetus.domain.ports import EventQuery, Span
from impetus.domain.retention import Cutoffs, Removed
from integrations.documents.document import Entry
from integrations.embedded.store import EmbeddedStore

_SPACE = "index.revisions"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Revision, ...]).decode


class Journal(EmbeddedStore):
    """The embedded store, which also keeps each revision of an event until the index has it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._nudges: list[Callable[[], None]] = []
        newest = max((int.from_bytes(key) for key, _ in self.state(_SPACE)), default=0)
        self._numbers = itertools.count(newest + 1)
        self._numbering = threading.Lock()
        self.indexed: Callable[[], int] = lambda: 0
        """The newest block up to which the index has all; retention leaves what comes behind."""
        self.revised = newest
        """The number of the newest set of revisions."""

    def on_commit(self, nudge: Callable[[], None]) -> None:
        """Call this behind every commit, from the thread that made it."""
        self._nudges.append(nudge)

    def commit(self, commit: Commit) -> int:
        """Make a step durable as a whole; returns the cursor behind its incident changes."""
        number = 0
        held = self._held(commit.revisions)
        if held:
            number = next(self._numbers)
            told = (Key(_SPACE, number.to_bytes(8)), _encode(held))
            commit = replace(commit, state=(*commit.state, told))
        cursor = super().commit(commit)
        with self._numbering:
            self.revised = max(self.revised, number)
        for nudge in self._nudges:
            nudge()
        return cursor

    def _held(self, revisions: tuple[Revision, ...]) -> tuple[Revision, ...]:
        """Those whose event is there: the others change nothing, also when such an event comes later."""
        if not revisions:
            return ()
        ids, times = tuple(one.id for one in revisions), [one.time for one in revisions]
        found = self.events(EventQuery(ids=ids, span=Span(min(times), max(times) + 1), limit=len(ids)))
        known = {event.id for event in found}
        return tuple(one for one in revisions if one.id in known)

    def sweep(self, cutoffs: Cutoffs, now: int, upto: int | None = None) -> Iterator[Removed]:
        """Remove what is due and in the index."""
        indexed = self.indexed()
        return super().sweep(cutoffs, now, indexed if upto is None else min(upto, indexed))

    def revisions(self) -> list[tuple[int, tuple[Revision, ...]]]:
        """The sets of revisions that were not forgotten yet, each with its number, in order."""
        return [(int.from_bytes(key), _decode(value)) for key, value in self.state(_SPACE)]

    def forget(self, numbers: Sequence[int]) -> None:
        """The index has these sets of revisions."""
        if numbers:
            super().commit(Commit(state=tuple((Key(_SPACE, number.to_bytes(8)), None) for number in numbers)))

    def portion(self, after: int, newest: int, most: int) -> tuple[int, list[Entry]]:
        """The events of the next blocks behind ``after``: of at least one, and of more while there are fewer than
        ``most``. Gives the last block that was looked at; damaged ones are reported and left out."""
        entries: list[Entry] = []
        last = after
        while last < newest and (not entries or len(entries) < most):
            last += 1
            entries += [
                Entry(head.id, head.time, head.keys, line, addition, last)
                for head, line, addition in self.entries(last)
            ]
        return last, entries

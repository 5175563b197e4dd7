"""Traces: by which names an alert that left memory is found again. A dozen bytes for each name.

A name is kept as its hash, in runs that are sorted and searched by halves. What is found may be too much, never too
little: whoever asks looks at the alert itself.
"""

from array import array
from bisect import bisect_left
from collections.abc import Container, Iterator
from heapq import merge

BEGINNING = -(1 << 63)
"""No event time is before this."""
FRESH = 1 << 16
"""So many names are in a dictionary before they become a run."""
FAN = 8
"""So many runs of one size become one."""


class Run:
    """Hashes in order, each with the number of the pack in which an alert of that name is."""

    __slots__ = ("hashes", "level", "newest", "packs")

    def __init__(self, entries: Iterator[tuple[int, int]], newest: int, level: int) -> None:
        self.hashes, self.packs = array("q"), array("I")
        for hashed, pack in entries:
            self.hashes.append(hashed)
            self.packs.append(pack)
        self.newest, self.level = newest, level

    def find(self, hashed: int) -> Iterator[int]:
        """The packs of a name."""
        at = bisect_left(self.hashes, hashed)
        while at < len(self.hashes) and self.hashes[at] == hashed:
            yield self.packs[at]
            at += 1

    def entries(self) -> Iterator[tuple[int, int]]:
        """All of it, in order."""
        return zip(self.hashes, self.packs, strict=True)


class Traces:
    """Names → numbers of packs. ``packs`` are the numbers that still mean something; the others are let go."""

    def __init__(self, packs: Container[int]) -> None:
        self._packs = packs
        self._fresh: dict[int, tuple[int, ...]] = {}
        self._newest = BEGINNING
        self._runs: list[Run] = []

    def add(self, name: str, pack: int, at: int) -> None:
        """Note that an alert of a name, with its newest event at an event time (µs), is in a pack."""
        hashed = hash(name)
        known = self._fresh.get(hashed, ())
        if pack not in known[-1:]:
            self._fresh[hashed] = (*known, pack)
        self._newest = max(self._newest, at)
        if len(self._fresh) >= FRESH:
            self._store()

    def find(self, name: str, first: int = BEGINNING) -> set[int]:
        """The packs in which alerts of a name may be, but for those with no event at ``first`` (µs) or later."""
        hashed = hash(name)
        found = set(self._fresh.get(hashed, ()))
        for run in self._runs:
            if run.newest >= first:
                found.update(run.find(hashed))
        return found

    def _store(self) -> None:
        fresh = sorted(self._fresh.items())
        self._runs.append(Run(((one, pack) for one, packs in fresh for pack in packs), self._newest, 0))
        self._fresh, self._newest = {}, BEGINNING
        while len(self._runs) >= FAN and len({run.level for run in self._runs[-FAN:]}) == 1:
            self._unite()

    def _unite(self) -> None:
        runs = self._runs[-FAN:]
        entries = (entry for entry in merge(*(run.entries() for run in runs)) if entry[1] in self._packs)
        self._runs[-FAN:] = [Run(entries, max(run.newest for run in runs), runs[0].level + 1)]

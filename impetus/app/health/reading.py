"""A reading: all that is measured of the running system at one moment. Conditions and metrics are made of it alone."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from impetus.app.health.growth import Growth
from impetus.app.tally import Tally, damaged_parts
from impetus.domain.condition import Vitals
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import SECOND
from impetus.domain.ports import Clock, Store

RECENTLY = 600 * SECOND
"""What grew within so long (µs) is still going on."""
SIDE_FILES = ("", "-wal", "-shm")
"""The files of a store: what is behind its name."""


class Disk(msgspec.Struct, frozen=True):
    """The disk of the store."""

    folder: str = ""
    used: float = 0.0
    """The part that is used, of what can be used, 0 to 1."""
    store_bytes: int = 0


class Reading(msgspec.Struct, frozen=True):
    """One moment. Times in µs; what is by source is by configured name."""

    now: int
    vitals: Vitals = Vitals()
    states: Mapping[str, tuple[str, str]] = {}
    """State and problem by source, as supervision sees them."""
    sinks: Mapping[str, str] = {}
    """Why a sink takes nothing, by sink; empty while it does."""
    events: Mapping[str, int] = {}
    rejects: Mapping[str, int] = {}
    alerts: Mapping[str, int] = {}
    """New alerts by level."""
    duplicates: int = 0
    open_incidents: int = 0
    waiting: int = 0
    """Records that were handed over and are not durable yet."""
    stepped: int = 0
    """When the last step was made durable."""
    refused: str = ""
    """Why the store refuses to write, while it does."""
    unindexed: str = ""
    """Why nothing is indexed, while that is so."""
    behind: int = 0
    """Blocks of the log that are not indexed yet."""
    disk: Disk = Disk()
    damaged: tuple[ImpetusError, ...] = ()
    """What of the store was found damaged."""
    raised: Mapping[str, int] = {}
    """New alerts by title of the rule, over the last minutes."""
    skewed: Mapping[str, int] = {}
    """By source, events lately whose times are far from their arrival."""
    shed: Mapping[str, int] = {}
    """By source, records lately that found no room and are lost."""
    bounded: Mapping[str, int] = {}
    """By rule, matches lately that were left out because a bound was hit."""
    removed: Mapping[str, int] = {}
    """What retention removed, by class."""
    problems: tuple[ImpetusError, ...] = ()
    """Rules that cannot be used."""


class Instruments:
    """Takes readings of a running system; from any thread, one at a time."""

    def __init__(self, tally: Tally, store: Store, path: Path, clock: Clock, waiting: Callable[[], int]) -> None:
        self._tally, self._store, self._path, self._clock, self._waiting = tally, store, path, clock, waiting
        self._skewed, self._bounded, self._shed = Growth(RECENTLY), Growth(RECENTLY), Growth(RECENTLY)

    def read(self) -> Reading:
        """A reading of now."""
        tally, now = self._tally, self._clock()
        vitals = tally.vitals
        bounded = {one.about: one.count for one in tally.notices if one.code == "window.bounded"}
        return Reading(
            now=now,
            vitals=vitals,
            states=dict(tally.states),
            sinks=dict(tally.sinks),
            events=tally.events,
            rejects=tally.rejects,
            alerts=tally.alerts,
            duplicates=tally.duplicates,
            open_incidents=self._open(),
            waiting=self._waiting(),
            stepped=tally.stepped,
            refused=tally.refused,
            unindexed=tally.indexing()[0],
            behind=tally.indexing()[1],
            disk=read_disk(self._path),
            damaged=tuple(damaged_parts(self._store)),
            raised=tally.raised.recent(now),
            skewed=self._skewed.grown({name: one.skewed for name, one in vitals.sources.items()}, now),
            shed=self._shed.grown({name: one.passage.shed for name, one in vitals.sources.items()}, now),
            bounded=self._bounded.grown(bounded, now),
            removed=tally.removed,
            problems=tally.problems,
        )

    def _open(self) -> int:
        try:
            return self._store.counts().get("open", 0)
        except ImpetusError:
            return 0  # what ails the store is told by what it refuses


def read_disk(store: Path) -> Disk:
    """How full the disk of a store is, as ``df`` says it, and how much of it is the store."""
    folder = next(parent for parent in store.absolute().parents if parent.exists())
    usage = shutil.disk_usage(folder)
    files = (store.with_name(store.name + side) for side in SIDE_FILES)
    used = usage.used / ((usage.used + usage.free) or 1)
    return Disk(str(folder), used, sum(_size(file) for file in files))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0

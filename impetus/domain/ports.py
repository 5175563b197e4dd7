"""Every seam as a Protocol. An adapter implements one and is found by its entry point; none imports another.

What an adapter of each port promises stands in ``docs/contracts``; one contract test per port runs against all.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec

from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.alert import Alert
from impetus.domain.batch import Batch, Commit, Control, Reject
from impetus.domain.cascade import Cascade
from impetus.domain.errors import ImpetusError
from impetus.domain.event import Json
from impetus.domain.incident import Incident
from impetus.domain.keyrange import KeyRange
from impetus.domain.plan import LedgerLine
from impetus.domain.query.tree import Node
from impetus.domain.reload import Reloaded
from impetus.domain.status import Status

Clock = Callable[[], int]
"""Now, in µs since the epoch. Injected everywhere, so that a test or a replay can stop it."""


class Normalise(Protocol):
    """Turns one decoded record of a source into events of ``docs/events.md``.

    It sets what it knows (``@timestamp``, ``event.*``, ``logsource.*``, ``city.domain`` …);
    ``collectors.normalise.finish`` adds what every event needs and the record did not say.
    """

    def __call__(self, record: Mapping[str, Json]) -> Iterable[dict[str, Json]]:
        """The events of a record; raises ``ImpetusError`` on one that is none."""


class NormaliseLines(Protocol):
    """The fast way of a normaliser, for whole batches: from records as the source wrote them to finished lines.

    It gives what the normaliser and ``finish`` would give, to the byte, or leaves a record to them; it refuses nothing.
    """

    def __call__(
        self, records: Sequence[bytes], identities: Sequence[bytes], provider: str, created: str | None
    ) -> Sequence[bytes | None]:
        """For each record its one event, or None. ``created`` is the arrival; None means the event's own time."""


class Intake(Protocol):
    """Where collectors hand over. ``accept`` returns when the batch is durable: only then acknowledge the source."""

    async def accept(self, batch: Batch) -> None:
        """Take a batch; waits while the system is full (back-pressure)."""

    def position(self, source: str) -> bytes | None:
        """The position that was last made durable for a source, to go on from."""


class Collector(Protocol):
    """One source. ``Settings`` declares its keys in ``impetus.toml``; unknown keys are refused."""

    Settings: ClassVar[type[msgspec.Struct]]

    def __init__(self, name: str, settings: Any, intake: Intake, clock: Clock) -> None: ...

    async def run(self) -> None:
        """Take in until cancelled or at the end of a finite source; raises ``ImpetusError`` if it cannot go on."""


class Span(msgspec.Struct, frozen=True):
    """Event times from (included) to (excluded), µs; None is open."""

    start: int | None = None
    end: int | None = None


class EventQuery(msgspec.Struct, frozen=True):
    """Which events: any of ``ids``, all of ``keys`` (``device:D-214``, ``zone:Z4``), at least one of ``any_keys``,
    within ``span``; newest first."""

    keys: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    span: Span = Span()
    limit: int = 100
    any_keys: tuple[str, ...] = ()


class StoredEvent(msgspec.Struct, frozen=True):
    """An event as stored: the line as it came, and what enrichment added, in its newest revision."""

    id: str
    time: int
    line: bytes
    addition: bytes
    block: int = 0
    """The number of the block that it is in."""


class Sieve(msgspec.Struct, frozen=True):
    """What every event that is looked for has, so that blocks without such an event need not be opened.

    That is an event time within ``span``, and of each of ``clauses`` at least one key; ``keys`` are more keys of which
    the caller wants to know who has them. All keys are as ``impetus.domain.entity.fold_key`` makes them.
    """

    clauses: tuple[frozenset[str], ...] = ()
    keys: frozenset[str] = frozenset()
    span: Span = Span()
    values: tuple[frozenset[tuple[str, str]], ...] = ()
    """Of each, at least one field has that text, compared by ``fold_key``. A store may take no notice of it."""


class Sifted(msgspec.Struct, frozen=True):
    """The events of a block that passed a sieve, in columns: at least one."""

    ids: Sequence[str]
    times: Sequence[int]
    lines: Sequence[bytes]
    additions: Sequence[bytes]
    keys: Mapping[str, frozenset[int]]
    """Key of the sieve → the places, in the columns, of the events that have it."""
    rest: int | None
    """No event of what is sifted after this is newer (µs); None where nothing comes."""

    def event(self, place: int) -> StoredEvent:
        """The event at a place of the columns."""
        return StoredEvent(self.ids[place], self.times[place], self.lines[place], self.additions[place])


Shown = Callable[[StoredEvent], bytes]
"""An event as whoever asks may see it, one JSON object without its masks."""


class Question(msgspec.Struct, frozen=True):
    """What is searched for: a query, within a span.

    With ``shown``, words and patterns must be met by what the asker may see, too: a search tells nothing that the
    answer would hide.
    """

    query: Node
    span: Span = Span()
    shown: Shown | None = None


class Search(Protocol):
    """Answers queries over the stored events. Every method may be called from any thread."""

    def newest(self, question: Question, limit: int) -> Iterator[Sequence[StoredEvent]]:
        """The newest events that are asked for, newest first, in portions as they are found; empty ones meanwhile."""

    def every(self, question: Question) -> Iterator[Sequence[StoredEvent]]:
        """All events that are asked for, in portions, about newest first."""


class IncidentQuery(msgspec.Struct, frozen=True):
    """Which incidents: of these statuses (all if empty), this kind, in this zone, with a member of event time ``since``
    (µs) or later; highest risk first."""

    statuses: tuple[str, ...] = ()
    kind: str | None = None
    zone: str | None = None
    limit: int = 500
    since: int | None = None

    def asks_for(self, incident: Incident) -> bool:
        """Whether an incident is among those, however many there are."""
        return (
            incident.is_live
            and (not self.statuses or incident.status in self.statuses)
            and self.kind in {None, incident.kind}
            and (self.zone is None or self.zone in incident.zones)
            and (self.since is None or incident.updated >= self.since)
        )


FOREIGN, FOREIGN_BODY = "foreign", "foreign.body"
"""Spaces of state in which incidents of other installations lie: when each came (8 bytes) and what it is."""


class Past(Protocol):
    """The ids of about so many of the newest events of the log, of which none has been read yet."""

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of some ids that are among the ones that were not read yet."""

    def read(self, least: int) -> Sequence[str]:
        """The next ids, newest first, about so many; none at the end."""


class Store(Protocol):
    """The log and all that follows from it. One writer, many readers; every method may be called from any thread."""

    def commit(self, commit: Commit) -> int:
        """Make a step durable as a whole; returns the cursor behind its incident changes."""

    def state(self, space: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Every piece of state of a space whose key begins with a prefix: (key, value)."""

    def pieces(self, space: str, ranges: Sequence[KeyRange], most: int | None = None) -> list[tuple[bytes, bytes]]:
        """The pieces of state of a space whose keys lie in some ranges, those of each range by key.

        ``most`` are enough, and fewer mean that there are no more, whatever is damaged.
        """

    def positions(self) -> dict[str, bytes]:
        """The positions of all sources."""

    def controls(self) -> Sequence[tuple[int, Control]]:
        """Control records in order, each with the number (from 1) of the block that it takes effect before."""

    def past(self, limit: int) -> Past:
        """The ids of about the newest ``limit`` events in the log, to drop what is delivered again: asked and read bit
        by bit.
        """

    def log(self) -> Iterator[tuple[bytes, ...]]:
        """The blocks of the log, in order, each as its lines."""

    def newest(self) -> int:
        """The number of the newest block of the log; 0 while there is none."""

    def events(self, query: EventQuery) -> Sequence[StoredEvent]:
        """Events that a query asks for."""

    def sift(self, sieve: Sieve) -> Iterator[Sifted]:
        """The events that pass a sieve, block by block, the block with the newest event first."""

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """Alerts by id, in that order; unknown ids are left out."""

    def incident(self, id: str) -> Incident | None:
        """An incident by id; a superseded one gives the one that took its place."""

    def incidents(self, query: IncidentQuery) -> list[Incident]:
        """Incidents that a query asks for."""

    def cursor(self) -> int:
        """The cursor behind the newest incident change."""

    def changes(self, cursor: int, limit: int) -> list[tuple[int, Incident]]:
        """Incidents changed since a cursor, each once in its newest revision, in order, with the cursor behind it."""

    def ledger(self) -> list[LedgerLine]:
        """Every ledger line that holds."""

    def rejects(self, limit: int) -> list[Reject]:
        """The newest rejects, and only so many."""

    def counts(self) -> Mapping[str, int]:
        """Totals: ``events rejected duplicates alerts incidents ledger``, and ``open`` incidents."""

    def close(self) -> None:
        """Release the store."""


@runtime_checkable
class Verified(Protocol):
    """A store that checks what it reads, and can be looked through as a whole."""

    def damaged(self) -> Sequence[ImpetusError]:
        """What was found damaged since the store was opened."""

    def check(self) -> Sequence[ImpetusError]:
        """Read all of it and say what is damaged; takes as long as reading it takes."""


@runtime_checkable
class Inspected(Protocol):
    """A store that knows whether it was closed, and can be looked through while it is written."""

    unclean: bool
    """Whether some program that wrote it did not close it."""

    def inspect(self) -> Iterator[None]:
        """Check what an interrupted write may have touched, a small piece each step; ``Verified`` says what was found.

        Raises ``ImpetusError``.
        """


@runtime_checkable
class Portable(Protocol):
    """A store from which another can take over."""

    def holdings(self, ids: int, since: int | None) -> Iterator[Commit]:
        """All that a correlator over it goes on with, as commits of bounded size for a store that is empty: controls in
        force, state, alerts, incidents (superseded ones, too), the ids of about the newest ``ids`` events as heads
        without lines, and the events of every block that has some at ``since`` (event time, µs) or later.
        """


class Desk(Protocol):
    """Where actions of people are carried out, in order, durable when they return. Raises ``ImpetusError``."""

    async def act(self, action: Action) -> Incident:
        """Carry out an action; the same id again returns the incident as it is."""

    async def undo(self, undo: Undo) -> Incident:
        """Take an action back."""

    async def promote(self, promotion: Promotion) -> Incident | None:
        """Take an explanation of the plan back; the incident that its alert is in, if it is in one."""


class Steward(Protocol):
    """Who puts changed rules, city model and plan in force."""

    async def reload(self) -> Reloaded:
        """Read them again; in force from the next event on. Raises ``ImpetusError``, and then nothing has changed."""


class Feed(Protocol):
    """Tells that incidents changed, so that a watcher need not poll."""

    def changed(self) -> AsyncIterator[int]:
        """Yields the newest cursor whenever it moved."""


Foresight = Callable[[Incident], Cascade]
"""What else fails with the devices that an incident holds, by the city model in force."""


class Health(Protocol):
    """How the running system is."""

    def status(self) -> Status:
        """A snapshot; cheap enough to ask for once a second."""

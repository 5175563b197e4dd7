"""What moves: batches of events from collectors, and what one step of the correlator commits."""

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.incident import Incident
from impetus.domain.plan import LedgerLine


class Reject(msgspec.Struct, frozen=True):
    """A record that is no event: kept, counted and shown, with the reason."""

    source: str
    code: str
    what: str
    where: str
    record: bytes
    """The record, cut to 4 KiB."""


class Batch(msgspec.Struct, frozen=True):
    """Events of one source on their way in, with the position of the source behind them.

    ``lines`` are events of ``docs/events.md``: one JSON object each, no line break, with ``@timestamp``,
    ``event.id``, ``event.created`` and ``event.provider``. ``position`` is the collector's own (where to go on after a
    restart); it moves forward in the same transaction as the events.
    """

    source: str
    lines: tuple[bytes, ...]
    position: bytes | None = None
    rejects: tuple[Reject, ...] = ()
    shed: int = 0
    """Records that the source could not keep back and that found no room since the last batch: they are lost."""
    fleeting: bool = False
    """The source cannot bring these events again: what of them is not stored is lost, and counts as shed."""


class Key(msgspec.Struct, frozen=True, order=True):
    """The name of one piece of state: ``space`` (``windows``, ``joins``, ``plan`` …) and ``key`` in it."""

    space: str
    key: bytes


class Control(msgspec.Struct, frozen=True):
    """A control record of the log: the version of a rule set, city model, plan or indicator that takes effect here."""

    kind: str
    version: str
    body: bytes


class Head(msgspec.Struct, frozen=True):
    """What look-ups need of a stored event: time (µs), and the entity keys and zones by which it is found."""

    id: str
    time: int
    keys: tuple[str, ...]


class Traits(msgspec.Struct, frozen=True, array_like=True):
    """What look-ups need of a batch of events: their ids, and packed their times (µs) and the keys that they have."""

    ids: tuple[str, ...] = ()
    times: bytes = b""
    sought: bytes = b""


class Run(msgspec.Struct, frozen=True, array_like=True):
    """Events of a commit that lie elsewhere: of a batch of a record of a topic, by partition and offset.

    ``parts`` are places in the batch, from and to, each with how many events of the commit's own come before them.
    ``traits`` are those of the whole batch, for who commits; whoever follows has the record.
    """

    partition: int
    offset: int
    batch: int
    parts: tuple[tuple[int, int, int], ...]
    traits: Traits = Traits()


class Revision(msgspec.Struct, frozen=True):
    """New additions to an event of an earlier commit: an indicator came after it. The line of the log stays as it is.

    ``keys`` are what the event is found by from now on, besides the keys of its head.
    """

    id: str
    time: int
    addition: bytes
    keys: tuple[str, ...] = ()


class Commit(msgspec.Struct, frozen=True):
    """All that one step changes. It becomes durable as a whole or not at all."""

    lines: tuple[bytes, ...] = ()
    """Events as they came, in order: the log."""
    additions: tuple[bytes, ...] = ()
    """For each line what enrichment added: flat JSON object, or empty."""
    heads: tuple[Head, ...] = ()
    """For each line what it is found by."""
    revisions: tuple[Revision, ...] = ()
    """New additions to events of earlier commits."""
    duplicates: int = 0
    """Events that were in the log already and were left out."""
    positions: tuple[tuple[str, bytes], ...] = ()
    rejects: tuple[Reject, ...] = ()
    controls: tuple[Control, ...] = ()
    state: tuple[tuple[Key, bytes | None], ...] = ()
    """Pieces of state that changed; None removes one."""
    alerts: tuple[Alert, ...] = ()
    """Alerts that changed; one that is ``gone`` is removed."""
    incidents: tuple[Incident, ...] = ()
    """Incidents that changed, whole."""
    ledger: tuple[LedgerLine, ...] = ()
    withdrawn: tuple[LedgerLine, ...] = ()
    """Ledger lines that no longer hold: another alert overrode the explanation."""
    runs: tuple[Run, ...] = ()
    """Events among the lines that lie elsewhere. Before such a commit goes to a store with a log, they are put in."""

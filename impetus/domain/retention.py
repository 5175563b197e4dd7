"""Retention: how long what is kept stays, by class of data, and who removes it.

Ages are counted from when something was written, by the wall clock of this installation, never from the times that
senders give: an old capture that is replayed today is new, and nobody keeps or loses data by dating events.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol, get_args, runtime_checkable

import msgspec

DataClass = Literal["personal", "events", "alerts", "incidents", "audit"]
CLASSES: tuple[DataClass, ...] = get_args(DataClass)
RECORD = "retention"
"""The kind of control record that says what was removed."""


class Cutoffs(msgspec.Struct, frozen=True):
    """For each class, the instant (µs, wall clock) before which what was written goes; None keeps all of it.

    ``personal``: personal values of events, and refused records. ``events``: events with their lines of the ledger.
    ``alerts``: alerts of no incident. ``incidents``: those that are closed or expired, with their alerts. ``audit``:
    commands of people, set-ups that are no longer in force, and what retention did.
    """

    personal: int | None = None
    events: int | None = None
    alerts: int | None = None
    incidents: int | None = None
    audit: int | None = None
    settled: int | None = None
    """Event time (µs) before which nothing can change any more: newer alerts and incidents stay whatever their age."""

    def of(self, kind: DataClass) -> int | None:
        """The cut-off of a class."""
        cutoff: int | None = getattr(self, kind)
        return cutoff


class Removed(msgspec.Struct, frozen=True):
    """What was removed of a class: all of it was written before ``until`` (µs)."""

    kind: DataClass
    until: int
    count: int
    """Events, alerts, incidents or records. Of ``personal``, events that had personal values."""


class Due(msgspec.Struct, frozen=True):
    """How a class stands: what is there, and what of it goes now and next."""

    kind: DataClass
    kept: int
    """Events, alerts, incidents or records that are there. Of ``personal``, events with their personal values."""
    due: int
    """How many of those would go now, those that are held included."""
    held: int
    """How many of those that are due stay because an open incident has them."""
    oldest: int | None
    """When the oldest that is there was written, at the latest (µs); None where nothing is, or it is not known yet."""


@runtime_checkable
class Retention(Protocol):
    """A store that can remove what is old. Every method may be called from any thread, while it is written to."""

    def mark(self, now: int) -> None:
        """Note that all that is there now was written by a wall clock of ``now`` (µs); about once an hour."""

    def sweep(self, cutoffs: Cutoffs, now: int) -> Iterator[Removed]:
        """Remove what is due, a small durable step at a time, each counted once. Open incidents keep what they have.

        It may be left at any step and begun again. Where a class has nothing left to remove, one control record says
        what went in all.
        """

    def due(self, cutoffs: Cutoffs) -> Sequence[Due]:
        """How each class stands."""

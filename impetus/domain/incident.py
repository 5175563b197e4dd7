"""An incident: alerts that belong together, what people did with them, and why it weighs what it weighs."""

from typing import Literal

import msgspec

from impetus.domain.entity import Entity
from impetus.domain.rule import Level, rank

Status = Literal["open", "taken", "escalated", "closed"]
Kind = Literal["incident", "watch"]
Disposition = Literal["true_positive", "false_positive", "benign", "duplicate"]


class Term(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One named part of the risk, with its points and the evidence for it."""

    name: str
    points: int
    evidence: str = ""


class Risk(msgspec.Struct, frozen=True, gc=False):
    """A sum of named terms, 0 to 100; never of a person, always of an incident."""

    score: int = 0
    terms: tuple[Term, ...] = ()


class Member(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An alert of an incident and why it joined: ``opened it``, ``user vms-svc-07 as in …``, ``member of …``."""

    alert: str
    why: str
    count: int = 1
    """Repeats of the same rule on the same device are one row with a count."""
    repeats: tuple[str, ...] = ()
    """Alert ids of the first repeats; the others are on record as members of the incident."""
    first: int = 0
    """Event time (µs) of the earliest event of the row."""
    last: int = 0
    """Event time (µs) of the newest event of the row."""


class ActionRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing that a person did: who, when (µs, wall clock), what, why; undone or not."""

    id: str
    actor: str
    at: int
    verb: str
    note: str = ""
    disposition: str | None = None
    undone_by: str | None = None
    targets: tuple[str, ...] = ()
    """The incidents, alerts or devices that it was about beside its incident."""


class Incident(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What an analyst works on. Its id is made of its earliest opening alert."""

    id: str
    title: str
    kind: Kind
    severity: Level
    status: Status
    opened: int
    """Event time (µs) of the event that opened it."""
    updated: int
    """Event time (µs) of its newest member."""
    revision: int
    members: tuple[Member, ...]
    """Its rows, oldest first; of very many the first and the last ones."""
    events: tuple[str, ...]
    """Ids of the newest member events, by event time."""
    alerts: int = 0
    """How many alerts it has, those that no row lists included."""
    domains: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    linked: tuple[str, ...] = ()
    contested: tuple[str, ...] = ()
    """Devices that depend on one which this incident holds: what they say is in doubt until a person clears it."""
    risk: Risk = Risk()
    owner: str | None = None
    disposition: Disposition | None = None
    history: tuple[ActionRecord, ...] = ()
    supersedes: tuple[str, ...] = ()
    superseded_by: str | None = None
    exercise: bool = False
    withdrawn: bool = False
    """Its last alert no longer holds (the plan explained it late): kept for the record, in no list."""
    cause: str = ""
    """Why this revision came: ``new alert``, ``late event``, ``action`` …"""

    @property
    def is_live(self) -> bool:
        """Whether it holds: no other took its place, and its alerts were not withdrawn."""
        return self.superseded_by is None and not self.withdrawn

    @property
    def alert_ids(self) -> list[str]:
        """The ids of the alerts that its rows list, row by row."""
        return [id for member in self.members for id in (member.alert, *member.repeats)]


def urgency(incident: Incident) -> tuple[int, int, int, str]:
    """Where an incident stands in the queue, the least first: by risk, severity and newest member, then by id."""
    return -incident.risk.score, -rank(incident.severity), -incident.updated, incident.id

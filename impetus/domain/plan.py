"""The event plan: what a city expects on a day, as its team writes it in ``plan.yml``.

Pure values; ``correlator.plan`` reads the file, checks it and applies it. Times are RFC 3339 texts.
"""

from typing import Any

import msgspec

from impetus.domain.place import Location


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """From (included) to (excluded)."""

    from_: str
    to: str


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A named part of the day, everywhere or in some zones; sets ``plan.phase``."""

    name: str
    from_: str
    to: str
    zones: tuple[str, ...] = ()


class Closure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A zone closed to vehicles; sets ``plan.closed``."""

    zone: str
    from_: str
    to: str


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Badges that may be in some zones for a time; sets ``plan.rostered``."""

    badges: tuple[str, ...]
    zones: tuple[str, ...]
    from_: str
    to: str


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most (or least) a field may be in a zone; sets ``plan.over_limit``."""

    field: str
    zone: str
    lte: float | None = None
    lt: float | None = None
    gte: float | None = None
    gt: float | None = None


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an expectation holds: around a location (distance in metres), or in zones."""

    location: Location | None = None
    distance: float | None = None
    zones: tuple[str, ...] = ()


class Spacing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time from one shot to the next, or any whole multiple of it, within a tolerance."""

    every: str
    tolerance: str = "0s"


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another unexplained alert this near (metres, duration) withdraws the explanation."""

    distance: float
    timespan: str


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """What the plan explains: events that a Sigma selection describes, in a time and a place."""

    id: str
    reason: str
    from_: str
    to: str
    event: dict[str, Any]
    place: Area | None = None
    at_most: int | None = None
    spacing: Spacing | None = None
    unless_within: Override | None = None


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the plan of a day."""

    plan: str
    valid: Span
    phases: tuple[Phase, ...] = ()
    closed: tuple[Closure, ...] = ()
    rosters: tuple[Roster, ...] = ()
    limits: tuple[Limit, ...] = ()
    expected: tuple[Expectation, ...] = ()


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a person approved one version of a plan: the digest of its file, so any change needs new approvals."""

    version: str
    by: str
    at: str
    """RFC 3339."""


class LedgerLine(msgspec.Struct, frozen=True):
    """One explained match: which event, by which rule, which plan and entry explain it, and why."""

    event: str
    rule: str
    plan: str
    entry: str
    reason: str

"""What an answer is made of: plain values, masked already, that are printed or written as JSON."""

import msgspec


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A clause of a rule: what it asks, the value that it met, and whether it holds."""

    op: str
    held: bool
    field: str | None = None
    expected: str | None = None
    met: str | None = None
    """None where the event has no such field."""
    nearest: str | None = None
    """The field of the event whose name is nearest, where it has none of that name."""
    of: tuple["Condition", ...] = ()


class SourcePart(msgspec.Struct, frozen=True):
    """One part of the log source: what the rule asks for and what the event says."""

    part: str
    wanted: str
    met: tuple[str, ...]
    fits: bool


class Planned(msgspec.Struct, frozen=True):
    """What one entry of the plan says of the event."""

    entry: str
    reason: str
    explained: bool
    why: str


class EventAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A single-event rule and one event."""

    event: str
    at: str
    held: bool
    source_fits: bool
    outcome: str
    device: str | None = None
    source: tuple[SourcePart, ...] = ()
    condition: Condition | None = None
    misses: int = 0
    """How many clauses would have to change for the condition to hold."""
    plan: tuple[Planned, ...] = ()
    notes: tuple[str, ...] = ()


class Measured(msgspec.Struct, frozen=True, omit_defaults=True):
    """One relation to the newest event: time, distance, speed, zone, group, order, or a clause of its rule."""

    what: str
    holds: bool
    text: str
    certainty: str | None = None


class Sight(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event, or the alert of a correlation, as a window sees it."""

    event: str
    at: str
    rules: tuple[str, ...]
    """Titles of the rules of the correlation that it matched."""
    before: float = 0.0
    """Seconds before the newest one; negative after it."""
    alert: str | None = None
    """Set where it stands for an alert: the id of that."""
    device: str | None = None
    zone: str | None = None
    location: tuple[float, float] | None = None
    """Latitude and longitude (degrees)."""
    radius: float = 0.0
    """How far off the location may be (metres)."""
    relations: tuple[Measured, ...] = ()
    explained: bool = False


class Requirement(msgspec.Struct, frozen=True):
    """One thing that the condition asks of the window."""

    held: bool
    text: str


class Absence(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """What was awaited to stay away."""

    rules: tuple[str, ...]
    from_: str
    until: str
    state: str
    """``absent``: it stayed away; ``came``; ``waiting``: event time has not passed the end;
    ``unknown``: who would have reported it was down or contested, as ``text`` says."""
    text: str
    came: tuple[Sight, ...] = ()
    nearest: tuple[Sight, ...] = ()
    """What would have counted, but for the relations that it misses."""


class WindowAnswer(msgspec.Struct, frozen=True, omit_defaults=True, rename={"from_": "from"}):
    """One window of a correlation."""

    newest: Sight
    from_: str
    to: str
    fired: bool
    outcome: str
    group: tuple[tuple[str, str], ...] = ()
    requirements: tuple[Requirement, ...] = ()
    members: tuple[Sight, ...] = ()
    unlisted: int = 0
    """How many earlier members are not listed."""
    certainty: str | None = None
    alert: str | None = None
    """Id of the alert that it belongs to, if it fired."""
    absence: Absence | None = None
    candidates: tuple[Sight, ...] = ()
    """The nearest that do not belong: those that miss the fewest relations by the least."""


class About(msgspec.Struct, frozen=True):
    """The rule that was asked about."""

    id: str
    title: str
    level: str
    correlation: bool
    alerts: bool


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a rule fired or did not."""

    rule: About
    asked: str
    fired: bool
    outcome: str
    events: tuple[EventAnswer, ...] = ()
    windows: tuple[WindowAnswer, ...] = ()
    notes: tuple[str, ...] = ()

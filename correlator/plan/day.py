"""A plan in force: read, checked, and asked what it says of an event."""

from collections.abc import Mapping
from pathlib import Path

from correlator.document import Lines, locate_document, read_file
from correlator.plan.interval import Interval
from correlator.plan.structure import plan_errors
from impetus.domain.event import Fields, Json, first_text, read
from impetus.domain.instant import parse_span
from impetus.domain.plan import Limit, Plan


class DayPlan:
    """One version of a plan, with its times read."""

    def __init__(self, plan: Plan, lines: Lines | None = None) -> None:
        self.plan = plan
        self.name = plan.plan
        self.lines = lines or Lines()
        """Where its parts stand, for errors that are found later."""
        for error in plan_errors(plan, self.lines):
            raise error.problem
        self.valid = Interval(plan.valid.from_, plan.valid.to)
        self.phases = [(Interval(phase.from_, phase.to), phase) for phase in plan.phases]
        self.closed = [(Interval(closure.from_, closure.to), closure.zone) for closure in plan.closed]
        self._limits: dict[str, list[Limit]] = {}
        for limit in plan.limits:
            self._limits.setdefault(limit.field, []).append(limit)
        self.rosters = [(Interval(roster.from_, roster.to), roster) for roster in plan.rosters]

    @classmethod
    def read(cls, path: Path) -> "DayPlan":
        """The plan in a file; raises ``ImpetusError`` with file, line and hint."""
        return cls.parse(read_file(path, "plan"), str(path))

    @classmethod
    def parse(cls, text: bytes, file: str) -> "DayPlan":
        """The plan in the bytes of a file."""
        located = locate_document(text, Plan, "plan", file)
        return cls(located.value, located.lines)

    def fields(self, event: Mapping[str, Json], zone: str | None, instant: int) -> dict[str, Json]:
        """``plan.*`` of an event: phase, closed, rostered, over_limit; empty while the plan is not in force."""
        if not self.valid.holds(instant):
            return {}
        added: dict[str, Json] = {}
        phase = self._phase(zone, instant)
        if phase is not None:
            added["plan.phase"] = phase
        if _has_vehicle(event):
            added["plan.closed"] = any(zone == closed and span.holds(instant) for span, closed in self.closed)
        badge = first_text(event, "badge.id")
        if badge is not None:
            added["plan.rostered"] = self._rostered(badge, zone, instant)
        over = self._over_limit(event, zone)
        if over is not None:
            added["plan.over_limit"] = over
        return added

    @property
    def reach(self) -> int:
        """How long (µs) after an event its explanation may still change: what comes later near it, or in its row."""
        spans = [parse_span(entry.unless_within.timespan) for entry in self.plan.expected if entry.unless_within]
        rows = [Interval(e.from_, e.to) for e in self.plan.expected if e.spacing or e.at_most is not None]
        return max((0, *spans)) + max((0, *(row.end - row.start for row in rows)))

    def _phase(self, zone: str | None, instant: int) -> str | None:
        for span, phase in self.phases:
            if span.holds(instant) and (not phase.zones or zone in phase.zones):
                return phase.name
        return None

    def _rostered(self, badge: str, zone: str | None, instant: int) -> bool:
        return any(
            badge in roster.badges and zone in roster.zones and span.holds(instant) for span, roster in self.rosters
        )

    def _over_limit(self, event: Mapping[str, Json], zone: str | None) -> bool | None:
        """Whether a limited field is over its limit in this zone; None where the event has no limited field."""
        over: bool | None = None
        for field, limits in self._limits.items():
            if type(event) is Fields and field not in event:
                continue
            for value in read(event, field):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    over = bool(over) or any(limit.zone == zone and not _within(limit, value) for limit in limits)
        return over


def _within(limit: Limit, value: float) -> bool:
    return (
        (limit.lte is None or value <= limit.lte)
        and (limit.lt is None or value < limit.lt)
        and (limit.gte is None or value >= limit.gte)
        and (limit.gt is None or value > limit.gt)
    )


def _has_vehicle(event: Mapping[str, Json]) -> bool:
    return any(name[:8] in ("vehicle", "vehicle.") for name in event)

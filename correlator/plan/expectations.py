"""The entries ``expected`` of a plan: which matched events they explain, and what takes an explanation back."""

from collections.abc import Iterable, Sequence

import msgspec

from correlator.observation import Observation
from correlator.plan.day import DayPlan
from correlator.plan.interval import Interval
from correlator.plan.shots import Shot, expected_shots
from impetus.domain.instant import parse_span
from impetus.domain.place import Location, Place, distance
from impetus.domain.plan import Area, Expectation

NEVER = 2**63 - 1
"""Later than any event time (µs)."""


class Candidate(msgspec.Struct):
    """A matched event that fits an entry by selection, time and place, and whether an alert near it overrides that."""

    shot: Shot
    location: Location | None
    radius: float
    withdrawn: bool = False
    promoted: bool = False
    """A person took the explanation back: that holds whatever else comes."""
    until: int = NEVER
    """When event time has passed this (µs), what comes changes nothing about it any more: it is settled."""


class Entry:
    """One entry of a plan at work. What it explains is a function of its candidates."""

    def __init__(self, expectation: Expectation, plan: DayPlan) -> None:
        self.id = expectation.id
        self.plan = plan.name
        self.reason = expectation.reason
        self.candidates: dict[str, Candidate] = {}
        self._expectation = expectation
        self._span = Interval(expectation.from_, expectation.to)
        self._valid = plan.valid
        spacing, override = expectation.spacing, expectation.unless_within
        self._every = parse_span(spacing.every) if spacing else None
        self._tolerance = parse_span(spacing.tolerance) if spacing else 0
        self._near = (override.distance, parse_span(override.timespan)) if override else None
        self._in_row = spacing is not None or expectation.at_most is not None
        self._expected: set[str] | None = None
        """What spacing and number leave; None while it has to be found anew."""

    @property
    def key(self) -> str:
        """Names the entry among those of all plans."""
        return f"{self.plan}\0{self.id}"

    @property
    def reach(self) -> int:
        """How far in time another alert can override (µs); 0 if none can."""
        return self._near[1] if self._near else 0

    def is_overridden(self, now: int) -> bool:
        """Whether an alert takes an explanation back at present that is not settled at an event time (µs)."""
        return any(candidate.withdrawn and candidate.until >= now for candidate in self.candidates.values())

    def until(self, time: int, chain: int) -> int:
        """Up to when (event time, µs) the explanation of an event may change; ``chain`` is how far correlations reach.

        Where spacing or number matter, every event of the entry's time may change it.
        """
        return (max(time, self._span.end) if self._in_row else time) + self.reach + chain

    def concerns(self, first: int, last: int) -> bool:
        """Whether an alert with members between two instants can have to do with the entry."""
        return first < self._span.end + self.reach and last >= self._span.start - self.reach

    def fits(self, seen: Observation) -> bool:
        """Whether an event that the entry's selection describes is in its time and certainly in its place.

        Its time ends with that of its plan.
        """
        in_time = self._span.holds(seen.time) and self._valid.holds(seen.time)
        return in_time and _certainly_in(self._expectation.place, seen.place)

    def add(self, seen: Observation, until: int, withdrawn: bool = False, promoted: bool = False) -> None:
        """Count an event that is settled after ``until``; the same one again changes nothing."""
        if seen.id not in self.candidates:
            shot, place = Shot(seen.time, seen.id, seen.device), seen.place
            self.candidates[seen.id] = Candidate(shot, place.location, place.radius, withdrawn, promoted, until)
            self._expected = None

    def remove(self, event: str) -> None:
        """Count an event no longer."""
        if self.candidates.pop(event, None) is not None:
            self._expected = None

    def explained(self) -> set[str]:
        """Ids of the events that the entry explains now."""
        if self._expected is None:
            shots = [candidate.shot for candidate in self.candidates.values()]
            self._expected = expected_shots(shots, self._every, self._tolerance, self._expectation.at_most)
        candidates = ((event, self.candidates[event]) for event in self._expected)
        return {event for event, candidate in candidates if not candidate.withdrawn and not candidate.promoted}

    def promote(self, event: str) -> None:
        """Take the explanation of an event back for good."""
        self.candidates[event].promoted = True

    def override(self, at: int, place: Place | None, members: Iterable[str], own: str | None, now: int) -> bool:
        """Let an unexplained alert at a time and place take back what is near it, and its members.

        An alert on the one event ``own`` says nothing against that event itself. What is settled at ``now`` stays.
        """
        explained, taken = self.explained() - {own}, set(members)
        found = ((event, self.candidates[event]) for event in explained)
        hit = [
            event
            for event, candidate in found
            if candidate.until >= now and (event in taken or self._is_near(candidate, at, place))
        ]
        for event in hit:
            self.candidates[event].withdrawn = True
        return bool(hit)

    def restore_all(self, now: int) -> None:
        """Explain again whatever alerts took back and is not settled at an event time (µs)."""
        for candidate in self.candidates.values():
            candidate.withdrawn = candidate.withdrawn and candidate.until < now

    def _is_near(self, candidate: Candidate, at: int, place: Place | None) -> bool:
        if self._near is None or candidate.location is None or place is None or place.location is None:
            return False
        metres, span = self._near
        if abs(at - candidate.shot.time) > span:
            return False
        return distance(candidate.location, place.location) - candidate.radius - place.radius <= metres


def entries_of(plan: DayPlan | None) -> Sequence[Entry]:
    """The entries of a plan, in its order: the first that fits explains."""
    if plan is None:
        return ()
    return [Entry(expectation, plan) for expectation in plan.plan.expected]


def _certainly_in(area: Area | None, place: Place) -> bool:
    """Whether a place is certainly within an area: for a location, every point of its radius."""
    if area is None:
        return True
    if area.zones and place.zone not in area.zones:
        return False
    if area.location is None or area.distance is None:
        return True
    return place.location is not None and distance(area.location, place.location) + place.radius <= area.distance

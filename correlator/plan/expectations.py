"""The entries ``expected`` of a plan: which matched events they explain, and what takes an explanation back."""

from collections.abc import Iterable, Sequence

import msgspec

from correlator.observation import Observation
from correlator.plan.day import DayPlan, Interval
from correlator.plan.shots import Shot, expected_shots
from impetus.domain.instant import parse_span
from impetus.domain.place import Location, Place, distance
from impetus.domain.plan import Area, Expectation


class Candidate(msgspec.Struct, array_like=True):
    """A matched event that fits an entry by selection, time and place, and what has become of it."""

    shot: Shot
    location: Location | None
    radius: float
    withdrawn: bool = False


class Entry:
    """One entry of a plan at work. Its candidates are its state: what they explain is a function of them."""

    def __init__(self, index: int, expectation: Expectation, plan: str) -> None:
        self.index = index
        self.id = expectation.id
        self.plan = plan
        self.reason = expectation.reason
        self.candidates: dict[str, Candidate] = {}
        self._expectation = expectation
        self._span = Interval(expectation.from_, expectation.to)
        spacing, override = expectation.spacing, expectation.unless_within
        self._every = parse_span(spacing.every) if spacing else None
        self._tolerance = parse_span(spacing.tolerance) if spacing else 0
        self._near = (override.distance, parse_span(override.timespan)) if override else None

    @property
    def reach(self) -> int:
        """How far in time another alert can override (µs); 0 if none can."""
        return self._near[1] if self._near else 0

    def fits(self, seen: Observation) -> bool:
        """Whether an event that the entry's selection describes is in its time and certainly in its place."""
        return self._span.holds(seen.time) and _certainly_in(self._expectation.place, seen.place)

    def add(self, seen: Observation) -> None:
        """Count an event; the same one again changes nothing."""
        if seen.id not in self.candidates:
            shot = Shot(seen.time, seen.id, seen.device)
            self.candidates[seen.id] = Candidate(shot, seen.place.location, seen.place.radius)

    def explained(self) -> set[str]:
        """Ids of the events that the entry explains now."""
        shots = [candidate.shot for candidate in self.candidates.values()]
        held = expected_shots(shots, self._every, self._tolerance, self._expectation.at_most)
        return {event for event in held if not self.candidates[event].withdrawn}

    def overridden(self, at: int, place: Place | None, members: Iterable[str]) -> list[str]:
        """Explained events that an unexplained alert at a time and place overrides, members of the alert included."""
        own = set(members)
        near = self._near
        explained = self.explained()
        hit = [event for event in explained if event in own]
        if near is not None and place is not None and place.location is not None:
            hit += [event for event in explained - own if self._is_near(self.candidates[event], at, place, near)]
        return sorted(hit)

    def withdraw(self, events: Iterable[str]) -> None:
        """Take explanations back for good."""
        for event in events:
            self.candidates[event].withdrawn = True

    @staticmethod
    def _is_near(candidate: Candidate, at: int, place: Place, near: tuple[float, int]) -> bool:
        metres, span = near
        if candidate.location is None or place.location is None or abs(at - candidate.shot.time) > span:
            return False
        return distance(candidate.location, place.location) - candidate.radius - place.radius <= metres


def entries_of(plan: DayPlan | None) -> Sequence[Entry]:
    """The entries of a plan, in its order: the first that fits explains."""
    if plan is None:
        return ()
    return [Entry(index, expectation, plan.name) for index, expectation in enumerate(plan.plan.expected)]


def _certainly_in(area: Area | None, place: Place) -> bool:
    """Whether a place is certainly within an area: for a location, every point of its radius."""
    if area is None:
        return True
    if area.zones and place.zone not in area.zones:
        return False
    if area.location is None or area.distance is None:
        return True
    return place.location is not None and distance(area.location, place.location) + place.radius <= area.distance

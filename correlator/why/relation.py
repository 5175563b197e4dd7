"""How an entry stands to the newest of a window, said part by part, and by how much a part misses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from correlator._engine import Relation
from correlator.why.answer import Measured
from correlator.why.sighting import Entry
from correlator.why.window import Terms, Window
from correlator.why.wording import asked, limit, missed, number, span
from impetus.domain.instant import SECOND
from impetus.domain.place import distance
from rules.form import Comparison, Correlation

HOUR = 3600 * SECOND


@dataclass(frozen=True)
class Part:
    """One relation, and by how much it misses (1 is by as much as is allowed); 0 where it holds."""

    said: Measured
    by: float = 0.0


def time_part(correlation: Correlation, newest: Entry, other: Entry) -> Part:
    """Whether an entry is within the timespan before the newest one."""
    before, most = newest.time - other.time, correlation.timespan
    if before < 0:
        return Part(Measured("time", False, f"it came {span(before)} after the newest"), -before / most)
    if before > most:
        return Part(Measured("time", False, f"{span(before)} is over {limit(most)}"), (before - most) / most)
    return Part(Measured("time", True, f"{span(before)} holds"))


def wait_part(window: Window, other: Entry) -> Part:
    """Whether an awaited entry came within the wait, both ends included."""
    length = max(window.at - window.first, 1)
    if other.time < window.first:
        early = window.first - other.time
        return Part(Measured("time", False, f"it came {span(early)} before the wait began"), early / length)
    if other.time > window.at:
        late = other.time - window.at
        return Part(Measured("time", False, f"it came {span(late)} after the wait was over"), late / length)
    return Part(Measured("time", True, f"{span(other.time - window.first)} into the wait holds"))


def place_parts(terms: Terms, newest: Entry, other: Entry, relation: Relation) -> Iterator[Part]:
    """The parts of the relation in place that the correlation asks for."""
    place = terms.correlation.place
    if place is None:
        return
    if relation.distance is not None:
        yield _Asked("distance", " m", place.distance, *relation.distance).part(newest, _metres(newest, other))
    if relation.speed is not None:
        yield _Asked("speed", " km/h", place.speed, *relation.speed).part(newest, _pace(newest, other))
    if relation.zone is not None:
        yield _zone(terms.correlation, newest, other, relation.zone)
    parts = [part[1] for part in (relation.distance, relation.speed) if part is not None]
    if relation.stands is None and relation.zone is not False and parts and None not in parts:
        if place.certain and "possible" in parts:
            text = "it holds only possibly, and the rule counts only what is certain"
        else:
            text = "distance and speed hold, but for no one pair of points"
        yield Part(Measured("certainty", False, text, "possible"), 0.5)


def group_parts(
    correlation: Correlation, group: Mapping[str, str], met: Mapping[str, tuple[str, ...]]
) -> Iterator[Part]:
    """The fields of the group in which an entry differs; ``met`` are its values by the names of the group."""
    for name in correlation.group_by:
        values = met.get(name, ())
        if not values:
            yield Part(Measured("group", False, f"it has no {name}"), 2.0)
        elif group[name] not in values:
            yield Part(Measured("group", False, f"{name} {', '.join(values)} instead of {group[name]}"), 1.0)


def _metres(newest: Entry, other: Entry) -> float | None:
    here, there = newest.place.location, other.place.location
    return distance(here, there) if here is not None and there is not None else None


def _pace(newest: Entry, other: Entry) -> float | None:
    metres, hours = _metres(newest, other), abs(newest.time - other.time) / HOUR
    if metres is None:
        return None
    return (metres / 1000 / hours if hours else float("inf")) if metres else 0.0


@dataclass(frozen=True)
class _Asked:
    """A comparison over what may be: from the least to the greatest value within the radii of both."""

    what: str
    unit: str
    comparisons: tuple[Comparison, ...]
    ends: tuple[float, float] | None
    certainty: str | None

    def part(self, newest: Entry, centre: float | None) -> Part:
        """What it came to; ``centre`` is the value without radii, None without locations."""
        if self.ends is None or centre is None:
            lacking = "the newest" if newest.place.location is None else "it"
            return Part(Measured(self.what, False, f"{lacking} has no location"), 2.0)
        met = _said(centre, *self.ends, self.unit)
        if self.certainty is not None:
            how = "certainly" if self.certainty == "certain" else "only possibly"
            return Part(Measured(self.what, True, f"{met} holds {how}", self.certainty))
        text = missed(self.comparisons, centre, self.unit) or f"is not {asked(self.comparisons, self.unit)}"
        by = min(_excess(self.comparisons, end) for end in self.ends)
        return Part(Measured(self.what, False, f"{met} {text}"), by)


def _said(centre: float, low: float, high: float, unit: str) -> str:
    if low == high:
        return f"{_whole(centre)}{unit}"
    return f"{_whole(centre)}{unit} ({_whole(low)} to {_whole(high)})"


def _whole(value: float) -> str:
    return (
        "infinitely many" if value == float("inf") else number(round(value)) if value >= 10 else number(round(value, 1))
    )


def _excess(comparisons: tuple[Comparison, ...], value: float) -> float:
    """By how much of the bound a value misses it."""
    return min((abs(value - bound) / max(abs(bound), 1.0) for _, bound in comparisons), default=1.0)


def _zone(correlation: Correlation, newest: Entry, other: Entry, holds: bool) -> Part:
    here, there = newest.place.zone, other.place.zone
    asked_for = correlation.place.zone if correlation.place else None
    if here is None or there is None:
        return Part(Measured("zone", False, f"{'the newest' if here is None else 'it'} has no zone"), 2.0)
    kind = asked_for.kind if asked_for else "same"
    if kind == "within":
        name = asked_for.name if asked_for else ""
        text = (
            f"zones {there} and {here} within {name}"
            if holds
            else f"of zones {there} and {here} not both are within {name}"
        )
    elif kind == "adjacent":
        text = (
            f"zone {there} is {'' if holds else 'not '}adjacent to {here}"
            if there != here
            else f"zone {there} is the same"
        )
    else:
        text = f"zone {there} is {'the same' if holds else 'not ' + here}"
    return Part(Measured("zone", holds, text, "certain" if holds else None), 0.0 if holds else 1.0)

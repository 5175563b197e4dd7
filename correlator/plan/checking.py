"""The check of a plan as its team asks for it: errors and warnings, by line."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import TypeVar

from correlator.city import CityModel
from correlator.document import Lines, Steps, locate_document
from correlator.finding import Finding, Names, invalid, unwise
from correlator.plan.day import DayPlan
from correlator.plan.interval import Interval
from correlator.plan.selection import selection_errors
from correlator.plan.structure import plan_errors, timed
from impetus.domain.instant import parse_span
from impetus.domain.plan import Expectation, Limit, Plan
from rules.taxonomy import taxonomy

T = TypeVar("T")

MOST_COMPARED = 500
"""So many entries of a list are compared with each other."""


def check_plan(text: bytes, file: str, city: CityModel | None) -> list[Finding]:
    """Everything wrong or unwise in the bytes of a plan. Raises ``ImpetusError`` if it cannot be read at all.

    Without a city model its zones are taken as they are.
    """
    located = locate_document(text, Plan, "plan", file)
    plan, lines = located.value, located.lines
    findings = list(plan_errors(plan, lines))
    if not findings:
        day = DayPlan(plan, lines)
        findings += [*selection_errors(day), *_unwise(day)]
    if city is not None:
        findings += _unknown(plan, lines, city)
    return sorted(findings, key=lambda one: one.problem.where.line or 0)


def zones_of(plan: Plan) -> Iterator[tuple[Steps, str]]:
    """Every zone that a plan names, with where it stands."""
    for key in ("phases", "rosters"):
        for number, entry in enumerate(getattr(plan, key)):
            yield from (((key, number, "zones", index), zone) for index, zone in enumerate(entry.zones))
    for key in ("closed", "limits"):
        yield from (((key, number, "zone"), entry.zone) for number, entry in enumerate(getattr(plan, key)))
    for number, entry in enumerate(plan.expected):
        for index, zone in enumerate(entry.place.zones if entry.place else ()):
            yield ("expected", number, "place", "zones", index), zone


def _unknown(plan: Plan, lines: Lines, city: CityModel) -> Iterator[Finding]:
    names = Names(city.zones)
    for steps, zone in zones_of(plan):
        if zone not in names:
            what = f"zone {zone!r} is not in the city model"
            yield invalid("plan", what, lines.where(*steps), names.hint(zone))


def _unwise(day: DayPlan) -> Iterator[Finding]:
    plan, lines = day.plan, day.lines
    for steps, entry in timed(plan):
        if not day.valid.contains(Interval(entry.from_, entry.to)):
            what = "it holds partly or wholly while the plan is not valid"
            yield unwise("plan", what, lines.where(*steps), "Outside of valid it has no effect")
    yield from _overlapping(day)
    for number, roster in enumerate(plan.rosters):
        if not roster.badges or not roster.zones:
            yield unwise("plan", "a roster without badges or zones rosters nobody", lines.where("rosters", number))
    for number, limit in enumerate(plan.limits):
        yield from _limit(limit, lines, number)
    for number, expected in enumerate(plan.expected):
        yield from _expectation(expected, lines, number)


def _overlapping(day: DayPlan) -> Iterator[Finding]:
    """Phases and closures of which two hold in one zone at one time."""
    for (_, (first, one)), (number, (second, other)) in _pairs(day.phases):
        if first.meets(second) and (not one.zones or not other.zones or set(one.zones) & set(other.zones)):
            what = f"the phases {one.name!r} and {other.name!r} overlap"
            yield unwise("plan", what, day.lines.where("phases", number), f"While both hold, it is {one.name!r}")
    for (_, (first, zone)), (number, (second, again)) in _pairs(day.closed):
        if zone == again and first.meets(second):
            yield unwise("plan", f"zone {zone} is closed twice at one time", day.lines.where("closed", number))


def _pairs(entries: Sequence[T]) -> Iterable[tuple[tuple[int, T], tuple[int, T]]]:
    return combinations(enumerate(entries[:MOST_COMPARED]), 2)


def _limit(limit: Limit, lines: Lines, number: int) -> Iterator[Finding]:
    if limit.lte is limit.lt is limit.gte is limit.gt is None:
        what = f"{limit.field} in {limit.zone} has no limit"
        yield unwise("plan", what, lines.where("limits", number), "lte, lt, gte or gt")
    yield from _field(limit.field, lines, ("limits", number, "field"))


def _expectation(entry: Expectation, lines: Lines, number: int) -> Iterator[Finding]:
    for name in entry.event:
        yield from _field(name.partition("|")[0], lines, ("expected", number, "event"))
    if entry.place is None:
        what = f"{entry.id!r} explains in the whole city"
        yield unwise("plan", what, lines.where("expected", number), "Say where it is expected: place")
    elif entry.place.location is None and not entry.place.zones:
        yield unwise("plan", f"the place of {entry.id!r} is everywhere", lines.where("expected", number, "place"))
    if entry.spacing is not None and 2 * parse_span(entry.spacing.tolerance) >= parse_span(entry.spacing.every):
        what = f"{entry.id!r} tolerates half its spacing: every time fits"
        yield unwise("plan", what, lines.where("expected", number, "spacing"))


def _field(name: str, lines: Lines, steps: Steps) -> Iterator[Finding]:
    known = taxonomy()
    if name and not known.knows(name):
        yield unwise("plan", f"no event has a field {name!r}", lines.where(*steps), Names(known.fields()).hint(name))

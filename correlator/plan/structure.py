"""What types cannot say of a plan: the errors with which it never comes into force."""

from collections.abc import Iterator

from correlator.bounds import Bounds
from correlator.document import Lines, Steps
from correlator.finding import Finding, invalid
from correlator.plan.interval import Interval
from impetus.domain.plan import Closure, Expectation, Phase, Plan, Roster, Span

Timed = Span | Phase | Closure | Roster | Expectation


def timed(plan: Plan) -> Iterator[tuple[Steps, Timed]]:
    """Everything in a plan that has a time, with where it stands."""
    yield ("valid",), plan.valid
    for key in ("phases", "closed", "rosters", "expected"):
        for number, entry in enumerate(getattr(plan, key)):
            yield (key, number), entry


def plan_errors(plan: Plan, lines: Lines) -> Iterator[Finding]:
    """Everything for which a plan is refused, but for its selections, which take the rule compiler."""
    for steps, entry in timed(plan):
        try:
            Interval(entry.from_, entry.to)
        except ValueError as error:
            yield invalid("plan", str(error), lines.where(*steps))
    seen: set[str] = set()
    for number, expected in enumerate(plan.expected):
        if expected.id in seen:
            yield invalid("plan", f"the entry {expected.id!r} is there twice", lines.where("expected", number, "id"))
        seen.add(expected.id)
        yield from _expectation(expected, lines, ("expected", number))
    yield from _numbers(plan, Bounds("plan", lines))


def _expectation(entry: Expectation, lines: Lines, steps: Steps) -> Iterator[Finding]:
    place = entry.place
    if place is not None and (place.location is None) != (place.distance is None):
        what = f"the place of {entry.id!r} needs location and distance together"
        yield invalid("plan", what, lines.where(*steps, "place"))
    if entry.at_most is not None and entry.at_most < 1:
        what = f"{entry.id!r} explains at most {entry.at_most}: nothing"
        yield invalid("plan", what, lines.where(*steps, "at_most"), "Leave the entry out instead")


def _numbers(plan: Plan, bounds: Bounds) -> Iterator[Finding]:
    for number, limit in enumerate(plan.limits):
        owner = f"{limit.field} in {limit.zone}"
        for key in ("lte", "lt", "gte", "gt"):
            yield from bounds.limit(getattr(limit, key), owner, ("limits", number, key))
    for number, entry in enumerate(plan.expected):
        yield from _measures(entry, bounds, ("expected", number))


def _measures(entry: Expectation, bounds: Bounds, steps: Steps) -> Iterator[Finding]:
    """Distances and durations. An override that is near nothing would take no explanation back, unsaid."""
    if entry.place is not None:
        yield from bounds.metres(entry.place.distance, f"the place of {entry.id!r}", (*steps, "place", "distance"))
    if entry.spacing is not None:
        owner, key = f"the spacing of {entry.id!r}", (*steps, "spacing")
        yield from bounds.span(entry.spacing.every, owner, (*key, "every"))
        yield from bounds.span(entry.spacing.tolerance, owner, (*key, "tolerance"), least="0s")
    if entry.unless_within is not None:
        owner, key = f"unless_within of {entry.id!r}", (*steps, "unless_within")
        yield from bounds.metres(entry.unless_within.distance, owner, (*key, "distance"))
        yield from bounds.span(entry.unless_within.timespan, owner, (*key, "timespan"))

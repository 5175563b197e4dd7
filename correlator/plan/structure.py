"""What types cannot say of a plan: the errors with which it never comes into force."""

from collections.abc import Iterator

from correlator.document import Lines, Steps
from correlator.finding import Finding, invalid
from correlator.plan.interval import Interval
from impetus.domain.instant import parse_span
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


def _expectation(entry: Expectation, lines: Lines, steps: Steps) -> Iterator[Finding]:
    place = entry.place
    if place is not None and (place.location is None) != (place.distance is None):
        what = f"the place of {entry.id!r} needs location and distance together"
        yield invalid("plan", what, lines.where(*steps, "place"))
    if entry.at_most is not None and entry.at_most < 1:
        what = f"{entry.id!r} explains at most {entry.at_most}: nothing"
        yield invalid("plan", what, lines.where(*steps, "at_most"), "Leave the entry out instead")
    spans = []
    if entry.spacing is not None:
        spans += [("spacing", "every", entry.spacing.every), ("spacing", "tolerance", entry.spacing.tolerance)]
    if entry.unless_within is not None:
        spans.append(("unless_within", "timespan", entry.unless_within.timespan))
    for key, inner, text in spans:
        try:
            zero = parse_span(text) == 0
        except ValueError as error:
            yield invalid("plan", str(error), lines.where(*steps, key, inner))
            continue
        if zero and inner == "every":
            yield invalid("plan", f"the spacing of {entry.id!r} is zero", lines.where(*steps, key, inner))

"""What the plan says of a matched event: which entry explains it, or why none does."""

from collections.abc import Iterator

from correlator._engine import Matcher
from correlator.observation import Observation
from correlator.plan.expectations import NEVER, Entry, entries_of
from correlator.plan.interval import Interval
from correlator.plan.selection import compile_selections
from correlator.plan.shots import expected_shots
from correlator.why.answer import Planned
from correlator.why.record import Met, Record
from correlator.why.wording import clock, limit, number, span
from impetus.domain.instant import parse_span
from impetus.domain.place import distance
from impetus.domain.plan import Area, Expectation


def planned(record: Record, met: Met) -> tuple[Planned, ...]:
    """What each entry whose selection describes the event says of it, in the order of the plan."""
    plan = record.setup.plan
    if plan is None:
        return ()
    fitting = Matcher(compile_selections(plan)).match_all([met.line])
    seen, entries = record.observation(met), entries_of(plan)
    found, taken = [], False
    for _, index in fitting:
        expectation, fits = plan.plan.expected[index], entries[index].fits(seen)
        if fits and not taken:
            explained, why = _verdict(record, expectation, entries[index], met)
        elif fits:
            explained, why = False, "an entry before it has it already"
        else:
            explained, why = (
                False,
                "; ".join(_elsewhere(expectation, seen, plan.valid)) or "it is not certainly in its time and place",
            )
        taken = taken or fits
        found.append(Planned(expectation.id, expectation.reason, explained, why))
    return tuple(found)


def _verdict(record: Record, expectation: Expectation, entry: Entry, met: Met) -> tuple[bool, str]:
    """Whether the first entry that fits explains the event, and what keeps it from that."""
    held = record.held.get(met.id)
    if held is None:
        return met.id in record.explained, "it fits in time and place"
    if held.explained:
        return True, "it fits in time and place"
    if held.withdrawn:
        return False, _overriding(record, entry, met)
    return False, _surplus(record, expectation, entry, met.id)


def _elsewhere(expectation: Expectation, seen: Observation, valid: Interval) -> Iterator[str]:
    """What does not fit of time and place."""
    interval = Interval(expectation.from_, expectation.to)
    if seen.time < interval.start:
        yield f"it is {span(interval.start - seen.time)} before its time"
    if seen.time >= interval.end:
        yield f"it is {span(seen.time - interval.end)} past its end"
    if not valid.holds(seen.time):
        yield f"the plan is not valid then: only from {clock(valid.start)} to {clock(valid.end)}"
    if expectation.place is not None:
        yield from _outside(expectation.place, seen)


def _outside(area: Area, seen: Observation) -> Iterator[str]:
    place = seen.place
    if area.zones and place.zone not in area.zones:
        yield f"zone {place.zone or '(none)'} is not {' or '.join(area.zones)}"
    if area.location is None or area.distance is None:
        return
    if place.location is None:
        yield "it has no location"
        return
    metres = distance(area.location, place.location)
    if metres + place.radius > area.distance:
        off = f" ± {number(place.radius)} m" if place.radius else ""
        yield f"{metres:.0f} m{off} from its middle is over {number(area.distance)} m"


def _overriding(record: Record, entry: Entry, met: Met) -> str:
    """Which unexplained alert takes the explanation back."""
    seen, plan = record.observation(met), record.setup.plan
    for near in record.nearby.values():
        if plan is None:
            break
        alone = Entry(next(one for one in plan.plan.expected if one.id == entry.id), plan)
        alone.add(seen, NEVER)
        if alone.override(near.at, near.place, near.members, near.own, 0):
            alerts = record.store.alerts([near.alert])
            name = f"{alerts[0].title!r} ({near.alert})" if alerts else near.alert
            return f"the unexplained alert {name} at {clock(near.at)} is near it and takes the explanation back"
    return "an unexplained alert near it takes the explanation back"


def _surplus(record: Record, expectation: Expectation, entry: Entry, event: str) -> str:
    """Off the spacing, or beyond the number."""
    for one in record.held.values():
        if one.entry == entry.key:
            entry.add(one.hit.seen, NEVER)
    if event not in entry.candidates:
        return "it fits in time and place, and no rule matched it when it came"
    shots = [candidate.shot for candidate in entry.candidates.values()]
    spacing = expectation.spacing
    if spacing is not None:
        every, tolerance = parse_span(spacing.every), parse_span(spacing.tolerance)
        if event not in expected_shots(shots, every, tolerance, None):
            return f"off its spacing: it follows none of the others by a multiple of {limit(every)} ± {span(tolerance)}"
    return f"beyond its number: {expectation.at_most} are expected, and those came before it"

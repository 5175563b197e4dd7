"""Why a correlation fired or did not: a window with what its condition asked, its members and what nearly belonged."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from correlator.why.answer import Absence, Requirement, Sight, WindowAnswer
from correlator.why.candidate import lacking_rules, member_parts, nearest, nearest_awaited, sight
from correlator.why.measure import holds, wanted_number
from correlator.why.scene import Scene
from correlator.why.sighting import Entry
from correlator.why.window import Window, expression_of
from correlator.why.wording import asked, clock, limit, number, span
from rules.form import AllRules, AnyRule, NoRule, RuleExpression, RuleLeaf

MAX_MEMBERS = 1_000
"""So many members of a window are given, the newest."""
MAX_ENTRIES = 5_000
"""Of a group with more entries than this not every window is looked at, so the id of its alert is not said."""

UNRECORDED = """; but no such alert is on record: one of its events came too late for windows, other rules were in force
then, or it is gone with what is old""".replace("\n", " ")

_COUNTED = {
    "event_count": "events",
    "value_count": "different values of {fields}",
    "value_sum": "the sum of {fields}",
    "value_avg": "the mean of {fields}",
    "value_median": "the median of {fields}",
    "value_percentile": "the {percentile}th percentile of {fields}",
    "temporal": "rules",
    "temporal_ordered": "rules in order",
}


def about_window(scene: Scene, window: Window, most: int | None = None) -> WindowAnswer:
    """A window, its condition taken apart, and ``most`` of the candidates that come nearest."""
    terms = scene.terms
    certain = "certain" if window.certain else "possible"
    members = window.members if window.holds else window.inside
    alert = _alert(scene, window)
    lost = "" if alert is None or scene.record.has_alert(alert) else UNRECORDED
    return WindowAnswer(
        newest=sight(scene, window.newest, window.newest),
        from_=clock(window.start),
        to=clock(window.newest.time),
        fired=window.fires,
        outcome=_outcome(scene, window) + lost,
        group=tuple((name, scene.conceal_group(name, value, window.newest.event)) for name, value in window.group),
        requirements=tuple(_requirements(scene, window)),
        members=_sights(scene, window, members[-MAX_MEMBERS:]),
        unlisted=max(len(members) - MAX_MEMBERS, 0),
        certainty=certain if terms.placed and len(window.members) > 1 else None,
        alert=alert,
        absence=_absence(scene, window, most) if terms.awaited else None,
        candidates=tuple(nearest(scene, window, most)),
    )


def _sights(scene: Scene, window: Window, entries: Sequence[Entry]) -> tuple[Sight, ...]:
    return tuple(sight(scene, window.newest, entry, member_parts(scene, window, entry)) for entry in entries)


def _alert(scene: Scene, window: Window) -> str | None:
    """The alert that a firing belongs to."""
    if not window.fires or len(scene.evaluator.groups(scene.index)[window.group]) > MAX_ENTRIES:
        return None
    found = scene.evaluator.alerts_of(scene.index, window.group)
    return next((one.id for one in found if any(other.newest is window.newest for other in one.windows)), None)


def _outcome(scene: Scene, window: Window) -> str:
    if window.fires:
        certain = f", its place {'certain' if window.certain else 'only possible'}" if scene.terms.placed else ""
        return f"it fired with {len(window.members)} member{'s' * (len(window.members) != 1)}{certain}"
    if window.holds and not window.over:
        return f"it waits: what it awaits may still come until {clock(window.at)}"
    if window.holds:
        return "its condition holds, and the plan explains every member: no alert"
    if window.came:
        return "it did not fire: what it awaits to stay away has come"
    lacking = lacking_rules(scene, window)
    if lacking and expression_of(scene.terms.correlation) is None:
        titles = " and no ".join(repr(scene.record.rule(rule).title) for rule in sorted(lacking))
        return f"it did not fire: its window holds no {titles}"
    return "it did not fire: its condition does not hold for the window"


# --- the condition


def _requirements(scene: Scene, window: Window) -> Iterator[Requirement]:
    expression = expression_of(scene.terms.correlation)
    if expression is not None:
        yield from _of_expression(scene, window, expression)
    else:
        yield _of_number(scene, window)
    if scene.terms.correlation.type == "temporal_ordered":
        yield from _of_order(scene, window)
    if window.holds and window.explained:
        yield Requirement(False, "at least one member that the plan does not explain")


def _of_number(scene: Scene, window: Window) -> Requirement:
    correlation = scene.terms.correlation
    wanted, condition = wanted_number(correlation), correlation.condition
    percentile = number(condition.percentile) if condition.percentile is not None else ""
    counted = _COUNTED[correlation.type].format(fields=", ".join(condition.fields), percentile=percentile)
    if window.number is None:
        return Requirement(False, f"{counted} {asked(wanted)}: there is nothing to measure")
    held = holds(wanted, window.number)
    if correlation.type in {"event_count", "value_count", "temporal", "temporal_ordered"}:
        return Requirement(held, f"{number(window.number)} {counted}, {asked(wanted)} asked")
    return Requirement(held, f"{counted} is {number(window.number)}, {asked(wanted)} asked")


def _of_expression(scene: Scene, window: Window, expression: RuleExpression) -> Iterator[Requirement]:
    """Each rule that the expression names, as it asks for it."""
    inside = {rule for entry in window.inside for rule in entry.rules}
    came = {rule for entry in window.came for rule in entry.rules}
    text = _written(scene, expression)
    yield Requirement(window.holds, text)
    for rule in scene.terms.correlation.rules:
        title = scene.record.rule(rule).title
        if rule in scene.terms.awaited and window.waits:
            yield Requirement(
                rule not in came, f"{title!r} {'came' if rule in came else 'stayed away'}, and was awaited to stay away"
            )
        elif rule in scene.terms.wanted:
            yield Requirement(
                rule in inside, f"{title!r} {'is in the window' if rule in inside else 'is not in the window'}"
            )


def _of_order(scene: Scene, window: Window) -> Iterator[Requirement]:
    """Neighbours of the list that came the other way round."""
    listed = [rule for rule in scene.terms.correlation.rules if rule in scene.terms.wanted]
    for first, then in pairwise(listed):
        firsts = [entry for entry in window.inside if first in entry.rules]
        thens = [entry for entry in window.inside if then in entry.rules]
        if firsts and thens and thens[-1].time < firsts[0].time:
            early, late = scene.record.rule(then).title, scene.record.rule(first).title
            came = f"{early!r} ({thens[-1].event}) came {span(firsts[0].time - thens[-1].time)}"
            yield Requirement(False, f"{came} before {late!r} ({firsts[0].event}), and has to come after it")


def _written(scene: Scene, expression: RuleExpression, inner: bool = False) -> str:
    """An extended condition with the titles of its rules."""
    match expression:
        case RuleLeaf(index):
            return repr(scene.record.rule(index).title)
        case NoRule(of):
            return f"not {_written(scene, of, True)}"
        case AllRules(parts) | AnyRule(parts):
            word = " and " if isinstance(expression, AllRules) else " or "
            text = word.join(_written(scene, part, True) for part in parts)
            return f"({text})" if inner else text


# --- absence


def _absence(scene: Scene, window: Window, most: int | None) -> Absence | None:
    if not window.waits:
        return None
    titles = tuple(scene.record.rule(rule).title for rule in sorted(scene.terms.awaited))
    state = "came" if not window.holds else "absent" if window.over else "waiting"
    length = limit(scene.terms.correlation.timespan)
    stretch = f"from {clock(window.first)} to {clock(window.at)} ({length} after the last member)"
    text = {
        "came": f"what was awaited to stay away came {stretch}",
        "absent": f"nothing of the kind came {stretch}",
        "waiting": f"event time is {clock(scene.record.now or 0)}: it may still come {stretch}",
    }[state]
    near = tuple(nearest_awaited(scene, window, most))
    came = _sights(scene, window, window.came)
    return Absence(titles, clock(window.first), clock(window.at), state, text, came, near)

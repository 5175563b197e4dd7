"""An answer for people: indented lines, what holds and what does not marked by a sign."""

from collections.abc import Iterator, Sequence

from correlator.why.answer import Absence, Answer, Condition, EventAnswer, Measured, Sight, WindowAnswer
from impetus.app.why.terminal import shows_unicode

MOST_MEMBERS = 20
"""Members of one window that are printed, unless all are asked for."""
DEEPEST = 32


def lines(answer: Answer, every: bool) -> Iterator[str]:
    """The answer, line by line."""
    kind = "correlation" if answer.rule.correlation else "rule"
    yield f"{answer.rule.title} ({answer.rule.level} {kind} {answer.rule.id})"
    yield f"{answer.asked}: {answer.outcome}"
    for event in answer.events:
        yield ""
        yield from _event(event, many=len(answer.events) > 1 or answer.rule.correlation)
    for window in answer.windows:
        yield ""
        yield from _window(window, every, alone=len(answer.windows) == 1)
    for note in answer.notes:
        yield ""
        yield f"note: {note}"


def _mark(held: bool) -> str:
    if shows_unicode():
        return "✓" if held else "✗"
    return "+" if held else "-"


# --- single events


def _event(answer: EventAnswer, many: bool) -> Iterator[str]:
    device = f" by {answer.device}" if answer.device else ""
    yield f"event {answer.event} at {answer.at}{device}" + (f": {answer.outcome}" if many else "")
    wanted = ", ".join(f"{part.part} {part.wanted}" for part in answer.source) or "any"
    yield f"  {_mark(answer.source_fits)} log source: {wanted}"
    for part in answer.source:
        if not part.fits:
            yield f"      {part.part} is {', '.join(part.met) or 'absent'}, not {part.wanted}"
    if answer.condition is not None:
        yield from _condition(answer.condition, 1)
    for entry in answer.plan:
        says = "explains it" if entry.explained else "does not explain it"
        yield f"  plan: the entry {entry.entry} ({entry.reason}) {says}: {entry.why}"
    for note in answer.notes:
        yield f"  note: {note}"


def _condition(condition: Condition, depth: int) -> Iterator[str]:
    """The tree of clauses, as deep as people read."""
    indent = "  " * min(depth, DEEPEST)
    if condition.op in {"and", "or", "not"}:
        words = {"and": "all of", "or": "at least one of", "not": "not"}
        yield f"{indent}{_mark(condition.held)} {words[condition.op]}"
        for inner in condition.of if depth < DEEPEST else ():
            yield from _condition(inner, depth + 1)
        return
    asked = condition.expected or condition.op
    name = f"{condition.field} " if condition.field else ""
    yield f"{indent}{_mark(condition.held)} {name}{_verb(condition)}{asked}{_met(condition)}"


def _verb(condition: Condition) -> str:
    signs = ("≥", "≤", ">", "<", "=", "/", "in ", "equals", "starts", "ends", "contains")
    asked = condition.expected or ""
    return "" if not condition.field or asked.startswith(signs) or condition.op in {"re", "time", "fieldref"} else "is "


def _met(condition: Condition) -> str:
    if condition.field is None:
        return ""
    if condition.met is not None:
        return f"; met {condition.met}"
    near = f"; nearest name: {condition.nearest}" if condition.nearest else ""
    return f"; the event has no such field{near}"


# --- windows


def _window(window: WindowAnswer, every: bool, *, alone: bool) -> Iterator[str]:
    group = ", ".join(f"{name} {value}" for name, value in window.group)
    yield f"window of {_name(window.newest)}, from {window.from_} to {window.to}" + (f", {group}" if group else "")
    if not alone:
        yield f"  {_mark(window.fired)} {window.outcome}"
    if window.alert:
        yield f"  alert {window.alert}"
    for requirement in window.requirements:
        yield f"  {_mark(requirement.held)} {requirement.text}"
    if window.absence is not None:
        yield from _absence(window.absence)
    yield from _members(window, every)
    if window.candidates:
        yield "  nearest that are no members"
        for sight in window.candidates:
            yield from _sight(sight, "")


def _absence(absence: Absence) -> Iterator[str]:
    yield f"  {_mark(absence.state == 'absent')} {absence.text}"
    for sight in absence.came:
        yield f"      {_name(sight)} at {sight.at}: {', '.join(sight.rules)}"
    if absence.nearest:
        yield "  nearest that would have counted"
    for sight in absence.nearest:
        yield from _sight(sight, "")


def _members(window: WindowAnswer, every: bool) -> Iterator[str]:
    members = window.members if every else window.members[-MOST_MEMBERS:]
    yield "  members" if window.fired else "  in the window"
    if earlier := window.unlisted + len(window.members) - len(members):
        yield f"    … and {earlier} earlier ones"
    for sight in members:
        yield from _sight(sight, "the newest" if sight.event == window.newest.event else "")


def _sight(sight: Sight, role: str) -> Iterator[str]:
    marks = [_mark(part.holds) for part in sight.relations]
    worst = _mark(False) if _mark(False) in marks else _mark(True)
    relations = ", ".join(part.text for part in _missed_last(sight))
    said = role or relations or "is in the window"
    plan = "; the plan explains it" if sight.explained else ""
    yield f"    {worst} {_name(sight)}: {said}{plan}"
    yield f"        {', '.join(sight.rules)} at {sight.at}" + (f" in {sight.zone}" if sight.zone else "")


def _missed_last(sight: Sight) -> Sequence[Measured]:
    """What holds first, then what misses: ``44 m holds, 341 s is over 5 min``."""
    return sorted(sight.relations, key=lambda part: not part.holds)


def _name(sight: Sight) -> str:
    event = f"{sight.device} ({sight.event})" if sight.device else sight.event
    return f"{event}, as alert {sight.alert}" if sight.alert else event

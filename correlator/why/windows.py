"""Why a correlation fired or did not: the windows that end with an event, or the last before a time."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from correlator.notices import read_doubt
from correlator.why import single
from correlator.why.answer import Answer, EventAnswer, WindowAnswer
from correlator.why.correlated import about_window
from correlator.why.question import Question
from correlator.why.record import Met
from correlator.why.scene import Scene
from correlator.why.sighting import Entry
from correlator.why.window import Window
from correlator.why.wording import clock, limit

NAMED = 5
"""So many other windows are named."""


def of_event(question: Question, met: Met) -> Answer:
    """The windows whose newest entry came with an event; else why there are none."""
    scene = question.scene(met.time)
    notes = list(_elsewhere(scene, met))
    ending = scene.evaluator.windows(question.rule.index, met.id)
    if ending:
        return _answer(question, scene, ending, notes)
    direct = list(_direct(scene, met))
    outcome = "the event matched none of the rules that it refers to, so no window ends with it"
    if any(answer.held for answer in direct):
        outcome = "the event is no newest member of a window of it"
        notes += _unseen(scene, met)
    notes += _chained(scene, scene.terms.correlation.rules)
    return question.answer(outcome, events=direct, notes=notes)


def at_time(question: Question, at: int) -> Answer:
    """The last window that ends at a time or before it within the timespan; one that fired goes before others."""
    scene = question.scene(at)
    ending = list(_ending(scene, at))
    if not ending:
        return _nothing(question, scene, at)
    last = max(ending, key=lambda window: (window.fires, window.newest.order))
    others = sorted((window.newest.order, window.newest.event) for window in ending if window is not last)
    notes = []
    if others:
        ends = ", ".join(dict.fromkeys(event for _, event in others[-NAMED:]))
        many = "window ends" if len(others) == 1 else "windows end"
        notes.append(f"{len(others)} more {many} within the timespan before; the last with: {ends}")
    return _answer(question, scene, [last], notes)


def _answer(question: Question, scene: Scene, ending: Sequence[Window], notes: Sequence[str]) -> Answer:
    about = [_about(question, scene, window) for window in ending]
    outcome = next((one.outcome for one in about if one.fired), about[0].outcome)
    notes = [*notes, *_chained(scene, {rule for window in ending for entry in window.inside for rule in entry.rules})]
    if scene.evaluator.cut:
        notes.append(
            "too many events matched to look at every window: others, and alerts of other rules, may be missing"
        )
    fired = any(one.fired for one in about)
    if fired and not question.rule.alerts:
        notes.append("it raises no alert of its own: the correlations that refer to it do not all say 'generate: true'")
    return question.answer(outcome, fired=fired, windows=about, notes=notes)


def _about(question: Question, scene: Scene, window: Window) -> WindowAnswer:
    """A window as it is, or that nobody could tell what it waited for."""
    about = about_window(scene, window, question.most)
    doubt = read_doubt(scene.record.store, window.at, question.rule.id, window.newest.id) if window.waits else None
    if doubt is None:
        return about
    absence = msgspec.structs.replace(about.absence, state="unknown", text=doubt.what) if about.absence else None
    return msgspec.structs.replace(about, fired=False, outcome=doubt.what, alert=None, absence=absence)


def _ending(scene: Scene, at: int) -> Iterator[Window]:
    """The windows that end at a time or in the timespan before it; with an absence, those whose wait does."""
    terms = scene.terms
    back = terms.correlation.timespan * (2 if terms.awaited else 1)
    for group, entries in scene.evaluator.groups(scene.index).items():
        ending = [entry for entry in reversed(entries) if at - back <= entry.time <= at and entry.rules & terms.wanted]
        yield from scene.evaluator.several(scene.index, group, ending)


def _nothing(question: Question, scene: Scene, at: int) -> Answer:
    """No event matched a rule that makes members: the events that come nearest to one."""
    near: list[EventAnswer] = []
    for rule in map(scene.record.rule, scene.terms.correlation.rules):
        if not rule.correlation:
            _, found = single.nearest(scene.record, scene.evaluator.form, rule, at, scene.conceal)
            near += [_named(rule.title, one) for one in found[: question.most]]
    near.sort(key=lambda one: one.misses)
    span = limit(scene.terms.correlation.timespan)
    outcome = f"it did not fire: in the {span} before, nothing matched a rule that it refers to"
    return question.answer(outcome, events=near[: question.most])


def _direct(scene: Scene, met: Met) -> Iterator[EventAnswer]:
    """The single-event rules that a correlation refers to, on an event."""
    for rule in map(scene.record.rule, scene.terms.correlation.rules):
        if not rule.correlation:
            answer = single.about_event(scene.record, scene.evaluator.form, rule, met, scene.conceal)
            yield _named(rule.title, answer)


def _named(title: str, answer: EventAnswer) -> EventAnswer:
    return msgspec.structs.replace(answer, outcome=f"{title!r}: {answer.outcome}")


def _unseen(scene: Scene, met: Met) -> Iterator[str]:
    """Why an event that matched ends no window."""
    if scene.record.late(met):
        yield "it came too late for windows"
    elif all(met.id != entry.event for entries in scene.evaluator.groups(scene.index).values() for entry in entries):
        yield "it lacks a field that the correlation groups by or measures"


def _elsewhere(scene: Scene, met: Met) -> Iterator[str]:
    """The part that an event has in other windows: as an earlier member, or as what an absence waited for."""
    for window in _around(scene, met):
        ends = f"{window.newest.event} ({clock(window.newest.time)})"
        if window.fires and window.newest.event != met.id and _among(window.members, met.id):
            yield f"it is a member of the window that ends with {ends}, which fired"
        if _among(window.came, met.id):
            yield f"it is what the window of {ends} awaited to stay away, so that did not fire"


def _around(scene: Scene, met: Met) -> Iterator[Window]:
    """The windows of its groups within a timespan of an event."""
    span = scene.terms.correlation.timespan
    for group, entries in scene.evaluator.groups(scene.index).items():
        if _among(entries, met.id):
            near = [entry for entry in entries if abs(entry.time - met.time) <= span]
            yield from scene.evaluator.several(scene.index, group, near)


def _among(entries: Iterable[Entry], event: str) -> bool:
    return any(entry.event == event for entry in entries)


def _chained(scene: Scene, rules: Iterable[int]) -> Iterator[str]:
    """How to ask about the correlations whose alerts are members."""
    for rule in map(scene.record.rule, sorted(rules)):
        if rule.correlation:
            ask = f"'impetus rules why {rule.id} --event' with the event"
            yield f"what it sees of {rule.title!r} are alerts of that correlation: ask {ask}"

"""The question: why a rule fired or did not, for an event or at a time."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from correlator.why import single
from correlator.why.answer import About, Answer, EventAnswer
from correlator.why.clause import Conceal
from correlator.why.correlated import about_window
from correlator.why.record import Met, Record
from correlator.why.scene import Scene
from correlator.why.window import Window
from correlator.why.wording import clock, limit
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.rule import Rule, RuleSet
from rules import form

MAX_LOOKED = 1_000
"""So many other windows are looked at for the part that an event has in them."""
NAMED = 5
"""So many other windows are named."""


def find_rule(rules: RuleSet, name: str) -> Rule:
    """A rule by its id, its title, or the name of its file; raises ``ImpetusError`` with the nearest."""
    folded = name.casefold()
    for names in (_id, _title, _stem):
        found = [rule for rule in rules.rules if names(rule) == folded]
        if len(found) == 1:
            return found[0]
    known = [label for rule in rules.rules for label in (_stem(rule), rule.title, rule.id)]
    close = list(dict.fromkeys(difflib.get_close_matches(name, known, n=3, cutoff=0.5)))
    hint = f"The nearest: {', '.join(close)}" if close else "'impetus rules list' names them all"
    raise ImpetusError("rule.unknown", f"no rule has the id or title {name!r}", hint=hint)


def _id(rule: Rule) -> str:
    return rule.id.casefold()


def _title(rule: Rule) -> str:
    return rule.title.casefold()


def _stem(rule: Rule) -> str:
    return Path(rule.file).stem.casefold()


def ask_event(record: Record, rule: Rule, id: str, conceal: Conceal, most: int | None) -> Answer:
    """Why a rule fired on an event or did not; of a correlation the windows that have it as their newest."""
    met = record.event(id)
    if met is None:
        raise ImpetusError("event.unknown", "there is no event with this id", Where(key=id))
    if rule.correlation:
        return _window_of(record, rule, met, conceal, most)
    decoded = form.decode(record.setup.rules.form)
    answer = single.about_event(record, decoded, rule, met, conceal)
    fired = single.fired(record, rule, met)
    return Answer(_about(rule), f"at the event {id}", fired, answer.outcome, (answer,), notes=record.notes)


def ask_time(record: Record, rule: Rule, at: int, conceal: Conceal, most: int | None) -> Answer:
    """The same for a time (µs): the events around it, or the last window of a correlation that ends there or before."""
    if rule.correlation:
        return _window_at(record, rule, at, conceal, most)
    decoded = form.decode(record.setup.rules.form)
    total, answers = single.nearest(record, decoded, rule, at, conceal)
    held = [answer for answer in answers if answer.held]
    around = f"within {limit(single.AROUND)} of that time"
    if held:
        outcome = f"it held on {len(held)} of {total} events {around}"
    elif answers:
        outcome = f"it did not hold: {len(answers)} of {total} events {around} are of its log source, the nearest below"
    else:
        outcome = f"it did not hold: none of the {total} events {around} is of its log source"
    raised = any("fired" in answer.outcome and answer.held for answer in held)
    return Answer(_about(rule), f"at {clock(at)}", raised, outcome, tuple(answers[:most]), notes=record.notes)


# --- correlations


def _window_of(record: Record, rule: Rule, met: Met, conceal: Conceal, most: int | None) -> Answer:
    scene = Scene(record, form.decode(record.setup.rules.form), rule.index, met.time, conceal)
    windows = scene.evaluator.windows(rule.index, met.id)
    asked, notes = f"at the event {met.id}", [*record.notes, *_elsewhere(scene, met)]
    if windows:
        return _answer(scene, rule, asked, windows, notes, most)
    direct = list(_direct(scene, met))
    matched = any(answer.held for answer in direct)
    outcome = "the event matched none of the rules that it refers to, so no window ends with it"
    if matched:
        outcome = "the event is no newest member of a window of it"
        notes += _unseen(scene, met)
    notes += _chained(scene, scene.terms.correlation.rules)
    return Answer(_about(rule), asked, False, outcome, tuple(direct), notes=tuple(notes))


def _direct(scene: Scene, met: Met) -> Iterator[EventAnswer]:
    """The rules that a correlation refers to, on the event."""
    decoded = scene.evaluator.form
    for index in scene.terms.correlation.rules:
        rule = scene.record.rule(index)
        if not rule.correlation:
            answer = single.about_event(scene.record, decoded, rule, met, scene.conceal)
            yield msgspec.structs.replace(answer, outcome=f"{rule.title!r}: {answer.outcome}")


def _unseen(scene: Scene, met: Met) -> Iterator[str]:
    """Why an event that matched ends no window."""
    if scene.record.late(met):
        yield "it came too late for windows"
    elif all(met.id != entry.event for entries in scene.evaluator.groups(scene.index).values() for entry in entries):
        yield "it lacks a field that the correlation groups by or measures"


def _elsewhere(scene: Scene, met: Met) -> Iterator[str]:
    """The part that the event has in other windows: as an earlier member, or as what an absence waited for."""
    for group, entries in scene.evaluator.groups(scene.index).items():
        if not any(met.id in (entry.event, entry.id) for entry in entries):
            continue
        span = scene.terms.correlation.timespan
        near = (entry for entry in entries if abs(entry.time - met.time) <= span)
        for entry in islice(near, MAX_LOOKED):
            window = scene.evaluator.look(scene.index, group, entry)
            if window.fires and window.newest.event != met.id and _holds(window.members, met.id):
                yield f"it is a member of the window that ends with {entry.event} ({clock(entry.time)}), which fired"
            if _holds(window.came, met.id):
                yield f"it is what the window of {entry.event} ({clock(entry.time)}) awaited to stay away: that did not fire"


def _holds(entries: Iterable[object], event: str) -> bool:
    return any(getattr(entry, "event", None) == event for entry in entries)


def _window_at(record: Record, rule: Rule, at: int, conceal: Conceal, most: int | None) -> Answer:
    decoded = form.decode(record.setup.rules.form)
    scene = Scene(record, decoded, rule.index, at, conceal)
    asked, notes = f"at {clock(at)}", list(record.notes)
    windows = list(_ending(scene, at))
    if not windows:
        return _nothing_at(scene, rule, at, most)
    last = max(windows, key=lambda window: (window.fires, window.newest.order))
    others = [window for window in windows if window is not last]
    if others:
        ends = ", ".join(dict.fromkeys(window.newest.event for window in sorted(others, key=_newest)[-NAMED:]))
        notes.append(f"{len(others)} more windows end within the timespan before; the last with: {ends}")
    return _answer(scene, rule, asked, [last], notes, most)


def _newest(window: Window) -> tuple[int, str]:
    return window.newest.order


def _ending(scene: Scene, at: int) -> Iterator[Window]:
    """The windows that end at a time or in the timespan before it; with an absence, those whose wait does."""
    terms = scene.terms
    back = terms.correlation.timespan * (2 if terms.awaited else 1)
    for group, entries in scene.evaluator.groups(scene.index).items():
        for entry in entries:
            if at - back <= entry.time <= at and entry.rules & terms.wanted:
                yield scene.evaluator.look(scene.index, group, entry)


def _nothing_at(scene: Scene, rule: Rule, at: int, most: int | None) -> Answer:
    """No event matched a rule that makes members: the events that come nearest to one."""
    near: list[EventAnswer] = []
    for index in scene.terms.correlation.rules:
        referred = scene.record.rule(index)
        if not referred.correlation:
            _, found = single.nearest(scene.record, scene.evaluator.form, referred, at, scene.conceal)
            near += [
                msgspec.structs.replace(one, outcome=f"{referred.title!r}: {one.outcome}")
                for one in (found if most is None else found[:2])
            ]
    span = limit(scene.terms.correlation.timespan)
    outcome = f"it did not fire: in the {span} before, nothing matched a rule that it refers to"
    near.sort(key=lambda one: one.misses)
    return Answer(_about(rule), f"at {clock(at)}", False, outcome, tuple(near[:most]), notes=scene.record.notes)


def _answer(
    scene: Scene, rule: Rule, asked: str, windows: Sequence[Window], notes: Sequence[str], most: int | None
) -> Answer:
    about = [about_window(scene, window, most) for window in windows]
    outcome = next((one.outcome for one in about if one.fired), about[0].outcome)
    inner = {index for window in windows for entry in window.inside for index in entry.rules}
    notes = [*notes, *_chained(scene, inner)]
    fired = any(window.fires for window in windows)
    if fired and not rule.alerts:
        notes.append("it raises no alert of its own: the correlations that refer to it do not all say 'generate: true'")
    return Answer(_about(rule), asked, fired, outcome, windows=tuple(about), notes=tuple(dict.fromkeys(notes)))


def _chained(scene: Scene, rules: Iterable[int]) -> Iterator[str]:
    """How to ask about the correlations whose alerts are members."""
    for index in sorted(rules):
        rule = scene.record.rule(index)
        if rule.correlation:
            yield f"what it takes of {rule.title!r} are alerts: ask 'impetus rules why {rule.id} --event' with their event"


def _about(rule: Rule) -> About:
    return About(rule.id, rule.title, rule.level, rule.correlation, rule.alerts)

"""Trying a plan on a recorded day: what it would have explained, and what of that it should not."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from correlator.setup import Setup
from impetus.app.replaying import Order, Replay
from impetus.domain.alert import Alert
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.rule import Level, rank

MEDIUM = rank("medium")

Verdict = Literal["explained", "doubtful", "wrong"]


class Tried(msgspec.Struct, frozen=True):
    """One alert that the plan would have explained: ``why`` that is doubtful or wrong."""

    event: str
    rule: str
    title: str
    level: Level
    entry: str
    verdict: Verdict
    why: str = ""


def try_plan(setup: Setup, events: Sequence[Path], order: Order) -> tuple[list[Tried], list[ImpetusError]]:
    """Every alert of recorded events that the plan of a setup explains, by event time; and what had to be skipped.

    *Wrong*: without the plan it is in an incident of medium or higher that two independent sources (domains) attest.
    *Doubtful*: a correlation of medium or higher is made of it, which the plan takes away as a whole.
    """
    without = msgspec.structs.replace(setup, plan=None)
    planned, found = _run(setup, events, order), _run(without, events, order).incidents()
    by_event = _by_event(found)
    rules = {rule.id: rule for rule in setup.rules.rules}
    tried = []
    for line in planned.ledger():
        verdict, why = _judge(by_event.get(line.event, ()))
        rule = rules[line.rule]
        tried.append(Tried(line.event, line.rule, rule.title, rule.level, line.entry, verdict, why))
    times = {event: time for _, alerts in found for alert in alerts for event, time in _times(alert)}
    tried.sort(key=lambda one: (times.get(one.event, 0), one.event, one.rule))
    return tried, planned.problems


def _run(setup: Setup, events: Sequence[Path], order: Order) -> Replay:
    replay = Replay(setup)
    replay.run(events, order)
    return replay


def _times(alert: Alert) -> Iterator[tuple[str, int]]:
    yield from zip(alert.events, alert.times, strict=True)


Held = tuple[Incident, list[Alert]]


def _by_event(found: Iterable[Held]) -> dict[str, list[Held]]:
    held: dict[str, list[Held]] = {}
    for incident, alerts in found:
        inside: dict[str, list[Alert]] = {}
        for alert in alerts:  # not the events of the incident: of many it names the newest alone
            for event in alert.events:
                inside.setdefault(event, []).append(alert)
        for event, made in inside.items():
            held.setdefault(event, []).append((incident, made))
    return held


def _judge(held: Iterable[Held]) -> tuple[Verdict, str]:
    doubt = ""
    for incident, alerts in held:
        if incident.kind == "incident" and rank(incident.severity) >= MEDIUM and len(incident.domains) > 1:
            return "wrong", f"{' and '.join(incident.domains)} attest {incident.title!r} together"
        made = [alert for alert in alerts if alert.correlation and rank(alert.level) >= MEDIUM]
        if made:
            doubt = f"it is a part of {made[0].title!r} ({made[0].level}, {len(made[0].events)} events)"
    return ("doubtful", doubt) if doubt else ("explained", "")

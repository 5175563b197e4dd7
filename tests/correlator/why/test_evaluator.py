"""The evaluator that explains is held against the engine's windows, on correlations and matches drawn at random."""

import json
import random
from typing import Any

import pytest
from drawing import CITY, RULES, SECOND, events, form, item

from correlator._engine import Windows
from correlator.why.evaluator import Evaluator
from correlator.why.sighting import Sighting

CASES = 600
END = 10**12

Alerts = dict[tuple[int, str], tuple[Any, ...]]


def live(encoded: bytes, sightings: list[Sighting]) -> Alerts:
    """The alerts that the engine ends with."""
    windows, alerts = Windows(encoded, CITY), dict[tuple[int, str], Any]()
    for firing in windows.push([item(one) for one in sightings]) + windows.advance(END):
        said = (firing.members, firing.at, firing.certainty, sorted(firing.absent))
        alerts[firing.rule, firing.id] = None if firing.gone else said
    return {key: alert for key, alert in alerts.items() if alert is not None}


def explained(encoded: bytes, sightings: list[Sighting]) -> Alerts:
    """The alerts that the evaluator finds."""
    evaluator, alerts = Evaluator(encoded, CITY, sightings), Alerts()
    names = [rule.id for rule in evaluator.form.rules] + [one.id for one in evaluator.form.correlations]
    for index in range(RULES, len(names)):
        for found in evaluator.alerts(index):
            certain = all(window.certain for window in found.windows)
            certainty = ("certain" if certain else "possible") if evaluator.terms(index).placed else None
            absent = {names[rule] for window in found.windows for rule in window.absent}
            at = max(window.at for window in found.windows)
            alerts[index, found.id] = ([entry.id for entry in found.members], at, certainty, sorted(absent))
    return alerts


@pytest.mark.parametrize("part", range(4))
def test_the_alerts_are_those_of_the_windows(part: int) -> None:
    for case in range(part * CASES, (part + 1) * CASES):
        draw = random.Random(case)
        encoded = json.dumps(form(draw)).encode()
        sightings = events(draw, ties=draw.random() < 0.5)
        assert explained(encoded, sightings) == live(encoded, sightings), case


def test_it_fires_at_an_event_exactly_when_the_windows_fire_with_that_event_as_the_newest() -> None:
    fired = silent = 0
    for case in range(CASES):
        draw = random.Random(f"newest {case}")
        drawn = form(draw, 1)
        encoded = json.dumps(drawn).encode()
        sightings = events(draw, ties=False)
        evaluator = Evaluator(encoded, CITY, sightings)
        terms = evaluator.terms(RULES)
        for id in {one.id for one in sightings}:
            windows = evaluator.windows(RULES, id)
            said = any(window.fires for window in windows)
            # Without what came later, except what its wait may see, an alert whose newest member it is fires with it.
            time = next(one.time for one in sightings if one.id == id)
            seen = [one for one in sightings if one.time <= time or one.rule in terms.awaited]
            engine = Windows(encoded, CITY)
            firings = engine.push([item(one) for one in seen]) + engine.advance(END)
            last = {firing.id: firing for firing in firings}
            assert said == any(not firing.gone and firing.newest == id for firing in last.values()), (case, id)
            fired, silent = fired + said, silent + (not said)
    assert min(fired, silent) > 500, "both have to come up often"


def test_a_wait_that_is_not_over_does_not_fire_yet() -> None:
    condition = {
        "expr": {"op": "and", "of": [{"op": "rule", "index": 0}, {"op": "not", "of": {"op": "rule", "index": 1}}]}
    }
    drawn = form(random.Random(0), 1)
    drawn["correlations"] = [
        {"id": "c", "type": "temporal", "rules": [0, 1], "group_by": [], "aliases": {}, "timespan": 240 * SECOND,
         "condition": condition, "place": None}
    ]  # fmt: skip
    door = events(random.Random(1), ties=False)[0]
    door = Sighting(0, "door", 0, door.place, {})
    for now, over in ((240 * SECOND, False), (240 * SECOND + 1, True)):
        (window,) = Evaluator(json.dumps(drawn).encode(), CITY, [door], now).windows(RULES, "door")
        assert (window.holds, window.waits, window.fires) == (True, True, over)

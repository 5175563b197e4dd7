"""Live equals replay: any order of arrival within the lateness, with restarts, ends as one replay in order."""

import itertools
import random
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planning import AWAY, HERE, Run, correlation, event, rule, rules, run_all, setup_of

from correlator.setup import Setup
from correlator.watermark import LATENESS
from impetus.domain.alert import Alert
from impetus.domain.instant import SECOND, parse_instant
from impetus.domain.rule import RuleSet

ACTIONS = "abcd"
BASE = (
    rule("a", 1, "event.action: a"),
    rule("b", 2, "event.action: b", "high"),
    rule("c", 3, "event.action: c", "low"),
    rule("d", 4, "event.action: d", "informational"),
)
PLAN = """
expected:
- {id: known, reason: exercise, from: 2027-05-17T09:00:00Z, to: 2027-05-17T15:00:00Z, event: {event.action: a},
   place: {zones: [Z1]}}
"""
NEVER = 86_400 * SECOND


# --- what is drawn


@st.composite
def bodies(draw: st.DrawFn, number: int) -> str:
    """The body of the correlation of a number; it may refer to those before it."""
    names = [*ACTIONS, *(f"x{before}" for before in range(number))]
    referred = draw(st.lists(st.sampled_from(names), min_size=2, max_size=3, unique=True))
    chained = any(name.startswith("x") for name in referred)
    kinds = {
        "event_count": ["{gte: 2}", "{gte: 3}", "{lte: 2}"],
        "value_count": ["{gte: 2, field: device.id}"],
        "temporal": ["{gte: 2}", " and not ".join(referred[:2]), " or ".join(referred), " and ".join(referred)],
        "temporal_ordered": ["{gte: 2}"],
    }
    kind = draw(st.sampled_from([kind for kind in kinds if not (chained and kind == "value_count")]))
    condition = draw(st.sampled_from(kinds[kind]))
    # An extended condition has to name every rule.
    named = referred[:2] if " not " in condition else referred
    timespan = draw(st.sampled_from([20, 60, 100]))
    parts = [f"type: {kind}, rules: [{', '.join(named)}], timespan: {timespan}s, condition: {condition}"]
    if draw(st.booleans()):
        parts.append("group-by: [device.id]")
    place = draw(st.sampled_from([None, None, "{zone: same}", "{distance: {lte: 400}}"]))
    return ", ".join([*parts, *([f"place: {place}"] if place else [])])


RULES = st.tuples(*(bodies(number) for number in range(3)))


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[float, dict[str, Any]]]:
    """Events of two sources, each with how much later than its event time it arrives (s)."""
    drawn = st.tuples(
        st.integers(0, 60), st.sampled_from(ACTIONS), st.sampled_from([HERE, HERE, AWAY, None]),
        st.sampled_from(["NS-1", "NS-2"]), st.sampled_from(["radar", "door"]), st.integers(0, LATENESS // SECOND),
    )  # fmt: skip
    found = []
    for number, (at, action, where, device, source, delay) in enumerate(draw(st.lists(drawn, min_size=1, max_size=14))):
        fields = {"device.id": device, "event.provider": source, "place.zone": "Z1" if device == "NS-1" else "Z2"}
        found.append((float(delay), event(f"{number}-{action}", at * 5, action, where, **fields)))
    return found


@lru_cache(maxsize=64)
def loaded(found: tuple[str, ...]) -> RuleSet:
    with tempfile.TemporaryDirectory() as folder:
        named = (correlation(f"x{number}", 10 + number, body) for number, body in enumerate(found))
        return rules(Path(folder), *BASE, *named)


def setup_for(found: tuple[str, ...], plan: str | None) -> Setup:
    return setup_of(loaded(found), plan, idle={"radar": NEVER, "door": NEVER})


def instant(one: dict[str, Any]) -> str:
    return str(one["@timestamp"])


def arriving(drawn: Sequence[tuple[float, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The events as they arrive: by event time and delay."""
    return [one for _, one in sorted(drawn, key=lambda item: parse_instant(instant(item[1])) + item[0] * SECOND)]


def seen(alert: Alert) -> object:
    """All that an alert says, but for what counts its revisions."""
    return (
        alert.rule, alert.at, alert.fired, alert.first, alert.events, alert.times, frozenset(alert.entities),
        alert.domains, alert.zones, alert.place, alert.group, alert.certainty, frozenset(alert.absent), alert.exercise,
    )  # fmt: skip


def outcome(run: Run) -> object:
    return run.state(), {id: seen(alert) for id, alert in run.alerts.items()}


# --- any order


@settings(max_examples=200)
@given(RULES, arrivals(), st.booleans(), st.integers(0, 2**32))
def test_any_order_within_the_lateness_with_restarts_ends_as_a_replay(
    found: tuple[str, ...], drawn: list[tuple[float, dict[str, Any]]], planned: bool, seed: int
) -> None:
    check_any_order(found, drawn, PLAN if planned else None, seed)


@pytest.mark.soak
@settings(max_examples=5_000)
@given(RULES, arrivals(), st.booleans(), st.integers(0, 2**32))
def test_any_order_ends_as_a_replay_many_times(
    found: tuple[str, ...], drawn: list[tuple[float, dict[str, Any]]], planned: bool, seed: int
) -> None:
    check_any_order(found, drawn, PLAN if planned else None, seed)


def check_any_order(
    found: tuple[str, ...], drawn: list[tuple[float, dict[str, Any]]], plan: str | None, seed: int
) -> None:
    draw, setup = random.Random(seed), setup_for(found, plan)
    straight = run_all(setup, sorted((one for _, one in drawn), key=instant))
    waiting, run = arriving(drawn), Run(setup)
    while waiting:
        size = draw.randint(1, 4)
        run.feed(*waiting[:size])
        waiting = waiting[size:]
        if draw.random() < 0.3:
            run.restart()
    assert outcome(run.finish()) == outcome(straight)


@settings(max_examples=100)
@given(RULES, arrivals())
def test_in_order_an_incident_gives_way_only_to_one_that_was_there_before(
    found: tuple[str, ...], drawn: list[tuple[float, dict[str, Any]]]
) -> None:
    """A revision moves when an alert was last seen, not when it fired, so it cannot take another for the opener.

    Without absences and plans, by which alerts come out behind later ones.
    """
    assume(not any(" not " in body for body in found))
    setup, ordered = setup_for(found, None), sorted((one for _, one in drawn), key=instant)
    run, known = Run(setup), set[str]()
    for _, tick in itertools.groupby(ordered, key=instant):
        changed = run.feed(*tick).incidents
        assert {one.superseded_by for one in changed if one.superseded_by is not None} <= known
        known |= {one.id for one in changed}
    assert outcome(run.finish()) == outcome(run_all(setup, ordered))


# --- chains


@pytest.mark.parametrize("restart", [False, True])
def test_a_late_member_of_an_inner_correlation_is_one_of_all_outer_ones(restart: bool) -> None:
    """The late one changes neither id nor time of the inner alert, nor any window of the others."""
    found = loaded(
        (
            "type: event_count, rules: [a], group-by: [device.id], timespan: 1m, condition: {gte: 3}",
            "type: temporal, rules: [x0, b], timespan: 5m",
            "type: temporal, rules: [x1, c], timespan: 5m",
        )
    )
    run = Run(setup_of(found))
    run.feed(*(event(f"a{at}", at, "a") for at in (0, 1, 3)), event("b", 5, "b", AWAY), event("c", 6, "c", AWAY))
    before = {alert.title: alert for alert in run.alerts.values() if alert.correlation}
    if restart:
        run.restart()
    run.feed(event("a2", 3, "a", HERE, **{"badge.id": "B-9"}))
    after = {alert.title: alert for alert in run.alerts.values() if alert.correlation}
    assert [after[name].events for name in ("x0", "x1", "x2")] == [
        ("a0", "a1", "a2", "a3"), ("a0", "a1", "a2", "a3", "b"), ("a0", "a1", "a2", "a3", "b", "c"),
    ]  # fmt: skip
    assert all((after[name].id, after[name].at) == (one.id, one.at) for name, one in before.items())
    assert all(after[name].revision == one.revision + 1 for name, one in before.items())
    assert all("B-9" in {entity.value for entity in one.entities} for one in after.values())


def test_an_outer_alert_grows_with_an_inner_one_however_long_that_goes_on() -> None:
    """The outer one fired once, long ago, and its own member is no longer remembered."""
    found = loaded(
        (
            "type: event_count, rules: [a], timespan: 20s, condition: {gte: 2}",
            "type: temporal, rules: [x0, b], timespan: 20s",
        )
    )
    run = Run(setup_of(found))
    run.feed(event("b", 0, "b"))
    times = range(0, 2000, 10)
    for at in times:
        run.feed(event(f"a{at:04}", at, "a"))
    (outer,) = [alert for alert in run.alerts.values() if alert.title == "x1"]
    assert outer.events == ("a0000", "b", *(f"a{at:04}" for at in times if at))


# --- alerts that grow


def test_an_alert_that_grew_is_the_one_that_was_made_at_once() -> None:
    found = loaded(("type: event_count, rules: [a, b], timespan: 1m, condition: {gte: 3}",))
    events = [
        event(f"e{at:03}", at, "ab"[at % 2], (HERE, AWAY, None)[at % 3], **{"user.name": f"u{at % 7}"})
        for at in range(100)
    ]
    run = Run(setup_of(found))
    for one in events:
        run.feed(one)
        if one["event.id"] == "e050":
            run.restart()
    (grown,) = [alert for alert in run.alerts.values() if alert.correlation]
    (made,) = [alert for alert in run_all(setup_of(found), events).alerts.values() if alert.correlation]
    assert (grown.revision, made.revision) == (98, 1)
    assert (seen(grown), grown.explanation, grown.entities) == (seen(made), made.explanation, made.entities)
    assert (made.since, made.at - made.fired) == (made.times[2], 97 * SECOND)

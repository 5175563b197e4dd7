"""A reload between an event and what makes it count anew: rules that began only then leave the event alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planning import Run, correlation, event, rule, rules, setup_of
from test_renewal import ADDRESSES, MET, indicator, login

from correlator.setup import Setup
from impetus.domain.alert import Alert
from impetus.domain.rule import RuleSet

KNOWN = rule("known", 1, f"{MET}|exists: true", "high")
LOGIN = rule("login", 2, "event.action: login", "low")
PAIR = correlation("pair", 3, "type: event_count, rules: [known], timespan: 2m, condition: {gte: 2}")
MET_LATER = rule("met later", 4, f"{MET}|exists: true")
PAIR_LATER = PAIR.replace("pair", "pair later").replace("000003", "000005")
TWO_LATER = correlation("two later", 6, "type: temporal, rules: [pair, login], timespan: 2m")
PLAN = f"""
expected:
- id: tested
  reason: A test of the indicators
  from: 2027-05-17T11:00:00Z
  to: 2027-05-17T13:00:00Z
  event: {{event.action: login, {MET}: {ADDRESSES[1]}}}
  unless_within: {{distance: 100, timespan: 20s}}
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return rules(tmp_path_factory.mktemp("before"), KNOWN, LOGIN, PAIR)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """The same rules in other places, and three more."""
    return rules(tmp_path_factory.mktemp("after"), MET_LATER, LOGIN, KNOWN, TWO_LATER, PAIR_LATER, PAIR)


def reload(run: Run, setup: Setup) -> None:
    run.setup = setup
    run.restart()


def met(number: int) -> dict[str, Any]:
    return login(number, number, ADDRESSES[0])


@pytest.mark.parametrize("restart", [False, True])
def test_an_event_that_meets_its_indicator_after_a_reload_counts_by_the_rules_of_before(
    before: RuleSet, after: RuleSet, restart: bool
) -> None:
    run = Run(setup_of(before))
    run.feed(met(1))
    run.feed(met(2))
    reload(run, setup_of(after))
    if restart:
        run.restart()
    run.feed(indicator(0, ADDRESSES[0], -60))
    logins = {("login", "l1"), ("login", "l2")}
    assert run.alerted == {("known", "l1"), ("known", "l2"), ("pair", "l1", "l2"), *logins}
    run.feed(met(3))
    news = {title: alert.events for title, alert in _by_title(run).items() if title.endswith("later")}
    assert news == {"met later": ("l3",), "two later": ("l1", "l2", "l3")}, "one alone is no pair"
    run.feed(met(4))
    assert _by_title(run)["pair later"].events == ("l3", "l4")


def _by_title(run: Run) -> dict[str, Alert]:
    return {alert.title: alert for alert in run.alerts.values()}


@pytest.mark.parametrize("restart", [False, True])
def test_an_explanation_that_goes_and_comes_after_a_reload_brings_nothing_into_new_windows(
    tmp_path: Path, restart: bool
) -> None:
    """The late shot ends the explanation of the first, the last one gives it back."""
    plan = "expected:\n- {id: drill, reason: A drill, from: 2027-05-17T12:00:00Z, to: 2027-05-17T13:00:00Z,\n   event: {event.action: shot}, spacing: {every: 20s, tolerance: 1s}}\n"  # noqa: E501
    shot, few = rule("shot", 1, "event.action: shot"), "type: event_count, rules: [shot], timespan: 2m, condition: "
    folders = [tmp_path / "before", tmp_path / "after"]
    for folder in folders:
        folder.mkdir()
    many = correlation("many", 3, few + "{gte: 9}")
    old, new = rules(folders[0], shot, many), rules(folders[1], shot, many, correlation("later", 2, few + "{lte: 9}"))
    run = Run(setup_of(old, plan))
    run.feed(event("b", 25, "shot"))
    run.feed(event("a", 10, "shot"))
    assert run.alerted == {("shot", "b")}
    reload(run, setup_of(new, plan))
    if restart:
        run.restart()
    run.feed(event("c", 45, "shot"))
    assert set(run.explained) == {"b", "c"}
    assert ("shot", "a") in run.alerted
    run.feed(event("d", 52, "shot"))
    assert _by_title(run)["later"].events == ("c", "d")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_events_that_the_plan_explains_late_do_not_keep_each_other_unexplained(after: RuleSet, size: int) -> None:
    """Each raised an alert near the other before the indicator came by which the plan knows them."""
    run = Run(setup_of(after, PLAN))
    known = ADDRESSES[1]
    arriving = [login(0, 0, known), login(1, 0, known), indicator(0, known, 0)]
    for start in range(0, len(arriving), size):
        run.feed(*arriving[start : start + size])
    run.finish()
    assert set(run.explained) == {"l0", "l1"}
    assert not run.alerts


LOGINS = st.lists(
    st.tuples(st.integers(0, 110), st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=2)), max_size=8
)
NEWS = st.lists(st.tuples(st.integers(-300, 60), st.sampled_from(ADDRESSES)), max_size=3)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LOGINS, NEWS, st.booleans(), st.data())
def test_indicators_in_any_order_with_a_reload_end_as_if_they_had_come_first(
    before: RuleSet,
    after: RuleSet,
    logins: list[tuple[int, list[str]]],
    news: list[tuple[int, str]],
    planned: bool,
    data: st.DataObject,
) -> None:
    """The reload has its place among the other events; where indicators stand does not matter."""
    check_reload(before, after, logins, news, planned, data)


@pytest.mark.soak
@settings(max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LOGINS, NEWS, st.booleans(), st.data())
def test_indicators_in_any_order_with_a_reload_many_times(
    before: RuleSet,
    after: RuleSet,
    logins: list[tuple[int, list[str]]],
    news: list[tuple[int, str]],
    planned: bool,
    data: st.DataObject,
) -> None:
    check_reload(before, after, logins, news, planned, data)


def check_reload(
    before: RuleSet,
    after: RuleSet,
    logins: list[tuple[int, list[str]]],
    news: list[tuple[int, str]],
    planned: bool,
    data: st.DataObject,
) -> None:
    old, new = (setup_of(found, PLAN if planned else None) for found in (before, after))
    told = [indicator(number, address, at) for number, (at, address) in enumerate(news)]
    seen = [login(number, at, *addresses) for number, (at, addresses) in enumerate(logins)]
    seen = data.draw(st.permutations(seen))
    cut = data.draw(st.integers(0, len(seen)))
    first = Run(old)
    first.feed(*told)
    feed_around(first, new, seen[:cut], seen[cut:], None)
    run = Run(old)
    places = sorted(data.draw(st.lists(st.integers(0, len(seen)), min_size=len(told), max_size=len(told))))
    mixed = list(seen)
    for place, one in reversed(list(zip(places, told, strict=True))):
        mixed.insert(place, one)
        cut += place < cut or (place == cut and data.draw(st.booleans()))
    feed_around(run, new, mixed[:cut], mixed[cut:], data)
    assert outcome(run) == outcome(first)


def feed_around(
    run: Run,
    setup: Setup,
    before: Sequence[dict[str, Any]],
    after: Sequence[dict[str, Any]],
    data: st.DataObject | None,
) -> None:
    """Events, the reload, and the others; with ``data`` in drawn steps and with restarts between."""
    for part in (before, after):
        waiting = list(part)
        while waiting:
            size = data.draw(st.integers(1, 3)) if data else len(waiting)
            run.feed(*waiting[:size])
            waiting = waiting[size:]
            if data and data.draw(st.booleans()):
                run.restart()
        if part is before:
            reload(run, setup)
    run.finish()


def outcome(run: Run) -> object:
    return run.state(), {id: frozenset(alert.entities) for id, alert in run.alerts.items()}

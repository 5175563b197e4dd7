"""Rules, city model and plan changed between two steps: what is unchanged goes on, what is changed starts anew."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planning import CITY, Run, correlation, event, rule, rules, setup_of

from correlator.setup import Setup
from correlator.worker import Correlator, controls_of
from impetus.domain.batch import Control
from impetus.domain.rule import RuleSet

DOOR, LOGIN = "event.action: door", "event.action: login"
SINGLE = [rule("door", 1, DOOR), rule("login", 2, LOGIN), rule("patrol", 3, "event.action: patrol", "informational")]
WINDOWS = [
    correlation("doors", 4, "type: event_count, rules: [door], group-by: [device.id], timespan: 1m, condition: {gte: 3}"),  # noqa: E501
    correlation("both", 5, "type: temporal, rules: [doors, login], timespan: 5m", "critical"),
    correlation("unchecked", 6, "type: temporal, rules: [door, patrol], group-by: [device.id], timespan: 1m, condition: door and not patrol"),  # noqa: E501
    correlation("near", 7, "type: event_count, rules: [login], timespan: 1m, condition: {gte: 2}, place: {zone: adjacent}"),  # noqa: E501
]  # fmt: skip
PLAN = """
expected:
- id: drill
  reason: A drill with the doors
  from: 2027-05-17T12:00:00Z
  to: 2027-05-17T12:03:00Z
  event: {event.action: door}
  unless_within: {distance: 100, timespan: 30s}
"""


class Sets:
    """Rule sets of the same documents, changed or not, each compiled once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, ...], RuleSet] = {}

    def of(self, *documents: str) -> RuleSet:
        if documents not in self._known:
            folder = self._folder / str(len(self._known))
            folder.mkdir()
            self._known[documents] = rules(folder, *documents)
        return self._known[documents]

    def shuffled(self, seed: int, *more: str) -> RuleSet:
        """The same rules in another order, so with other indices."""
        documents = [*SINGLE, *WINDOWS, *more]
        random.Random(seed).shuffle(documents)
        return self.of(*documents)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sets]:
    yield Sets(tmp_path_factory.mktemp("sets"))


def reloaded(run: Run, setup: Setup) -> Correlator:
    run.setup = setup
    run.restart()
    return run.correlator


def told(run: Run, *without: str) -> set[tuple[Any, ...]]:
    return {(a.title, a.id, a.events, a.revision, a.gone) for a in run.alerts.values() if a.title not in without}


ACTIONS = st.sampled_from(["door", "door", "door", "login", "patrol", "other"])
EVENTS = st.lists(st.tuples(st.integers(0, 300), ACTIONS, st.sampled_from(["A", "B"])), max_size=16)


def made(drawn: list[tuple[int, str, str]]) -> list[dict[str, Any]]:
    zones = {"A": "Z1", "B": "Z2"}
    events = [
        event(f"e{n}", at, action, **{"device.id": device, "place.zone": zones[device]})
        for n, (at, action, device) in enumerate(drawn)
    ]
    return sorted(events, key=lambda one: one["@timestamp"])


def fed(run: Run, events: list[dict[str, Any]], data: st.DataObject, reload: Any) -> Run:
    while events:
        size = data.draw(st.integers(1, 4))
        run.feed(*events[:size])
        events = events[size:]
        if data.draw(st.booleans()):
            reload(run)
    return run.finish()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS, st.booleans(), st.data())
def test_a_reload_of_the_same_rules_changes_nothing(
    sets: Sets, drawn: list[tuple[int, str, str]], planned: bool, data: st.DataObject
) -> None:
    plan = PLAN if planned else None
    whole = Run(setup_of(sets.shuffled(0), plan))
    sizes = []

    def reload(run: Run) -> None:
        order = data.draw(st.integers(0, 4))
        reloaded(run, setup_of(sets.shuffled(order), plan))
        assert (run.correlator.restarted, run.correlator.gone) == ((), ())

    run = fed(Run(setup_of(sets.shuffled(0), plan)), made(drawn), data, reload)
    sizes = [len(commit.lines) for commit in run.commits[:-1]]
    waiting = made(drawn)
    for size in sizes:
        whole.feed(*waiting[:size])
        waiting = waiting[size:]
    whole.finish()
    assert (run.state(), told(run)) == (whole.state(), told(whole))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS, st.data())
def test_a_reload_with_one_rule_changed_leaves_the_others_alone(
    sets: Sets, drawn: list[tuple[int, str, str]], data: st.DataObject
) -> None:
    login = rule("login", 2, "event.action: [login, other]")
    changed = sets.of(SINGLE[0], login, SINGLE[2], *WINDOWS)
    whole = Run(setup_of(sets.shuffled(0)))
    run = fed(
        Run(setup_of(sets.shuffled(0))), made(drawn), data, lambda run: reloaded(run, setup_of(changed))
    )  # fmt: skip
    waiting = made(drawn)
    for commit in run.commits[:-1]:
        whole.feed(*waiting[: len(commit.lines)])
        waiting = waiting[len(commit.lines) :]
    whole.finish()
    apart = ("login", "both", "near")
    assert told(run, *apart) == told(whole, *apart)


def doors(*times: int) -> list[dict[str, Any]]:
    return [event(f"d{at}", at, "door") for at in times]


def test_the_windows_of_unchanged_rules_go_on(sets: Sets) -> None:
    run = Run(setup_of(sets.shuffled(0)))
    run.feed(*doors(0, 1))
    reloaded(run, setup_of(sets.shuffled(1, rule("new", 9, DOOR))))
    run.feed(*doors(2))
    assert ("doors", "d0", "d1", "d2") in run.alerted
    assert {row for row in run.alerted if row[0] == "new"} == {("new", "d2")}


def test_a_correlation_whose_rule_means_something_else_starts_empty_and_is_named(sets: Sets) -> None:
    run = Run(setup_of(sets.shuffled(0)))
    run.feed(*doors(0, 1))
    door = rule("door", 1, "event.action: [door, gate]")
    correlator = reloaded(run, setup_of(sets.of(door, *SINGLE[1:], *WINDOWS)))
    assert set(correlator.restarted) == {"doors", "both", "unchecked"}
    assert len(list(run.store.state("windows"))) == 1, "rows of what starts anew are still there"
    run.feed(*doors(2))
    assert not [row for row in run.alerted if row[0] == "doors"]


def test_the_rows_of_a_correlation_that_is_gone_go_and_its_alerts_stay(sets: Sets) -> None:
    run = Run(setup_of(sets.shuffled(0)))
    run.feed(*doors(0, 1, 2))
    rows = len(list(run.store.state("windows")))
    correlator = reloaded(run, setup_of(sets.of(*SINGLE, *WINDOWS[2:])))
    assert correlator.gone == tuple(f"00000000-0000-4000-8000-{number:012}" for number in (4, 5))
    assert 0 < len(list(run.store.state("windows"))) < rows
    assert ("doors", "d0", "d1", "d2") in run.alerted
    assert reloaded(run, run.setup).gone == ()


def test_other_neighbours_start_the_windows_that_ask_for_them_anew(sets: Sets) -> None:
    run = Run(setup_of(sets.shuffled(0)))
    moved = CITY.replace("- {id: VMS-1, kind: vms, zone: Z2}", "")
    assert reloaded(run, setup_of(sets.shuffled(0), city=moved)).restarted == ()
    apart = CITY.replace("adjacent: [Z1]", "adjacent: []")
    assert reloaded(run, setup_of(sets.shuffled(0), city=apart)).restarted == ("near",)


def test_what_a_rule_that_is_new_would_have_said_of_an_explained_event_is_not_said_later(sets: Sets) -> None:
    run = Run(setup_of(sets.shuffled(0), PLAN))
    run.feed(*doors(10))
    assert run.explained == {"d10": "drill"}
    reloaded(run, setup_of(sets.shuffled(2, rule("new", 9, DOOR)), PLAN))
    run.feed(event("l", 12, "login"))
    assert run.alerted == {("door", "d10"), ("login", "l")}


def test_a_plan_that_is_named_no_longer_is_over(sets: Sets) -> None:
    plan, city = Control("plan", "1", b"p"), Control("city", "1", b"c")
    setup = setup_of(sets.shuffled(0), controls=(city,))
    assert controls_of(setup, [plan, city]) == (Control("plan", "", b""),)
    assert controls_of(setup, [plan, city, Control("plan", "", b"")]) == ()

"""What people say belongs together, or not: merges and splits hold for later evidence, in any order, until undone."""

import random

import pytest
from alerting import Board, alert, alerts, expected, outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import NOON, Run, event, rule, rules, setup_of

from correlator.incidents.bonds import Bond, Bonds
from impetus.domain.action import Action, Undo
from impetus.domain.alert import Alert
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.rule import RuleSet
from integrations.embedded.store import EmbeddedStore


def merge(*ids: str) -> Bond:
    return Bond("m", "merge", "kari", dict.fromkeys(ids, 0))


def split(leave: list[str], stay: list[str]) -> Bond:
    return Bond("s", "split", "kari", dict.fromkeys(leave, 1) | dict.fromkeys(stay, 0))


@settings(max_examples=60)
@given(alerts(), st.integers(0, 2**32))
def test_with_bonds_any_order_ends_as_one_fold(final: list[Alert], seed: int) -> None:
    """Bonds come and one goes between the alerts; restarts after each step lose nothing."""
    draw, board = random.Random(seed), Board(store=EmbeddedStore.in_memory())
    ids = [one.id for one in final]
    sides = {id: draw.randrange(2) for id in draw.sample(ids, draw.randint(1, len(ids)))}
    bonds = [
        merge(*draw.sample(ids, min(2, len(ids)))),
        Bond("s", "split", "ola", sides),
        Bond("x", "split", "eva", sides),
    ]
    steps = [*draw.sample(final, len(final)), *bonds]
    draw.shuffle(steps)
    for step in [*steps, "x"]:
        if isinstance(step, Alert):
            board.apply(step)
        else:
            board.commit(board.keep(board.joins.bind(step) if isinstance(step, Bond) else board.joins.release(step)))
        if draw.random() < 0.2:
            board.restart()
    held = Bonds()
    for bond in bonds[:2]:
        held.add(bond)
    assert _without_links(outcome(board)) == _without_links(expected(final, bonds=held))


def _without_links(state: object) -> object:
    """A split links incidents that would be one; the other links are as ever."""
    found, loose = state  # type: ignore[misc]
    return {id: (one[0], one[1], *one[3:]) for id, one in found.items()}, loose


def test_a_merge_holds_for_what_comes_later_and_also_over_24_hours() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"), alert("b", 30, "user:y"))
    board.keep(board.joins.bind(merge("a", "b")))
    board.apply(alert("c", 31, "user:y"))
    assert board.groups() == {frozenset("abc")}
    assert [row.why for row in board.the("a").members] == ["opened it", "merged by kari", "user y"]


def test_a_split_holds_for_a_late_bridge_and_a_repeat_goes_with_its_row() -> None:
    board = Board()
    one, other = alert("a", 0, "user:x", "device:d"), alert("b", 1, "user:x", "device:e")
    board.apply(one, other)
    board.keep(board.joins.bind(split(["b"], ["a"])))
    assert board.groups() == {frozenset("a"), frozenset("b")}
    again = Alert(
        **{n: getattr(alert("c", 2, "user:x", "device:e"), n) for n in Alert.__struct_fields__} | {"rule": "rule-b"}
    )
    board.apply(again, alert("d", 0.5, "user:x"))
    assert board.groups() == {frozenset("ad"), frozenset("bc")}
    assert board.live["inc-a"].linked == ("inc-b",)


# --- as commands


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return rules(tmp_path_factory.mktemp("rules"), rule("door", 1, "event.action: door"))


@pytest.fixture
def run(found: RuleSet) -> Run:
    run = Run(setup_of(found))
    run.feed(event("x", 0, "door", **{"device.id": "D-1"}), event("y", 1, "door", **{"device.id": "D-2"}))
    return run


def act(run: Run, verb: str, incident: str, *targets: str) -> Incident:
    after, commit = run.correlator.act(Action("act", incident, "kari", verb, note="seen", targets=targets), NOON)  # type: ignore[arg-type]
    run.store.commit(commit)
    return after


def undo(run: Run, incident: str) -> Incident:
    after, commit = run.correlator.undo(Undo("back", incident, "ola", "act"), NOON)
    run.store.commit(commit)
    return after


def holding(run: Run, event: str) -> Incident:
    (one,) = [one for one in run.incidents if event in one.events]
    return one


def test_a_merge_is_recorded_survives_a_restart_and_can_be_undone(run: Run) -> None:
    first, second = holding(run, "x"), holding(run, "y")
    one = act(run, "merge", second.id, first.id)
    assert (one.id, one.events, one.supersedes) == (first.id, ("x", "y"), (second.id,))
    assert [(record.verb, record.actor, record.targets) for record in one.history] == [("merge", "kari", (first.id,))]
    run.restart()
    run.feed(event("z", 2, "door", **{"device.id": "D-2"}))
    assert holding(run, "z").id == first.id
    undo(run, one.id)
    assert {held.events for held in run.incidents} == {("x",), ("y", "z")}
    assert holding(run, "y").id == second.id


def test_a_split_is_recorded_and_can_be_undone(run: Run) -> None:
    run.feed(event("z", 2, "door", **{"device.id": "D-1", "user.name": "u"}))
    run.feed(event("w", 3, "door", **{"device.id": "D-3", "user.name": "u"}))
    one = holding(run, "w")
    leaving = next(row.alert for row in one.members if row.why == "user u")
    assert act(run, "split", one.id, leaving).events == ("x", "z")
    run.restart()
    run.feed(event("v", 4, "door", **{"device.id": "D-3"}))
    assert holding(run, "v").events == ("w", "v")
    assert undo(run, one.id).events == ("x", "z", "w", "v")


@pytest.mark.parametrize("verb", ["merge", "split", "clear"])
@pytest.mark.parametrize("targets", [(), ("nothing",), ("self",)])
def test_what_does_not_apply_is_refused_and_changes_nothing(run: Run, verb: str, targets: tuple[str, ...]) -> None:
    one = holding(run, "x")
    named = tuple(one.id if target == "self" else target for target in targets)
    with pytest.raises(ImpetusError) as caught:
        act(run, verb, one.id, *named)
    assert caught.value.code in {"action.refused", "incident.unknown"}
    assert holding(run, "x") == one


def test_an_incident_that_is_no_longer_active_is_not_merged(run: Run) -> None:
    first, second = holding(run, "x"), holding(run, "y")
    run.feed(event("late", 3 * 86_400, "other"))
    with pytest.raises(ImpetusError) as caught:
        act(run, "merge", first.id, second.id)
    assert "not active" in caught.value.what

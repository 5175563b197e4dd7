"""Whatever arrives over some hours ends as one fold over everything, and as if no restart had been."""

from collections.abc import Iterator
from random import Random

import pytest
from alerting import Board
from happening import LIMITS, Step, last, steps
from hypothesis import given, settings
from hypothesis import strategies as st

from correlator.incidents import away, case, summaries, traces
from correlator.incidents.desk import Commands
from correlator.incidents.fold import fold
from impetus.domain.action import Action, Verb
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from integrations.embedded.store import EmbeddedStore

VERBS: tuple[Verb, ...] = ("merge", "split", "split", "close", "take")
seeds = st.integers(0, 2**63)


@pytest.fixture(autouse=True, scope="module")
def few() -> Iterator[None]:
    """Repeats are only counted in incidents of a few alerts already, and all but a few alerts are out of memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case, "SMALL", 3)
        patch.setattr(away, "KEPT", 2)
        patch.setattr(away, "PACKED", 3)
        patch.setattr(summaries, "AWAKE", 1)
        patch.setattr(traces, "FRESH", 8)
        patch.setattr(traces, "FAN", 3)
        yield


@settings(max_examples=60)
@given(seeds)
def test_what_arrives_ends_as_one_fold_over_everything(seed: int) -> None:
    draw, board = Random(seed), Board(limits=LIMITS, store=EmbeddedStore.in_memory())
    happening = list(steps(draw, draw.choice((8, 20, 50))))
    for step in happening:
        take(board, step)
    cases = fold(last(happening), LIMITS).cases.values()
    found = {id: (one.opened, one.updated, one.alerts, one.members, one.events) for id, one in board.live.items()}
    assert found == {one.id: written(one) for one in cases}
    assert {id: (one.domains, one.zones, one.entities) for id, one in board.live.items()} == {
        one.id: (tuple(sorted(one.summary().domains)), tuple(sorted(one.summary().zones)), one.summary().entities())
        for one in cases
    }


@settings(max_examples=60)
@given(seeds)
def test_with_people_at_work_too_restarts_change_nothing(seed: int) -> None:
    draw, boards = Random(seed), [Board(limits=LIMITS, store=EmbeddedStore.in_memory()) for _ in range(2)]
    straight, killed = boards
    for number, step in enumerate(steps(draw, draw.choice((8, 20, 50)))):
        action = command(draw, straight, f"act-{number:03}")
        for board in boards:
            if action is not None:
                act(board, action, step.now)
            take(board, step)
        if draw.random() < 0.3:
            killed.restart(step.now)
            killed.joins.expire(step.now)
        assert killed.records == straight.records
        assert killed.joins.loose.keys() == straight.joins.loose.keys()


def take(board: Board, step: Step) -> None:
    """A step as the worker does it."""
    changed = board.keep(board.joins.apply(step.alerts, "new evidence"))
    board.joins.expire(step.now)
    board.commit(_newest(changed), step.alerts)


def command(draw: Random, board: Board, id: str) -> Action | None:
    """Now and then, what a person does to some incident."""
    live, verb = sorted(board.live), draw.choice(VERBS)
    targets: tuple[str, ...] = ()
    if not live or draw.random() > 0.15:
        return None
    incident = draw.choice(live)
    if verb == "merge":
        targets = (draw.choice(live),)
    if verb == "split":
        rows = [row.alert for row in board.records[incident].members]
        targets = tuple(draw.sample(rows, draw.randint(1, len(rows))))
    return Action(id, incident, "kari", verb, disposition="benign" if verb == "close" else None, targets=targets)


def act(board: Board, action: Action, now: int) -> None:
    assert board.store is not None
    try:
        _, changed = Commands(board.joins, board.store).act(action, now)
    except ImpetusError:
        return
    board.records |= {one.id: one for one in changed}
    board.commit(_newest(changed))


def _newest(changed: list[Incident]) -> list[Incident]:
    return list({one.id: one for one in changed}.values())


def written(one: case.Case) -> tuple[object, ...]:
    """A case as its incident says it."""
    summary = one.summary()
    return one.opened, one.newest, summary.alerts, summary.rows.listed(), summary.events()

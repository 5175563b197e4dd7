"""The order that stands still, and the cursor that is an incident."""

import random

import msgspec
import pytest

from impetus.domain.incident import Incident, Risk
from tests.tui.city import City, incident
from tests.tui.journey import at_queue
from tui.look import Look
from tui.model.filter import parse
from tui.model.queue import Queue
from tui.views.row import Row, row


def queue(count: int = 5) -> Queue:
    filled = Queue(parse("is:open", "mk"))
    filled.arrive(incident(number) for number in range(count))
    return filled


def test_orders_by_risk_then_severity_then_time() -> None:
    assert queue().order == [f"INC-{number}" for number in range(5)]


def test_an_older_revision_does_not_undo_a_newer_one() -> None:
    filled = queue()
    filled.arrive([incident(0, "new", revision=3), incident(0, "old", revision=2)])
    assert filled.incidents["INC-0"].title == "new"


def test_the_cursor_of_a_row_that_went_goes_to_the_next_that_stayed() -> None:
    filled = queue()
    filled.jump("INC-2")
    filled.arrive([incident(2, status="closed", revision=2), incident(3, superseded_by="INC-1", revision=2)])
    filled.merge()
    assert filled.cursor == "INC-4"
    filled.arrive([incident(4, status="closed", revision=2)])
    filled.merge()
    assert filled.cursor == "INC-0" or filled.cursor == "INC-1"


def test_marks_that_a_filter_hides_are_dropped() -> None:
    filled = queue()
    filled.mark()
    filled.narrow(parse("INC-3", "mk"))
    assert [each.id for each in filled.targets()] == ["INC-3"]


def changed(chance: random.Random, known: dict[str, Incident]) -> Incident:
    """What the correlator may send next: a new incident, another rank, a closing, a merge of two."""
    number = chance.randrange(40)
    before = known.get(f"INC-{number}") or incident(number, f"title-{number}-")
    return msgspec.structs.replace(
        before,
        revision=before.revision + 1,
        risk=Risk(chance.randrange(100)),
        status=chance.choice(("open", "taken", "closed")),
        superseded_by=f"INC-{chance.randrange(40)}" if chance.random() < 0.05 else None,
    )


@pytest.mark.parametrize("seed", range(3))
def test_an_action_never_lands_on_another_incident_than_the_row_shown(seed: int) -> None:
    """Thousands of arrivals, merges, filters and keys: the row with the cursor is drawn, and is what a verb gets."""
    chance, filled, look = random.Random(seed), queue(), Look()
    for _ in range(2_000):
        step = chance.randrange(8)
        drawn = list(filled.order)
        if step < 4:
            shown = filled.cursor
            filled.arrive(changed(chance, filled.incidents) for _ in range(chance.randrange(4)))
            assert not drawn or (filled.order == drawn and filled.cursor == shown), "news moved what is shown"
        elif step == 4:
            filled.merge()
        elif step == 5:
            filled.narrow(parse(chance.choice(("", "is:open", "is:closed", "title-1")), "mk"))
        elif step == 6:
            filled.mark()
        else:
            filled.move(chance.choice((-10, -1, 1, 1, 10)))
        if not filled.order:
            assert filled.targets() == ()
            continue
        current = filled.incidents[filled.order[filled.position]]
        line = row(Row(current, 0, current.status, current=True), 100, look).text
        if filled.marks:
            assert [each.id for each in filled.targets()] == [id for id in filled.order if id in filled.marks]
        else:
            assert [each.id for each in filled.targets()] == [filled.cursor]
            assert filled.targets()[0].title in line


async def test_nor_with_keys_on_a_running_console() -> None:
    chance = random.Random(7)
    city = City(incident(number, f"title-{number}-") for number in range(20))
    async with at_queue(city) as console:
        session = console.app.session
        for step in range(10):
            city.send(*(changed(chance, session.queue.incidents) for _ in range(3)))
            await console.press(chance.choice(("j", "k", "G", "g", "R", "ctrl+d")))
            shown = console.current
            sent = len(session.outbox._batches)
            await console.press("n" if step % 2 else "a")
            if step % 2:
                await console.press("x", "enter")
            batches = session.outbox._batches[sent:]
            for action in (action for batch in batches for action in batch):
                assert session.queue.incidents[action.incident].title in shown

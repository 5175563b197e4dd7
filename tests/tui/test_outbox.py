"""Actions under way: one id for life, in order, and what undo takes back."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.action import Action, Undo
from tests.tui.city import incident
from tui.model.outbox import Command, Outbox


def outbox() -> Outbox:
    ids = itertools.count(1)
    return Outbox("mk", lambda: f"id-{next(ids)}")


def test_an_action_keeps_its_id_until_it_is_answered() -> None:
    box = outbox()
    box.act("take", ["INC-1", "INC-2"])
    first = box.head
    assert first is box.head and isinstance(first, Action) and first.id == "id-1"
    box.answered(first, done=True)
    assert box.head is not None and box.head.incident == "INC-2"


def test_a_batch_is_one_step_back_and_a_refused_action_is_none() -> None:
    box = outbox()
    batch = box.act("take", ["INC-1", "INC-2"])
    box.answered(batch[0], done=True)
    box.answered(batch[1], done=False)
    assert [each.incident for each in box.undo()] == ["INC-1"]
    assert isinstance(box.head, Undo) and box.head.action == "id-1"
    assert not box.undoable


def test_tells_what_an_incident_will_be() -> None:
    box, open_one = outbox(), incident(1)
    assert box.expected(open_one) == "open"
    box.act("close", ["INC-1"], "benign")
    assert box.expected(open_one) == "closed"
    box.undo()
    assert box.expected(open_one) == "unknown"


@given(st.lists(st.sampled_from(["act", "undo", "answer", "lost", "refuse"]), max_size=40))
def test_however_often_answers_get_lost_everything_is_done_once_and_in_order(steps: list[str]) -> None:
    box, done = outbox(), list[Command]()
    asked: list[Command] = []
    for step in [*steps, *["answer"] * 90]:
        head = box.head
        if step == "act":
            asked.extend(box.act("note", ["INC-1", "INC-2"], note="x"))
        elif step == "undo":
            asked.extend(box.undo())
        elif head is not None:
            if step != "refuse" and head.id not in {each.id for each in done}:
                done.append(head)  # the server does an id once
            if step != "lost":
                box.answered(head, done=step == "answer")
    assert len(box) == 0
    assert [int(each.id[3:]) for each in done] == sorted(int(each.id[3:]) for each in done)

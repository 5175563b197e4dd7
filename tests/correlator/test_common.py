"""Infrastructure that many share, incidents with very many alerts, and what is forgotten: nothing grows without end."""

import random

import msgspec
from alerting import DAY, HOUR, Board, alert, alerts_of, expected, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from correlator.incidents.limits import Limits
from correlator.incidents.rows import FIRST_ROWS, LAST_ROWS, REPEATS
from correlator.incidents.summary import EVENTS
from impetus.domain.alert import Alert
from impetus.domain.instant import SECOND
from integrations.embedded.store import EmbeddedStore

FEW = Limits(common=3)


def test_a_gateway_that_all_traffic_comes_from_does_not_make_one_incident_of_a_city() -> None:
    board = Board(limits=FEW)
    for n in range(10):
        board.apply(alert(f"a{n}", n, f"user:u{n}", "address:gateway"))
    assert board.groups() == {frozenset({"a0", "a1", "a2"}), *(frozenset({f"a{n}"}) for n in range(3, 10))}
    assert "inc-a0" in board.the("a9").linked


def test_an_indicator_is_never_common_and_members_of_a_correlation_are_related() -> None:
    board = Board(limits=FEW)
    for n in range(10):
        board.apply(alert(f"a{n}", n, f"user:u{n}", "indicator:evil"))
    assert len(board.live) == 1
    board = Board(limits=FEW)
    board.apply(alert("c", 0, "address:ip", *(f"user:u{n}" for n in range(10)), correlation=True))
    board.apply(alert("d", 1, "address:ip"))
    assert len(board.live) == 1


def test_an_event_that_names_thousands_makes_them_common_and_takes_little_time() -> None:
    board = Board()
    board.apply(alert("a", 0, *(f"user:u{n}" for n in range(5_000))))
    board.apply(alert("b", 1, "user:u7"), alert("c", 2, "user:u4000"))
    assert board.groups() == {frozenset("a"), frozenset("b"), frozenset("c")}


def test_an_entity_is_common_no_more_when_none_met_it_for_a_day() -> None:
    board = Board(limits=FEW)
    board.apply(*(alert(f"a{n}", n, f"user:u{n}", "address:ip") for n in range(6)))
    board.joins.expire(40 * HOUR)
    board.apply(alert("x", 50, "address:ip"), alert("y", 51, "address:ip"))
    assert board.the("x") == board.the("y")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 7), st.sampled_from("gh")), max_size=14), st.integers())
def test_in_any_order_and_with_restarts_the_same_is_common(drawn: list[tuple[int, int, str]], seed: int) -> None:
    draw, board = random.Random(seed), Board(limits=FEW, store=EmbeddedStore.in_memory())
    final = [alert(f"a{n}", at / 4, f"user:u{u}", f"address:{g}") for n, (at, u, g) in enumerate(drawn)]
    for one in draw.sample(final, len(final)):
        board.apply(one)
        if draw.random() < 0.2:
            board.restart()
    found, _ = outcome(board)  # type: ignore[misc]
    whole, _ = expected(final, FEW)  # type: ignore[misc]
    assert {id: one[1] for id, one in found.items()} == {id: one[1] for id, one in whole.items()}


def test_an_incident_of_very_many_alerts_is_written_in_bounds() -> None:
    board = Board(
        limits=Limits(settles=60 * SECOND, horizon=60 * SECOND, common=10_000), store=EmbeddedStore.in_memory()
    )
    for n in range(1_500):
        noise = _of_rule(alert(f"n{n:05}", n / 1_000, "device:cam", "user:x"), "noise")
        board.apply(noise, alert(f"s{n:05}", n / 1_000, f"device:d{n}", "user:x"))
        board.joins.expire(int(n / 1_000 * HOUR) - SECOND)
    (one,) = board.live.values()
    row = one.members[0]
    assert (one.alerts, row.count, len(row.repeats)) == (3_000, 1_500, REPEATS)
    assert (row.first, row.last) == (0, int(1.499 * HOUR))
    assert (len(one.members), len(one.events)) == (FIRST_ROWS + LAST_ROWS, EVENTS)
    # The repeats that no row lists are on record, and no longer in memory.
    assert board.store is not None
    assert len(list(board.store.state(f"member:{one.id}"))) == 3_000
    assert len(board.joins._fold.nodes) < 1_700


def _of_rule(one: Alert, rule: str) -> Alert:
    return msgspec.structs.replace(one, rule=rule)


def test_what_is_past_is_forgotten_and_not_loaded_at_a_restart() -> None:
    board = Board(store=EmbeddedStore.in_memory())
    for day in range(5):
        board.apply(alert(f"a{day}", 48 * day, "user:x"), alert(f"l{day}", 48 * day, "user:y", level="low"))
        board.joins.expire(2 * DAY * day)
    assert set(board.joins._fold.nodes) == {"a4", "l4"}
    assert not board.joins._fold.names.get("event:e-a0")
    board.commit([])
    board.restart(8 * DAY)
    assert set(board.joins._fold.nodes) == {"a4", "l4"}
    assert [alerts_of(one) for one in board.live.values()] == [[f"a{day}"] for day in range(5)]


def test_one_weak_entity_links_a_bounded_number_of_incidents() -> None:
    board = Board(limits=Limits(linked=5))
    for n in range(20):
        board.apply(alert(f"a{n}", n / 10, "~address:ip"))
    assert max(len(one.linked) for one in board.live.values()) == 4


def test_a_revision_in_order_of_a_correlation_is_taken_at_once() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"), alert("c", 1, "user:x", events=["e1", "e2"], correlation=True))
    revised = _since(alert("c", 2, "user:x", events=["e1", "e2", "e3"], correlation=True, revision=2), 1)
    board.apply(revised, alert("s", 2, events=["e3"]))
    assert board.groups() == {frozenset("acs")}
    assert outcome(board) == expected([alert("a", 0, "user:x"), revised, alert("s", 2, events=["e3"])])


def _since(one: Alert, hours: float) -> Alert:
    return msgspec.structs.replace(one, since=int(hours * HOUR))

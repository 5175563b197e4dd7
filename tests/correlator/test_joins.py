"""Incidents: the same in any order of arrival, and by the rules of ``docs/correlation.md``."""

import random

import msgspec
import pytest
from alerting import DAY, FAR, HOUR, SQUARE, Board, alert, alerts, expected, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from correlator.incidents.history import recorded, undone
from impetus.domain.action import Action, Undo
from impetus.domain.alert import Alert
from impetus.domain.explanation import Clause, Explanation
from impetus.domain.incident import Incident
from integrations.embedded.store import EmbeddedStore

# --- any order


@given(final=alerts(), former=alerts(), seed=st.integers(0, 2**32))
def test_any_order_with_revisions_and_withdrawals_ends_as_one_fold(
    final: list[Alert], former: list[Alert], seed: int
) -> None:
    """Each alert may have been another before, and some were there and are gone."""
    draw, board = random.Random(seed), Board()
    histories = [[one] for one in final]
    for index, old in enumerate(former):
        if index < len(histories):
            histories[index].insert(0, old)
        else:
            histories.append([old, _gone(old)])
    while any(histories):
        board.apply(*_batch(histories, draw))
    assert outcome(board) == expected(final)


def _gone(one: Alert) -> Alert:
    return Alert(
        one.id, one.rule, one.title, one.level, one.at, one.first, one.events, one.times, one.entities, gone=True
    )


def _batch(histories: list[list[Alert]], draw: random.Random) -> list[Alert]:
    """The next version of some alerts, each at most once."""
    ready = [history for history in histories if history]
    return [history.pop(0) for history in draw.sample(ready, draw.randint(1, len(ready)))]


@given(final=alerts(hours=90, hourly=True), seed=st.integers(0, 2**32))
def test_in_order_over_days_what_expires_changes_nothing(final: list[Alert], seed: int) -> None:
    draw, board = random.Random(seed), Board()
    waiting = sorted(final, key=lambda one: (one.at + draw.randrange(HOUR // 30), one.id))
    while waiting:
        size = draw.randint(1, len(waiting))
        batch, waiting = waiting[:size], waiting[size:]
        board.apply(*batch)
        if draw.random() < 0.7:
            board.joins.expire(max(one.at for one in batch) - HOUR // 30)
    cases, _ = expected(final)  # type: ignore[misc]
    found, _ = outcome(board)  # type: ignore[misc]
    assert {id: one[:2] for id, one in found.items()} == {id: one[:2] for id, one in cases.items()}
    # An incident that is no longer active keeps its links; one that was superseded since leads on to its heir.
    assert {id: {board.find(other).id for other in one[2]} for id, one in found.items()} == {
        id: set(one[2]) for id, one in cases.items()
    }


@settings(max_examples=40)
@given(final=alerts(), seed=st.integers(0, 2**32))
def test_joins_that_were_restored_go_on_as_if_they_had_not_been(final: list[Alert], seed: int) -> None:
    draw, straight, killed = random.Random(seed), Board(), Board(store=EmbeddedStore.in_memory())
    for one in draw.sample(final, len(final)):
        straight.apply(one)
        killed.apply(one)
        killed.restart()
    assert killed.records == straight.records
    assert outcome(killed) == outcome(straight)


# --- what joins


def test_alerts_that_share_an_event_a_name_or_nothing() -> None:
    board = Board()
    board.apply(
        alert("a", 0, "user:x", events=["e1"]), alert("b", 1, events=["e1"]), alert("c", 2, "user:x"), alert("d", 3)
    )
    assert board.groups() == {frozenset("abc"), frozenset("d")}


def test_what_explains_an_alert_takes_no_memory_here() -> None:
    why, joins = Explanation("It opened.", (Clause("==", True, "event.action", "opened", "opened"),)), Board().joins
    one = msgspec.structs.replace(alert("one", 0, level="low"), explanation=why)
    joins.apply([one], "new")
    assert joins.loose == {"one": alert("one", 0, level="low")}
    joins.apply([msgspec.structs.replace(one, at=one.at + 1, revision=2)], "new")
    assert joins.loose["one"].revision == 2
    assert joins.loose["one"].explanation is None


def test_a_shared_place_joins_nothing() -> None:
    board = Board()
    board.apply(alert("a", 0, place=SQUARE), alert("b", 0, place=SQUARE))
    assert len(board.live) == 2


def test_an_alert_that_bridges_two_incidents_merges_them_into_the_earlier_one() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"))
    board.apply(alert("b", 1, "user:y"))
    changed = board.apply(alert("c", 2, "user:x", "user:y"))
    assert board.members() == {"inc-a": frozenset("abc")}
    assert board.live["inc-a"].supersedes == ("inc-b",)
    assert board.records["inc-b"].superseded_by == "inc-a"
    assert {one.id for one in changed} == {"inc-a", "inc-b"}


def test_the_earliest_alert_gives_the_id_even_if_it_comes_last() -> None:
    board = Board()
    board.apply(alert("b", 1, "user:x"))
    board.apply(alert("a", 0, "user:x"), cause="late event")
    assert set(board.live) == {"inc-a"}
    assert board.live["inc-a"].supersedes == ("inc-b",)


@pytest.mark.parametrize(("hours", "joins"), [(23.99, True), (24, False)])
def test_an_incident_takes_in_for_24_hours_after_its_newest_member(hours: float, joins: bool) -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"), alert("b", 20, "user:x"), alert("c", 20 + hours, "user:x"))
    assert (len(board.live) == 1) is joins


def test_a_withdrawn_bridge_parts_them_again_and_revisions_go_on() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"), alert("b", 1, "user:y"))
    bridge = alert("c", 2, "user:x", "user:y")
    board.apply(bridge)
    board.apply(_gone(bridge))
    assert board.members() == {"inc-a": frozenset("a"), "inc-b": frozenset("b")}
    assert board.live["inc-a"].supersedes == ()


def test_an_incident_whose_last_alert_is_gone_is_withdrawn_and_comes_back_as_the_same() -> None:
    board = Board()
    (first,) = board.apply(alert("a", 0, "user:x"))
    board.apply(_gone(alert("a", 0, "user:x")))
    assert board.records["inc-a"].withdrawn
    board.apply(alert("a", 0, "user:x"))
    again = board.live["inc-a"]
    assert (again.status, again.revision) == ("open", first.revision + 2)


def test_repeats_of_a_rule_on_a_device_are_one_row_and_each_row_says_why() -> None:
    board = Board()
    one = [alert(f"a{n}", n, "device:cam", "user:x") for n in range(3)]
    board.apply(*(_with_rule(item, "r") for item in one), alert("b", 4, "user:x"))
    first, second = board.the("a0").members
    assert (first.alert, first.why, first.count, first.repeats) == ("a0", "opened it", 3, ("a1", "a2"))
    assert (second.alert, second.why) == ("b", "user x")


def _with_rule(one: Alert, rule: str) -> Alert:
    return Alert(**{name: getattr(one, name) for name in one.__struct_fields__} | {"rule": rule})


def test_an_exercise_keeps_its_mark() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"))
    drill = Alert(
        **{name: getattr(alert("b", 1, "user:x"), name) for name in Alert.__struct_fields__} | {"exercise": True}
    )
    board.apply(drill)
    assert board.the("a").exercise


# --- levels


def test_a_low_alert_opens_nothing_and_joins_one_incident_by_entity() -> None:
    board = Board()
    board.apply(alert("l", 0, "user:z", level="low"))
    assert board.live == {}
    board.apply(alert("a", 1, "user:x"), alert("m", 2, "user:x", level="low"))
    assert board.groups() == {frozenset("am")}


def test_a_low_alert_never_merges_two() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"), alert("b", 1, "user:y"), alert("l", 2, "user:x", "user:y", level="low"))
    assert board.groups() == {frozenset("a"), frozenset("bl")}


def test_a_name_goes_on_leading_to_its_own_incident_after_a_low_alert_had_it() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"), alert("b", 1, "user:y"), alert("l", 2, "user:x", "user:y", level="low"))
    board.apply(alert("c", 3, "user:x"))
    assert board.groups() == {frozenset("ac"), frozenset("bl")}


def test_an_informational_alert_joins_only_through_a_correlation() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"), alert("i", 1, "user:x", level="informational", events=["e1"]))
    assert board.groups() == {frozenset("a")}
    board.apply(alert("c", 2, events=["e1", "e2"], correlation=True))
    assert board.groups() == {frozenset("a"), frozenset("ci")}
    assert next(row.why for row in board.the("i").members if row.alert == "i") == "member of Alert c"


def test_a_low_correlation_that_joins_brings_its_members_along() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"), alert("i", 1, level="informational", events=["e1"]))
    board.apply(alert("c", 2, "user:x", level="low", events=["e1", "e2"], correlation=True))
    assert board.groups() == {frozenset("aic")}


# --- weak entities


@pytest.mark.parametrize(("one", "other"), [("~user:x", "user:x"), ("user:x", "~user:x"), ("~user:x", "~user:x")])
def test_a_weak_entity_links_and_never_joins(one: str, other: str) -> None:
    board = Board()
    board.apply(alert("a", 0, one))
    changed = board.apply(alert("b", 1, other))
    assert (board.live["inc-a"].linked, board.live["inc-b"].linked) == (("inc-b",), ("inc-a",))
    assert {incident.id for incident in changed} == {"inc-a", "inc-b"}


def test_a_link_goes_when_what_it_led_to_is_withdrawn_and_follows_what_supersedes_it() -> None:
    board = Board()
    board.apply(alert("a", 1, "~user:x"), alert("b", 2, "user:x", "user:y"))
    board.apply(alert("c", 0, "user:y"))
    assert board.live["inc-a"].linked == ("inc-c",)
    board.apply(_gone(alert("b", 2, "user:x", "user:y")))
    assert board.live["inc-a"].linked == ()
    board.apply(alert("d", 3, "user:x"))
    assert board.live["inc-a"].linked == ("inc-d",)
    board.apply(_gone(alert("d", 3, "user:x")))
    assert board.live["inc-a"].linked == ()


def test_a_link_stays_when_its_other_end_is_closed_or_no_longer_active() -> None:
    board = Board()
    board.apply(alert("a", 0, "~user:x"), alert("b", 20, "user:x"), alert("f", 21, "~user:x"))
    _close(board, "inc-f")
    board.joins.expire(int(25 * HOUR))
    board.apply(alert("c", 30, "user:x"))
    assert board.live["inc-b"].linked == ("inc-a", "inc-f")


# --- watches


def osint(id: str, at: float, *keys: str, **more: object) -> Alert:
    return alert(id, at, *keys, level="medium", domains=["osint"], **more)  # type: ignore[arg-type]


def test_open_sources_alone_open_a_watch_never_an_incident() -> None:
    board = Board()
    board.apply(osint("w", 0, "user:x"), alert("v", 0, "user:q", domains=["osint", "cyber"]))
    assert (board.the("w").kind, board.the("v").kind) == ("watch", "incident")
    assert board.the("w").risk.score == 0


def test_a_low_open_source_item_opens_nothing() -> None:
    board = Board()
    board.apply(alert("w", 0, "user:x", level="low", domains=["osint"]))
    assert board.live == {}


@pytest.mark.parametrize("first", ["watch", "incident"])
def test_a_watch_joins_the_incident_that_shares_an_entity(first: str) -> None:
    board = Board()
    items = [osint("w", 0 if first == "watch" else 2, "user:x"), alert("a", 1, "user:x")]
    for item in sorted(items, key=lambda one: one.at):
        board.apply(item)
    assert board.members() == {"inc-a": frozenset("aw")}


def test_watches_that_a_third_has_in_common_are_one() -> None:
    board = Board()
    board.apply(osint("v", 0, "user:x"), osint("w", 1, "user:y"), osint("u", 2, "user:x", "user:y"))
    assert board.groups() == {frozenset("uvw")}


@pytest.mark.parametrize(
    ("hours", "place", "joins"),
    [(10, SQUARE, True), (11, SQUARE, True), (9, SQUARE, True), (11.01, SQUARE, False), (8.99, SQUARE, False),
     (10, FAR, False), (10, None, False)],
)  # fmt: skip
def test_a_watch_joins_what_meets_its_place_and_time(hours: float, place: object, joins: bool) -> None:
    board = Board()
    board.apply(osint("w", 0, place=SQUARE, target=10), alert("a", hours, place=place))  # type: ignore[arg-type]
    assert (board.groups() == {frozenset("aw")}) is joins


def test_a_watch_that_comes_after_what_it_names_joins_it() -> None:
    board = Board()
    board.apply(alert("a", 10, place=SQUARE), osint("w", 10.5, place=SQUARE, target=10))
    assert board.groups() == {frozenset("aw")}


@pytest.mark.parametrize(("days", "joins"), [(6.99, True), (7, False)])
def test_a_watch_expires_after_seven_days(days: float, joins: bool) -> None:
    board = Board()
    board.apply(osint("w", 0, "user:x"))
    board.joins.expire(int(days * DAY))
    board.apply(alert("a", days * 24, "user:x"))
    assert (board.groups() == {frozenset("aw")}) is joins


# --- what people do


def _act(board: Board, incident: str, verb: str, **more: object) -> Incident:
    id = str(more.pop("id", f"{verb}-{incident}-{board.records[incident].revision}"))
    after = recorded(
        board.records[incident], Action(id, incident, "kari", verb, **more), board.records[incident].revision
    )  # type: ignore[arg-type]
    board.records[incident] = after
    board.joins.replace(after)
    return after


def _close(board: Board, incident: str) -> Incident:
    return _act(board, incident, "close", disposition="benign")


def test_a_closed_incident_takes_nothing_in() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"))
    closed = _close(board, "inc-a")
    board.apply(alert("b", 1, "user:x"))
    assert board.members() == {"inc-a": frozenset("a"), "inc-b": frozenset("b")}
    assert board.records["inc-a"] == closed


def test_a_revision_leaves_a_closed_incident_as_people_closed_it_however_long_it_goes_on() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"))
    closed = _close(board, "inc-a")
    for hours in range(10, 100, 10):
        assert board.apply(alert("a", hours, "user:x", revision=hours)) == []
        board.joins.expire(hours * HOUR)
    assert board.records["inc-a"] == closed


def test_a_reopened_incident_takes_in_again() -> None:
    board = Board()
    first = alert("a", 0, "user:x")
    board.apply(first)
    _close(board, "inc-a")
    reopened = _act(board, "inc-a", "reopen")
    board.joins.reopen(reopened, [first])
    board.apply(alert("b", 1, "user:x"))
    assert board.members() == {"inc-a": frozenset("ab")}
    assert [record.verb for record in board.live["inc-a"].history] == ["close", "reopen"]


def test_what_people_did_follows_the_incident_that_supersedes() -> None:
    board = Board()
    board.apply(alert("b", 1, "user:x"), alert("c", 2, "user:y"))
    _act(board, "inc-b", "take", id="1")
    _act(board, "inc-c", "note", note="seen before", id="2")
    board.apply(alert("a", 0, "user:x", "user:y"))
    merged = board.live["inc-a"]
    assert (merged.supersedes, merged.owner, merged.status) == (("inc-b", "inc-c"), "kari", "taken")
    assert [record.id for record in merged.history] == ["1", "2"]


def test_what_people_did_stays_when_an_incident_is_written_anew() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"))
    _act(board, "inc-a", "escalate")
    board.apply(alert("b", 1, "user:x"))
    assert board.live["inc-a"].status == "escalated"


def test_undo_takes_the_action_back_and_keeps_it_on_record() -> None:
    board = Board()
    board.apply(alert("a", 0, "user:x"))
    taken = _act(board, "inc-a", "take", id="t")
    back = undone(taken, Undo("u", "inc-a", "ola", "t"), 9)
    assert (back.status, back.owner) == ("open", None)
    assert [(record.verb, record.undone_by) for record in back.history] == [("take", "u"), ("undo", None)]
    assert undone(back, Undo("u", "inc-a", "ola", "t"), 10) is back

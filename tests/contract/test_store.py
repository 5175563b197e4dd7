"""The story of a day, told to every adapter of the port ``Store``: see ``docs/contracts/store.md``."""

import threading
from pathlib import Path

from stores import Adapter, Event, log_of, make_alert, make_incident

from impetus.domain.batch import Commit, Control, Key, Reject
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery, Span, Store

DOOR = Event("e1", 1_000, ("device:D-214", "zone:Z4", "user:ola"))
CAMERA = Event("e2", 2_000, ("device:C-7", "zone:Z4"))
LATE = Event("e3", 1_500, ("device:D-214", "zone:Z5"))


def test_an_empty_store_answers_everything(store: Store) -> None:
    names = {"events", "rejected", "duplicates", "alerts", "incidents", "ledger", "open"}
    assert dict(store.counts()) == dict.fromkeys(names, 0)
    assert store.cursor() == 0
    assert list(store.log()) == []
    assert list(store.state("windows")) == []
    assert store.pieces("windows", [(b"", None)]) == []
    assert list(store.past(10).read(10)) == []
    assert list(store.controls()) == []
    assert store.positions() == {}
    assert store.events(EventQuery()) == store.incidents(IncidentQuery()) == store.changes(0, 10) == []
    assert store.alerts(["a"]) == store.ledger() == store.rejects(10) == []
    assert store.incident("none") is None


def test_a_commit_of_nothing_changes_nothing(store: Store) -> None:
    assert store.commit(Commit()) == 0
    assert list(store.log()) == []


def test_the_log_gives_back_every_block_as_it_came(store: Store) -> None:
    store.commit(Commit(**log_of([DOOR, CAMERA])))
    store.commit(Commit(positions=(("gate", b"7"),)))
    store.commit(Commit(**log_of([LATE])))
    assert list(store.log()) == [(DOOR.line, CAMERA.line), (LATE.line,)]
    assert list(store.past(10).read(10)) == ["e3", "e2", "e1"]
    assert list(store.past(1).read(10)) == ["e3"]
    assert list(store.past(0).read(10)) == []
    past = store.past(2)
    assert past.known(["e3", "e4"]) == {"e3"}
    assert list(past.read(2))[:2] == ["e3", "e2"]
    assert (list(past.read(1)), past.known(["e1", "e3"])) == ([], set())


def test_what_enrichment_added_may_be_left_out(store: Store) -> None:
    parts = log_of([DOOR, CAMERA])
    store.commit(Commit(lines=parts["lines"], heads=parts["heads"]))
    assert [event.addition for event in store.events(EventQuery())] == [b"", b""]


def test_events_are_found_by_key_id_and_time_newest_first(store: Store) -> None:
    store.commit(Commit(**log_of([DOOR, CAMERA])))
    store.commit(Commit(**log_of([LATE])))

    def ids(**query: object) -> list[str]:
        return [event.id for event in store.events(EventQuery(**query))]

    assert ids() == ["e2", "e3", "e1"]
    assert ids(limit=2) == ["e2", "e3"]
    assert ids(limit=0) == []
    assert ids(keys=("device:D-214",)) == ["e3", "e1"]
    assert ids(keys=("device:D-214", "zone:Z4")) == ["e1"]
    assert ids(keys=("device:D-21",)) == []
    assert ids(ids=("e3", "e1", "unknown")) == ["e3", "e1"]
    assert ids(ids=("e3", "e1"), keys=("zone:Z5",)) == ["e3"]
    assert ids(span=Span(1_000, 2_000)) == ["e3", "e1"]
    assert ids(span=Span(1_001)) == ["e2", "e3"]
    assert ids(span=Span(end=1_500)) == ["e1"]
    assert ids(span=Span(-(1 << 80), 1 << 80)) == ["e2", "e3", "e1"]
    (found,) = store.events(EventQuery(ids=("e1",)))
    assert (found.line, found.addition, found.time) == (DOOR.line, DOOR.addition, 1_000)


def test_positions_and_state_move_forward_and_state_goes_away(store: Store) -> None:
    window, join = Key("windows", b"a\x00b"), Key("joins", b"a\x00b")
    store.commit(Commit(positions=(("gate", b"1"), ("flows", b"9")), state=((window, b"1"), (join, b"j"))))
    store.commit(Commit(positions=(("gate", b"2"),), state=((window, b"2"), (Key("windows", b"c"), b""))))
    assert store.positions() == {"gate": b"2", "flows": b"9"}
    assert sorted(store.state("windows")) == [(b"a\x00b", b"2"), (b"c", b"")]
    store.commit(Commit(state=((window, b"3"), (window, None))))
    assert list(store.state("windows")) == [(b"c", b"")]
    assert list(store.state("joins")) == [(b"a\x00b", b"j")]
    assert store.pieces("windows", [(b"a\x00b", b"a\x00b\x00"), (b"c", b"c\x00"), (b"d", b"d\x00")]) == [(b"c", b"")]


def test_state_is_read_by_prefix(store: Store) -> None:
    keys = [b"\x00", b"a", b"a\x00", b"a\xff", b"a\xff\xff", b"b", b"\xff", b"\xff\xff", b"\xff\xff1"]
    store.commit(Commit(state=tuple((Key("windows", key), key) for key in keys)))
    for prefix in [b"", b"a", b"a\xff", b"\xff", b"\xff\xff", b"c"]:
        assert sorted(store.state("windows", prefix)) == [(key, key) for key in sorted(keys) if key.startswith(prefix)]
    of = store.pieces("windows", [(b"a", b"a\x00"), (b"a\xff", b"c"), (b"\xff\xff", None), (b"nobody", b"nothing")])
    assert [key for key, _ in of] == [b"a", b"a\xff", b"a\xff\xff", b"b", b"\xff\xff", b"\xff\xff1"]
    assert [key for key, _ in store.pieces("windows", [(b"a", None)], 3)][:3] == [b"a", b"a\x00", b"a\xff"]


def test_control_records_stand_before_the_block_they_take_effect_on(store: Store) -> None:
    city, plan = Control("city", "v1", b"{}"), Control("plan", "v2", b"{}")
    store.commit(Commit(controls=(city,), **log_of([DOOR])))
    store.commit(Commit(controls=(plan,)))
    assert list(store.controls()) == [(1, city), (2, plan)]


def test_alerts_are_revised_and_go(store: Store) -> None:
    store.commit(Commit(alerts=(make_alert("a"), make_alert("b"))))
    store.commit(Commit(alerts=(make_alert("a", revision=2), make_alert("c", gone=True))))
    assert store.alerts(["b", "unknown", "a", "c"]) == [make_alert("b"), make_alert("a", revision=2)]
    store.commit(Commit(alerts=(make_alert("b", revision=2, gone=True),)))
    assert store.alerts(["a", "b"]) == [make_alert("a", revision=2)]
    assert store.counts()["alerts"] == 1


def test_incidents_come_in_the_order_in_which_they_are_worked_on(store: Store) -> None:
    high = make_incident("high", risk=90, zones=("Z4", "Z5"))
    severe = make_incident("severe", risk=40, severity="critical")
    newer = make_incident("newer", risk=40, updated=9, status="taken", zones=("Z5",))
    older = make_incident("older", risk=40, updated=3, kind="watch")
    done = make_incident("done", risk=95, status="closed")
    store.commit(Commit(incidents=(older, newer, severe, high, done)))

    def ids(**query: object) -> list[str]:
        return [incident.id for incident in store.incidents(IncidentQuery(**query))]

    assert ids() == ["done", "high", "severe", "newer", "older"]
    assert ids(limit=2) == ["done", "high"]
    assert ids(limit=0) == []
    assert ids(statuses=("open", "taken")) == ["high", "severe", "newer", "older"]
    assert ids(statuses=("taken", "taken")) == ["newer"]
    assert ids(kind="watch") == ["older"]
    assert ids(zone="Z5") == ["high", "newer"]
    assert ids(zone="Z5", statuses=("taken",), kind="incident") == ["newer"]
    store.commit(Commit(incidents=(make_incident("high", risk=90, zones=("Z4",), status="closed"),)))
    assert ids(zone="Z5") == ["newer"]


def test_a_short_page_holds_the_first_of_the_whole_order(store: Store) -> None:
    severe, fresh = make_incident("severe", severity="critical", updated=1), make_incident("fresh", updated=99)
    same = make_incident("another", severity="critical", updated=1)
    store.commit(Commit(incidents=(fresh, severe, same)))
    assert store.incidents(IncidentQuery(limit=1)) == [same]
    assert store.incidents(IncidentQuery(limit=2)) == [same, severe]


def test_a_superseded_incident_leads_to_the_one_that_took_its_place(store: Store) -> None:
    a, b, c = (make_incident(id) for id in "abc")
    store.commit(Commit(incidents=(a, b, c)))
    store.commit(Commit(incidents=(make_incident("a", superseded_by="b"),)))
    store.commit(Commit(incidents=(make_incident("b", superseded_by="c"),)))
    assert store.incident("a") == store.incident("b") == store.incident("c") == c
    assert store.incidents(IncidentQuery()) == [c]
    assert store.counts()["incidents"] == 1


def test_incidents_that_supersede_each_other_in_a_ring_still_give_an_answer(store: Store) -> None:
    store.commit(Commit(incidents=(make_incident("a", superseded_by="b"), make_incident("b", superseded_by="a"))))
    found = store.incident("a")
    assert found is not None
    assert found.id in {"a", "b"}


def test_a_withdrawn_incident_is_kept_but_in_no_list(store: Store) -> None:
    gone = make_incident("a", withdrawn=True)
    store.commit(Commit(incidents=(make_incident("a"),)))
    store.commit(Commit(incidents=(gone,)))
    assert store.incidents(IncidentQuery()) == []
    assert store.counts()["incidents"] == 0
    assert store.incident("a") == gone
    assert store.changes(1, 10) == [(2, gone)]


def test_changes_are_followed_by_cursor_each_incident_once(store: Store) -> None:
    assert store.commit(Commit(incidents=(make_incident("a"), make_incident("b")))) == 2
    assert store.commit(Commit(alerts=(make_alert("a"),))) == 2
    newest = make_incident("a", revision=2)
    assert store.commit(Commit(incidents=(newest,))) == store.cursor() == 3
    assert store.changes(0, 10) == [(2, make_incident("b")), (3, newest)]
    assert store.changes(0, 1) == [(2, make_incident("b"))]
    assert store.changes(2, 10) == [(3, newest)]
    assert store.changes(3, 10) == []


def test_the_ledger_holds_what_is_explained_until_it_is_withdrawn(store: Store) -> None:
    shot, second = (LedgerLine(event, "r", "plan", "salute", "21 guns") for event in ("e1", "e2"))
    store.commit(Commit(ledger=(shot, second)))
    store.commit(Commit(ledger=(shot,)))
    assert store.ledger() == [shot, second]
    store.commit(Commit(withdrawn=(shot,)))
    assert store.ledger() == [second]
    store.commit(Commit(ledger=(shot,), withdrawn=(shot, second)))
    assert store.ledger() == []


def test_rejects_are_shown_newest_first_whatever_is_in_them(store: Store) -> None:
    plain = Reject("gate", "event.malformed", "no time", "line 3", b"\xff\x00")
    hostile = Reject("gate", "event.malformed", "half a pair: \ud800", "x" * 100_000, b"y" * 100_000)
    store.commit(Commit(rejects=(plain,)))
    store.commit(Commit(rejects=(hostile,), duplicates=3))
    newest, oldest = store.rejects(10)
    assert oldest == plain
    assert newest.record == b"y" * 4096
    assert newest.what.startswith("half a pair")
    assert len(store.rejects(1)) == 1
    assert (store.counts()["rejected"], store.counts()["duplicates"]) == (2, 3)


def test_only_so_many_rejects_are_kept_and_all_are_counted(store: Store) -> None:
    for _ in range(3):
        store.commit(Commit(rejects=tuple(Reject("s", "c", str(n), "", b"") for n in range(7_000))))
    assert len(store.rejects(100_000)) == 10_000
    assert store.rejects(1)[0].what == "6999"
    assert store.counts()["rejected"] == 21_000


def test_what_was_committed_is_there_again(adapter: Adapter, tmp_path: Path) -> None:
    if not adapter.lasting:
        return
    path = tmp_path / "again.db"
    store = adapter.open(path)
    parts = log_of([DOOR, CAMERA])
    store.commit(Commit(**parts, positions=(("gate", b"7"),), incidents=(make_incident("a"),), duplicates=2))
    before = dict(store.counts())
    store.close()
    store = adapter.open(path)
    assert dict(store.counts()) == before
    assert list(store.log()) == [(DOOR.line, CAMERA.line)]
    assert store.positions() == {"gate": b"7"}
    assert store.commit(Commit(incidents=(make_incident("b"),))) == 2
    store.close()


def test_readers_in_other_threads_see_whole_commits_while_one_writes(store: Store) -> None:
    broken: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                found = store.events(EventQuery(limit=1_000))
                if len(found) % 10:
                    broken.append(len(found))
                store.counts()
            except Exception as error:
                broken.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for commit in range(30):
        store.commit(Commit(**log_of([Event(f"{commit}-{n}", commit * 10 + n) for n in range(10)])))
    done.set()
    for thread in threads:
        thread.join()
    assert broken == []
    assert store.counts()["events"] == 300

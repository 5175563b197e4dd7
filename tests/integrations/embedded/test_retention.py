"""Retention: what is old goes, class by class; what an open incident has stays; a kill in the middle loses no count."""

import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Control, Head, Key, Reject, Revision
from impetus.domain.incident import ActionRecord, Incident, Member, Risk
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, Sieve
from impetus.domain.retention import RECORD, Cutoffs, Retention
from integrations.embedded.store import EmbeddedStore

DAY = 86_400_000_000
EVER = 1 << 60


def event(number: int, user: str = "kari") -> tuple[bytes, Head]:
    line = {"event": {"id": f"e{number}"}, "user": {"name": user}, "message": f"{user} opened door {number}"}
    head = Head(f"e{number}", number, (f"user:{user}", f"device:D-{number % 3}", "zone:Z1"))
    return json.dumps(line).encode(), head


def take_in(store: EmbeddedStore, *numbers: int, **more: object) -> None:
    lines, heads = zip(*(event(number) for number in numbers), strict=True)
    store.commit(Commit(lines=lines, heads=heads, **more))  # type: ignore[arg-type]


def alert(number: int, events: tuple[str, ...] = ()) -> Alert:
    return Alert(f"a{number}", "rule", "Alert", "high", number, number, events)


def incident(number: int, status: str = "open", alerts: tuple[str, ...] = (), **more: object) -> Incident:
    members = tuple(Member(id, "opened it") for id in alerts)
    return Incident(f"i{number}", "t", "incident", "high", status, 0, number, 1, members, (), risk=Risk(5), **more)  # type: ignore[arg-type]


def member(incident: str, alert: str) -> tuple[Key, bytes]:
    return Key(f"member:{incident}", alert.encode()), b""


def cut(at: int, *kinds: str) -> Cutoffs:
    return Cutoffs(**dict.fromkeys(kinds, at), settled=EVER)  # type: ignore[arg-type]


def sweep(store: EmbeddedStore, cutoffs: Cutoffs, now: int = 0) -> dict[str, int]:
    removed: dict[str, int] = {}
    for one in store.sweep(cutoffs, now):
        if one.count:
            removed[one.kind] = removed.get(one.kind, 0) + one.count
    assert store.check() == []
    return removed


def ids(store: EmbeddedStore, *keys: str) -> set[str]:
    found = {one.id for one in store.events(EventQuery(keys=keys, limit=100_000))}
    folded = tuple(frozenset({key.casefold()}) for key in keys)
    assert found == {id for some in store.sift(Sieve(folded)) for id in some.ids}
    return found


def records(store: EmbeddedStore) -> list[dict[str, object]]:
    return [msgspec.json.decode(control.body) for _, control in store.controls() if control.kind == RECORD]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path / "impetus.db")
    assert isinstance(store, Retention)
    yield store
    store.close()


def days(store: EmbeddedStore, count: int, per_day: int = 4, more: int = 2) -> None:
    """So many days of some blocks each, with a mark at the end of each."""
    number = 0
    for day in range(1, count + 1):
        for _ in range(more):
            take_in(store, *range(number, number + per_day))
            number += per_day
        store.mark(day * DAY)


def test_blocks_go_when_all_of_them_is_old_and_their_numbers_never_come_again(store: EmbeddedStore) -> None:
    days(store, 3)
    assert sweep(store, cut(2 * DAY, "events")) == {"events": 16}
    assert ids(store) == {f"e{number}" for number in range(16, 24)}
    assert store.newest() == 6
    assert sweep(store, cut(3 * DAY, "events")) == {"events": 8}
    assert (ids(store), store.newest(), list(store.log())) == (set(), 6, [])
    take_in(store, 24)
    (found,) = store.events(EventQuery())
    assert (found.block, store.newest(), store.past(10).read(10)) == (7, 7, ["e24"])
    assert store.counts()["events"] == 25, "what ever came"


def test_an_age_is_when_it_came_not_what_its_sender_says(store: EmbeddedStore) -> None:
    take_in(store, 1, 400 * DAY)  # an old one, and one far ahead
    store.mark(100 * DAY)
    assert sweep(store, cut(99 * DAY, "events")) == {}
    assert sweep(store, cut(100 * DAY, "events")) == {"events": 2}


def test_a_clock_that_was_ahead_makes_nothing_older(store: EmbeddedStore) -> None:
    take_in(store, 1)
    store.mark(1 * DAY)
    take_in(store, 2)
    store.mark(900 * DAY)
    store.mark(2 * DAY)
    assert sweep(store, cut(2 * DAY - 1, "events")) == {"events": 1}
    assert ids(store) == {"e2"}
    assert sweep(store, cut(2 * DAY, "events")) == {"events": 1}


def test_what_no_mark_knows_yet_stays(store: EmbeddedStore) -> None:
    take_in(store, 1)
    assert sweep(store, cut(EVER, "events", "personal")) == {}
    assert ids(store) == {"e1"}


def test_an_open_incident_keeps_its_events_whole_until_it_is_closed(store: EmbeddedStore) -> None:
    take_in(store, 1, 2, 3, alerts=(alert(1, ("e2",)),), incidents=(incident(1, alerts=("a1",)),),
            state=(member("i1", "a1"),))  # fmt: skip
    take_in(store, 4)
    store.mark(DAY)
    everything = cut(DAY, "personal", "events", "alerts", "incidents", "audit")
    assert sweep(store, everything) == {"events": 3}
    (left,) = store.events(EventQuery())
    assert (left.id, left.block, json.loads(left.line)["user"]) == ("e2", 1, {"name": "kari"})
    assert ids(store, "user:kari") == {"e2"}
    assert [one.id for one in store.alerts(["a1"])] == ["a1"]
    assert sweep(store, everything) == {}
    store.commit(Commit(incidents=(incident(1, "closed", ("a1",)),)))
    assert sweep(store, everything) == {"events": 1}
    assert store.incident("i1") is not None, "it was closed just now"


def test_personal_values_go_before_their_events(store: EmbeddedStore) -> None:
    refused = Reject("gate", "event.malformed", "x", "", b"kari")
    take_in(store, 1, 2, rejects=(refused,), alerts=(alert(1, ("e2",)),), incidents=(incident(1, alerts=("a1",)),),
            state=(member("i1", "a1"),))  # fmt: skip
    take_in(store, 3)
    store.commit(Commit(revisions=(Revision("e3", 3, b'{"note":"of kari"}', ("user:ola", "indicator:x")),)))
    store.mark(DAY)
    assert sweep(store, cut(DAY, "personal")) == {"personal": 3}
    lines = {one.id: (json.loads(one.line), one.addition) for one in store.events(EventQuery())}
    assert lines["e1"] == ({"event": {"id": "e1"}, "message": "[erased] opened door 1"}, b"")
    assert lines["e2"][0]["user"] == {"name": "kari"}, "an open incident has it"
    assert lines["e3"][1] == b'{"note":"of [erased]"}'
    assert (ids(store, "user:kari"), ids(store, "user:ola")) == ({"e2"}, set())
    assert (ids(store, "indicator:x"), ids(store, "device:D-0")) == ({"e3"}, {"e3"})
    assert (store.rejects(9), store.counts()["rejected"]) == ([], 1)
    store.commit(Commit(incidents=(incident(1, "closed", ("a1",)),)))
    assert sweep(store, cut(DAY, "personal")) == {"personal": 1}
    assert ids(store, "user:kari") == set()


def test_nothing_of_a_name_is_left_in_the_file(store: EmbeddedStore, tmp_path: Path) -> None:
    numbers = range(1, 40)
    lines, heads = zip(*(event(number, f"zanahoria{number}") for number in numbers), strict=True)
    for line, head in zip(lines, heads, strict=True):
        store.commit(Commit(lines=(line,), heads=(head,)))
    store.mark(DAY)
    assert sweep(store, cut(DAY, "personal"))["personal"] == 39
    with store._connections.prepare() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"zanahoria" not in (tmp_path / "impetus.db").read_bytes()


def test_a_folded_index_forgets_persons_and_finds_the_rest(store: EmbeddedStore) -> None:
    for number in range(256):
        line, head = event(number, f"person{number % 7}")
        store.commit(Commit(lines=(line,), heads=(head,)))
    store.mark(DAY)
    assert ids(store, "user:person3") == {f"e{number}" for number in range(3, 256, 7)}
    assert sweep(store, cut(DAY, "personal")) == {"personal": 256}
    assert ids(store, "user:person3") == set()
    assert ids(store, "device:D-1") == {f"e{number}" for number in range(1, 256, 3)}


def test_alerts_of_no_incident_and_past_incidents_go(store: EmbeddedStore) -> None:
    done = ActionRecord("x", "kari", 5 * DAY, "close")
    take_in(
        store, 1, alerts=tuple(alert(number) for number in range(6)),
        incidents=(
            incident(1, "closed", ("a1",)), incident(2, "open", ("a2",)),
            incident(3, "closed", ("a3",), history=(done,)), incident(4, "closed", ("a4",), superseded_by="i3"),
        ),
        state=(member("i1", "a1"), member("i2", "a2"), member("i3", "a3"), member("i4", "a4")),
    )  # fmt: skip
    take_in(store, 2)
    store.mark(DAY)
    assert sweep(store, cut(DAY, "alerts")) == {"alerts": 2}
    assert [one.id for one in store.alerts([f"a{n}" for n in range(6)])] == ["a1", "a2", "a3", "a4"]
    assert sweep(store, cut(DAY, "incidents")) == {"incidents": 1}
    assert [one.id for one in store.alerts([f"a{n}" for n in range(6)])] == ["a2", "a3", "a4"]
    assert store.incident("i1") is None
    assert list(store.state("member:i1")) == []
    store.mark(6 * DAY)
    assert sweep(store, cut(6 * DAY, "incidents")) == {"incidents": 2}, "the replaced one behind the one in its place"
    assert store.counts() == {**store.counts(), "alerts": 1, "incidents": 1, "open": 1}


def test_what_may_still_change_stays(store: EmbeddedStore) -> None:
    take_in(store, 1, alerts=(alert(50),), incidents=(incident(50, "closed"),))
    take_in(store, 2)
    store.mark(DAY)
    late = Cutoffs(alerts=DAY, incidents=DAY, settled=50)
    assert sweep(store, late) == {}
    assert sweep(store, Cutoffs(alerts=DAY, incidents=DAY)) == {}
    assert sweep(store, msgspec.structs.replace(late, settled=51)) == {"alerts": 1, "incidents": 1}


def test_the_record_keeps_what_is_in_force_and_what_the_log_needs(store: EmbeddedStore) -> None:
    for number in range(4):
        controls = (Control("rules", f"r{number}", b""), Control("action", f"c{number}", b""))
        take_in(store, number, controls=controls, ledger=(LedgerLine(f"e{number}", "r", "p", "x", "why"),))
        store.mark((number + 1) * DAY)
    assert sweep(store, cut(2 * DAY, "audit")) == {}, "the log still begins with them"
    assert sweep(store, cut(2 * DAY, "events", "audit"), 9 * DAY) == {"events": 2, "audit": 4}
    assert [control.version for _, control in store.controls()] == ["r2", "c2", "r3", "c3", "events", "audit"]
    assert [line.event for line in store.ledger()] == ["e2", "e3"]
    assert records(store) == [
        {"class": "events", "until": "1970-01-03T00:00:00Z", "removed": 2, "at": "1970-01-10T00:00:00Z"},
        {"class": "audit", "until": "1970-01-03T00:00:00Z", "removed": 4, "at": "1970-01-10T00:00:00Z"},
    ]


def test_how_the_classes_stand(store: EmbeddedStore) -> None:
    days(store, 3)
    store.commit(Commit(alerts=(alert(1, ("e0",)), alert(2)), incidents=(incident(1, alerts=("a1",)),),
                        state=(member("i1", "a1"),)))  # fmt: skip
    take_in(store, 24)
    store.mark(4 * DAY)
    due = {one.kind: one for one in store.due(cut(2 * DAY, "personal", "events", "alerts", "incidents", "audit"))}
    assert (due["events"].kept, due["events"].due, due["events"].oldest) == (25, 16, DAY)
    assert (due["personal"].kept, due["personal"].due) == (25, 16)
    sweep(store, cut(2 * DAY, "events"))
    due = {one.kind: one for one in store.due(cut(4 * DAY, "personal", "events", "alerts"))}
    assert (due["events"].kept, due["events"].due, due["events"].held) == (10, 10, 1)
    assert (due["personal"].kept, due["personal"].held) == (10, 1)
    assert (due["alerts"].kept, due["alerts"].due) == (2, 1)


@dataclass
class Day:
    """A store with all sorts of things in it, and what an endless sweep leaves."""

    store: EmbeddedStore
    seed: int
    needed: set[str] = field(default_factory=set)

    def fill(self) -> None:
        draw, number = random.Random(self.seed), 0
        for block in range(40):
            numbers = range(number, number := number + draw.randrange(1, 6))
            some = tuple(f"e{n}" for n in numbers if draw.random() < 0.3)
            status = draw.choice(["open", "closed"])
            opened = draw.random() < 0.3
            if opened and status == "open":
                self.needed |= set(some)
            parts = {"alerts": (alert(block, some),), "incidents": (incident(block, status, (f"a{block}",)),),
                     "state": (member(f"i{block}", f"a{block}"),)} if opened else {}  # fmt: skip
            take_in(self.store, *numbers, **parts)
            self.store.mark((block + 1) * DAY)


@pytest.mark.parametrize("seed", range(6))
def test_a_sweep_that_is_killed_again_and_again_comes_to_the_same(tmp_path: Path, seed: int) -> None:
    draw, cutoffs = random.Random(seed), Cutoffs(events=20 * DAY, personal=30 * DAY, alerts=25 * DAY, settled=EVER)
    outcomes = []
    for name in ("whole", "killed"):
        day = Day(EmbeddedStore(tmp_path / name), seed)
        day.fill()
        while name == "killed":
            steps = day.store.sweep(cutoffs, 0)
            if all(next(steps, None) is not None for _ in range(draw.randrange(1, 8))):
                day.store.close()
                day.store = EmbeddedStore(tmp_path / name)
                continue
            break
        sweep(day.store, cutoffs)
        with day.store._connections.read() as connection:
            tables = ("block_index", "block_keys", "held", "alert", "incident", "ledger", "revision")
            outcome = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables[2:]}
        found = {one.id: (one.block, one.line) for one in day.store.events(EventQuery(limit=10_000))}
        assert {id for id, (block, _) in found.items() if block <= 20} == {
            id for id in day.needed if id in found and found[id][0] <= 20
        }
        assert day.needed <= found.keys()
        erased = {id for id, (_, line) in found.items() if b"kari" not in line}
        assert erased == {id for id, (block, _) in found.items() if 20 < block <= 30} - day.needed
        removed = {str(one["class"]): 0 for one in records(day.store)}
        for one in records(day.store):
            removed[str(one["class"])] += int(str(one["removed"]))
        outcomes.append((outcome, found, removed))
        day.store.close()
    assert outcomes[0] == outcomes[1]


def test_it_sweeps_while_events_come_and_are_enriched_anew(store: EmbeddedStore) -> None:
    """Nothing that is written meanwhile is lost, and what is revised while it is erased is erased with its revision."""
    for number in range(120):
        take_in(store, 10 * number, 10 * number + 1)
    store.mark(DAY)
    ending, errors = threading.Event(), list[BaseException]()

    def go_on() -> None:
        draw = random.Random(1)
        for number in range(120, 400):
            old = 10 * draw.randrange(120)
            revision = Revision(f"e{old}", old, b'{"note":"kari again"}', ("user:kari", f"indicator:{number}"))
            try:
                take_in(store, 10 * number, revisions=(revision,))
            except BaseException as error:
                errors.append(error)
            if ending.is_set():
                break

    writer = threading.Thread(target=go_on)
    writer.start()
    removed = sweep_alone(store, cut(DAY, "personal"))
    ending.set()
    writer.join()
    assert errors == []
    assert removed >= 240
    assert store.check() == []
    found = {one.id: one for one in store.events(EventQuery(limit=10_000))}
    assert len(found) == store.counts()["events"]
    assert all(b"kari" not in one.line for one in found.values() if one.block <= 120)


def sweep_alone(store: EmbeddedStore, cutoffs: Cutoffs) -> int:
    return sum(one.count for one in store.sweep(cutoffs, 0))


def sweep_until_killed(path: Path) -> None:
    """Sweep for ever, a little more each time, and say so after each step; ends by being killed."""
    store = EmbeddedStore(path)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for at in range(1, 10_000):
        for _ in store.sweep(cut(min(at, 90) * DAY, "events", "personal"), 0):
            sys.stdout.write(f"{at}\n")
            sys.stdout.flush()


def test_killed_by_signal_9_it_loses_no_block_and_no_count(tmp_path: Path) -> None:
    path, draw = tmp_path / "impetus.db", random.Random(9)
    store = EmbeddedStore(path)
    days(store, 100, per_day=3, more=2)
    store.close()
    for _ in range(3):
        command = [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
            f"from pathlib import Path; from test_retention import sweep_until_killed as go; go(Path({str(path)!r}))",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            for _ in range(draw.randrange(1, 40)):
                child.stdout.readline()
            child.kill()
        store = EmbeddedStore(path)
        assert store.check() == []
        with store._connections.read() as connection:
            pending = dict(connection.execute("SELECT class, removed FROM removal"))
            dropped = 200 - connection.execute("SELECT count(*) FROM block").fetchone()[0]
        for one in records(store):
            pending[str(one["class"])] = pending.get(str(one["class"]), 0) + int(str(one["removed"]))
        assert pending.get("events", 0) == 3 * dropped, "each block that is gone is counted, once"
        store.close()
    store = EmbeddedStore(path)
    sweep(store, cut(90 * DAY, "events", "personal"))
    assert len(ids(store)) == 60
    totals = {"events": 0, "personal": 0}
    for one in records(store):
        totals[str(one["class"])] += int(str(one["removed"]))
    assert totals["events"] == 540
    store.close()

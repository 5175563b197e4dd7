"""A start reads what it needs, not what there is; and what was left in the store counts as if it had been read."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from correlator.city import CityModel
from correlator.recalled import Recalled
from correlator.recent import Recent
from correlator.setup import Bounds, Setup
from correlator.worker import Correlator
from impetus.app.engine import load_rules
from impetus.domain.batch import Batch, Commit, Key
from impetus.domain.keyrange import KeyRange
from integrations.embedded.store import EmbeddedStore

USERS = 2_000
RULES = """title: Login
id: 0a5d0c0e-0000-4000-8000-000000000001
name: login
logsource: {product: load}
detection: {selection: {event.action: login}, condition: selection}
level: informational
---
title: Three logins
id: 0a5d0c0e-0000-4000-8000-000000000002
correlation: {type: event_count, rules: [login], group-by: [user.name], timespan: 1d, condition: {gte: 3}}
level: high
"""


class CountingStore(EmbeddedStore):
    """Counts the pieces of state and the ids that are read."""

    read = 0

    def pieces(self, space: str, ranges: Sequence[KeyRange], most: int | None = None) -> list[tuple[bytes, bytes]]:
        found = super().pieces(space, ranges, most)
        self.read += len(found)
        return found


def line(number: int, user: int) -> bytes:
    event = {"id": f"e{number}", "provider": "test", "created": "2027-05-17T10:00:00Z", "action": "login"}
    moment = (datetime(2027, 5, 17, 10, tzinfo=UTC) + timedelta(seconds=number)).isoformat()
    return json.dumps(
        {"@timestamp": moment, "event": event, "logsource": {"product": "load"}, "user": {"name": f"u{user}"}}
    ).encode()


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    path: Path = tmp_path_factory.mktemp("rules") / "rules.yml"
    path.write_text(RULES)
    return Setup(load_rules([path]).rules, CityModel.empty(), bounds=Bounds(ahead=100))


def feed(correlator: Correlator, store: EmbeddedStore, *lines: bytes) -> Commit:
    commit = correlator.step([Batch("test", lines)], 0)
    store.commit(commit)
    correlator.committed()
    return commit


@pytest.fixture
def store(setup: Setup) -> CountingStore:
    """Two logins of every user, in blocks of a hundred."""
    store = CountingStore(None)
    correlator = Correlator(setup, store)
    store.commit(correlator.begin())
    for start in range(0, 2 * USERS, 100):
        feed(correlator, store, *(line(number, number % USERS) for number in range(start, start + 100)))
    store.read = 0
    return store


def test_a_start_reads_a_part_and_the_first_event_counts(setup: Setup, store: CountingStore) -> None:
    correlator = Correlator(setup, store)
    (alert,) = feed(correlator, store, line(9_000, 7)).alerts
    assert alert.events == ("e7", "e2007", "e9000")
    assert len(alert.entities) == 1, "of events that were read for it"
    assert store.read < 800, "of some 6,000 pieces"


def test_all_is_read_bit_by_bit(setup: Setup, store: CountingStore) -> None:
    correlator = Correlator(setup, store)
    for _ in range(USERS // 20):
        correlator.committed()
    before = store.read
    assert before > 3 * USERS - 200
    assert len(feed(correlator, store, *(line(10_000 + user, user) for user in range(USERS))).alerts) == USERS
    assert store.read == before


def test_what_is_delivered_again_is_known_before_it_is_read(setup: Setup, store: CountingStore) -> None:
    lazy = msgspec.structs.replace(setup, bounds=Bounds(ahead=0))
    commit = feed(Correlator(lazy, store), store, line(0, 0), line(1_500, 1), line(3_999, 1), line(9_000, 1))
    assert (commit.duplicates, len(commit.lines)) == (3, 1)


@pytest.mark.parametrize("ahead", [0, 30, 100_000])
def test_the_newest_ids_are_remembered_and_no_others(store: CountingStore, ahead: int) -> None:
    recent = Recent(store, 1_000)
    recent.read_ahead(ahead)
    asked = [f"e{number}" for number in range(5_000)]
    recent.look_up(asked)
    assert {id for id in asked if id in recent} == {f"e{number}" for number in range(3_000, 4_000)}
    for id in asked[4_000:]:
        recent.add(id)
    while recent.read_ahead(100):
        pass
    recent.forget()
    assert {id for id in asked if id in recent} == set(asked[4_000:])


def test_pieces_are_found_before_they_are_read_and_what_is_newer_stays() -> None:
    store = EmbeddedStore.in_memory()
    one, two, three, four = (Key("kept", str(number).encode()) for number in range(1, 5))
    store.commit(Commit(state=tuple((key, msgspec.msgpack.encode(10)) for key in (one, two, three, four))))
    kept: Recalled[int] = Recalled("kept", int)
    kept.resume(store)
    assert (kept["3"], kept.get("33"), "4" in kept, len(kept)) == (10, None, True, 2)
    kept["1"] = 11
    kept.drop("2")
    while kept.read_ahead(1):
        pass
    assert (dict(kept.items()), kept.is_whole) == ({"1": 11, "3": 10, "4": 10}, True)
    assert dict(kept.changes()) == {one: msgspec.msgpack.encode(11), two: None}

"""Groups beyond the bound of memory lie in the store alone, and count as if they did not."""

import json

import pytest

from correlator._engine import Firing, Item, Windows
from impetus.domain.batch import Commit, Key
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Store
from integrations.embedded.store import EmbeddedStore

SECOND = 1_000_000
FORM = {
    "version": 1,
    "rules": [{"id": "login"}],
    "correlations": [
        {
            "id": "burst", "type": "event_count", "rules": [0], "group_by": ["user.name"], "timespan": 600 * SECOND,
            "condition": {"cmp": [["gte", 3]]},
        }
    ],
}  # fmt: skip
USERS = 200


def open_windows(store: Store, max_keys: int) -> Windows:
    windows = Windows(json.dumps(FORM).encode(), b'{"zones":{}}', max_keys)
    windows.shelve(lambda ranges, most: store.pieces("windows", ranges, most))
    windows.resume([])
    while windows.read_ahead(50):
        pass
    return windows


def commit(windows: Windows, store: Store) -> None:
    store.commit(Commit(state=tuple((Key("windows", key), value) for key, value in windows.dirty())))
    windows.committed()


def login(user: int, second: int) -> Item:
    fields = [("user.name", f"user-{user}")]
    return Item(0, f"e{user}-{second}", second * SECOND, None, None, None, None, fields, False)


def log_in(windows: Windows, store: Store, second: int) -> list[Firing]:
    """Every user logs in, ten in a step."""
    firings = []
    for user in range(USERS):
        firings += windows.push([login(user, second)])
        if user % 10 == 9:
            commit(windows, store)
    return firings


def test_what_left_memory_comes_back_whole() -> None:
    store = EmbeddedStore.in_memory()
    windows = open_windows(store, 20)
    assert log_in(windows, store, 0) == []
    assert windows.population == (20, USERS - 20)
    assert log_in(windows, store, 1) == []
    windows = open_windows(store, 20)
    assert windows.population == (20, USERS - 20)
    fired = log_in(windows, store, 2)
    assert len(fired) == USERS
    assert all(firing.members[0].endswith("-0") and len(firing.members) == 3 for firing in fired)
    revised = log_in(windows, store, 3)
    assert {firing.id for firing in revised} == {firing.id for firing in fired}
    assert {firing.revision for firing in revised} == {2}
    assert windows.notices() == []


def test_what_is_over_leaves_the_store_too() -> None:
    store = EmbeddedStore.in_memory()
    windows = open_windows(store, 20)
    log_in(windows, store, 0)
    windows.advance(2000 * SECOND)
    commit(windows, store)
    assert windows.population == (0, 0)
    assert [key for key, _ in store.state("windows")] == [b"now"]


def test_nothing_leaves_memory_before_it_is_durable() -> None:
    windows = open_windows(EmbeddedStore.in_memory(), 20)
    windows.push([login(user, 0) for user in range(70)])
    windows.committed()
    assert windows.population == (70, 0)
    windows.push([login(user, 0) for user in range(USERS)])
    assert windows.population == (80, 0)
    assert windows.notices() == [(1, "120 matches not counted: 80 groups are in memory, the most allowed")]


def test_a_store_that_cannot_be_read_stops_the_windows() -> None:
    store = EmbeddedStore.in_memory()
    windows = open_windows(store, 20)
    log_in(windows, store, 0)
    store.close()
    with pytest.raises(ImpetusError, match="store"):
        windows.push([login(user, 1) for user in range(USERS)])
    with pytest.raises(RuntimeError):
        windows.advance(SECOND)


def test_rows_that_are_damaged_are_left_out_when_they_are_read() -> None:
    store = EmbeddedStore.in_memory()
    windows = open_windows(store, 1_000)
    log_in(windows, store, 0)
    log_in(windows, store, 1)
    rows = [(key, value) for key, value in store.state("windows") if key != b"now"]
    damaged = {key: value[:-1] + bytes([value[-1] ^ 1]) for key, value in rows[::20]}
    store.commit(Commit(state=tuple((Key("windows", key), value) for key, value in damaged.items())))
    windows = Windows(json.dumps(FORM).encode(), b'{"zones":{}}')
    windows.shelve(lambda ranges, most: store.pieces("windows", ranges, most))
    windows.resume([])
    fired = windows.push([login(user, 2) for user in range(USERS)])
    assert windows.lost() == len(damaged) == USERS // 20
    assert len(fired) == USERS - len(damaged)
    assert (windows.lost(), windows.read_ahead(1_000)) == (0, False)


def test_a_group_that_is_found_damaged_by_reading_on_is_removed() -> None:
    store = EmbeddedStore.in_memory()
    windows = open_windows(store, 1_000)
    log_in(windows, store, 0)
    key = next(key for key, _ in store.state("windows") if key != b"now")
    store.commit(Commit(state=((Key("windows", key), b"\x03 damaged"),)))
    windows = open_windows(store, 1_000)
    assert (windows.lost(), windows.population) == (1, (USERS - 1, 0))
    commit(windows, store)
    assert key not in dict(store.state("windows"))


def test_groups_that_wait_are_read_at_once() -> None:
    absence = {
        "op": "and", "of": [{"op": "rule", "index": 0}, {"op": "not", "of": {"op": "rule", "index": 1}}],
    }  # fmt: skip
    form = {
        "version": 1,
        "rules": [{"id": "login"}, {"id": "logout"}],
        "correlations": [
            {
                "id": "stays", "type": "temporal", "rules": [0, 1], "group_by": ["user.name"],
                "timespan": 600 * SECOND, "condition": {"expr": absence},
            }
        ],
    }  # fmt: skip
    store, pinned = EmbeddedStore.in_memory(), dict[bytes, bool]()

    def opened() -> Windows:
        windows = Windows(json.dumps(form).encode(), b'{"zones":{}}')
        windows.shelve(lambda ranges, most: store.pieces("windows", ranges, most))
        windows.resume([name for name, holds in pinned.items() if holds])
        return windows

    windows = opened()
    windows.push([login(1, 0), login(2, 0)])
    commit(windows, store)
    pinned |= dict(windows.pins())
    assert list(pinned.values()) == [True, True]
    windows = opened()
    assert windows.population == (2, 0)
    assert windows.pins() == []
    assert len(windows.advance(700 * SECOND)) == 2
    windows.advance(5_000 * SECOND)
    commit(windows, store)
    assert list(dict(windows.pins()).values()) == [False, False]

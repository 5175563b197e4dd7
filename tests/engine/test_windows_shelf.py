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

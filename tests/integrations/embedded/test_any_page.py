"""Whichever page of the file is lost: the store opens, serves all that is on the others, and takes commits in.

Without its first page a file cannot be opened at all.
"""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from commits import make_commit

from impetus.domain.ports import EventQuery, IncidentQuery, Sieve, Span
from integrations.embedded.store import EmbeddedStore

COMMITS, EVENTS = 24, 50
MORE = 2

Harm = Callable[[int], bytes]
HARMS: dict[str, Harm] = {"zeroed": bytes, "garbage": random.Random(5).randbytes}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "impetus.db"
    with closing(EmbeddedStore(path)) as store:
        for number in range(COMMITS):
            store.commit(make_commit(number, EVENTS))
    return path


def _pages(path: Path) -> dict[int, str]:
    """Page → the table or index that it belongs to; overflow pages belong to the one that leads to them."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            return dict(connection.execute("SELECT pageno, name FROM dbstat"))
        except sqlite3.OperationalError:  # built without it
            (count,) = connection.execute("PRAGMA page_count").fetchone()
            return dict.fromkeys(range(1, count + 1), "?")


def _root(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0])


def _spoil(whole: Path, page: int, harm: Harm) -> Path:
    with closing(sqlite3.connect(whole)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    data, path = bytearray(whole.read_bytes()), whole.with_name("spoilt.db")
    data[(page - 1) * size : page * size] = harm(size)
    for side in ("", "-wal", "-shm", ".lock"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    path.write_bytes(data)
    return path


def _read(store: EmbeddedStore) -> dict[str, set[object]]:
    """What is served of the commits that were there before."""
    sieve = Sieve(clauses=(frozenset({"device:3"}),))
    return {
        "log": {line for lines in store.log() for line in lines},
        "ids": set(store.past(10_000).read(10_000)),
        "known": store.past(10_000).known(["1-5", "2-7"]),
        "events": {event.id for event in store.events(EventQuery(limit=10_000))},
        "by key": {event.id for event in store.events(EventQuery(keys=("device:3",), limit=10_000))},
        "by id": {event.id for event in store.events(EventQuery(ids=("1-5", "2-7")))},
        "sifted": {id for sifted in store.sift(sieve) for id in sifted.ids},
        "incidents": {one.id for one in store.incidents(IncidentQuery())},
        "changes": {one.id for _, one in store.changes(0, 10_000)},
        "positions": set(store.positions()),
        "controls": {control.version for _, control in store.controls()},
        "ledger": {line.event for line in store.ledger()},
        "rejects": {reject.what for reject in store.rejects(100)},
    }


@pytest.mark.parametrize("how", sorted(HARMS))
def test_every_page_but_the_first_may_be_lost(whole: Path, how: str) -> None:
    with closing(EmbeddedStore(whole)) as store:
        right, counts = _read(store), dict(store.counts())
    root = _root(whole, "block")
    for page, owner in sorted(_pages(whole).items()):
        if page == 1:
            continue
        path, told = _spoil(whole, page, HARMS[how]), []
        with closing(EmbeddedStore(path)) as store:
            found = _read(store)
            for number in range(COMMITS, COMMITS + MORE):
                store.commit(make_commit(number, EVENTS))
            told = store.check()
            _assert_rest(found, right, owner)
            assert told or found == right, (page, owner)
            assert store.counts()["events"] == counts["events"] + MORE * EVENTS, (page, owner)
        with closing(EmbeddedStore(path)) as store:
            after = _read(store)
            assert {f"{number}-3" for number in range(COMMITS, COMMITS + MORE)} <= after["events"], (page, owner)
            if page != root:  # that leads to all of the log; another page of it holds a dozen blocks at most
                assert len(after["log"]) >= (COMMITS + MORE - 12) * EVENTS, (page, owner)


def _assert_rest(found: dict[str, set[object]], right: dict[str, set[object]], owner: str) -> None:
    """Nothing is served that was not there; of what is not on the page nothing is missing, but for whole blocks."""
    for name, items in found.items():
        assert items <= right[name], (owner, name)
    if not owner.startswith(("block", "?")):
        for name in ("log", "ids", "known", "events", "by key", "by id", "sifted"):
            assert found[name] == right[name], (owner, name)


def test_totals_and_the_secret_come_back(whole: Path) -> None:
    with closing(EmbeddedStore(whole)) as store:
        counts, cursor = dict(store.counts()), store.cursor()
    for page, owner in _pages(whole).items():
        if owner in {"counter", "secret"}:
            with closing(EmbeddedStore(_spoil(whole, page, bytes))) as store:
                assert {**store.counts(), "duplicates": 0} == {**counts, "duplicates": 0}
                assert store.cursor() >= cursor
                assert [error.where.key for error in store.damaged()][:1] == [owner]
                assert {event.id for event in store.events(EventQuery(ids=("1-5",), span=Span()))} == {"1-5"}

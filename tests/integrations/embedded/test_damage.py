"""A damaged block is found, named and left out; the rest is served."""

import sqlite3
from pathlib import Path

import pytest
from commits import make_commit
from structlog.testing import capture_logs

from impetus.domain.ports import EventQuery
from integrations.embedded.store import EmbeddedStore

EVENTS = 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store of three blocks."""
    path = tmp_path / "impetus.db"
    store = EmbeddedStore(path)
    for number in range(3):
        store.commit(make_commit(number, EVENTS))
    store.close()
    return path


def flip(path: Path, column: str) -> None:
    """Flip one bit in the middle of a column of block 2."""
    with sqlite3.connect(path) as connection:
        (value,) = connection.execute(f"SELECT {column} FROM block WHERE number = 2").fetchone()
        changed = bytearray(value)
        changed[len(changed) // 2] ^= 1
        connection.execute(f"UPDATE block SET {column} = ? WHERE number = 2", (bytes(changed),))
    connection.close()


def cut_chain(path: Path) -> None:
    """Overwrite, in the file, the pointer from one page of the lines of block 2 to the next."""
    with sqlite3.connect(path) as connection:
        (lines,) = connection.execute("SELECT lines FROM block WHERE number = 2").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    data = bytearray(path.read_bytes())
    page = data.index(lines[len(lines) // 2 :][:32]) // size * size
    data[page : page + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)


def assert_named(store: EmbeddedStore, part: str) -> None:
    (error,) = store.damaged()
    assert error.code == "store.damaged"
    assert error.what == f"block 2 of the log fails its check ({part})"
    assert error.where.key == "block 2"


def test_the_log_goes_on_behind_a_damaged_block(path: Path) -> None:
    flip(path, "lines")
    store = EmbeddedStore(path)
    assert store.damaged() == []
    with capture_logs() as logs:
        assert list(store.log()) == [make_commit(0, EVENTS).lines, make_commit(2, EVENTS).lines]
        assert len(list(store.log())) == 2
    assert_named(store, "lines")
    assert [entry["log_level"] for entry in logs] == ["error"]  # said once
    store.close()


@pytest.mark.parametrize("column", ["heads", "lines", "additions"])
def test_a_search_leaves_a_damaged_block_out(path: Path, column: str) -> None:
    flip(path, column)
    store = EmbeddedStore(path)
    found = store.events(EventQuery(keys=("device:3",), limit=1_000))
    assert {event.id.partition("-")[0] for event in found} == {"0", "2"}
    assert store.events(EventQuery(keys=("commit:1",))) == []
    assert store.damaged()[0].where.key == "block 2"
    store.close()


def test_ids_of_a_damaged_block_are_missing_and_the_others_are_there(path: Path) -> None:
    flip(path, "heads")
    store = EmbeddedStore(path)
    assert len(store.past(10_000).read(10_000)) == 2 * EVENTS
    assert_named(store, "heads")
    store.close()


def test_pages_that_lead_nowhere_cost_their_block_only(path: Path) -> None:
    cut_chain(path)
    store = EmbeddedStore(path)
    assert len(list(store.log())) == 2
    assert_named(store, "lines")
    assert store.events(EventQuery(ids=("1-5", "2-5")))[0].id == "2-5"
    assert any(error.where.key == "block 2" for error in store.check())
    store.close()


def test_a_block_in_the_place_of_another_is_damage(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE block SET lines = (SELECT lines FROM block WHERE number = 1) WHERE number = 2")
    connection.close()
    store = EmbeddedStore(path)
    assert len(list(store.log())) == 2
    assert_named(store, "lines")
    store.close()


def test_the_check_reads_everything_and_compares_the_index(path: Path) -> None:
    store = EmbeddedStore(path)
    assert store.check() == []
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE block_keys SET hashes = x'00000000' WHERE number = 2")
    connection.close()
    store = EmbeddedStore(path)
    assert [error.what for error in store.check()] == ["block 2 of the log fails its check (index)"]
    store.close()

"""A store knows whether it was closed, and is looked through beside who writes; every row has its seal."""

import sqlite3
from pathlib import Path

import pytest
from older import commits

from impetus.domain.batch import Commit, Head
from integrations.embedded import inspection
from integrations.embedded.store import EmbeddedStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "impetus.db"
    store = EmbeddedStore(path)
    for one in commits():
        store.commit(one)
    store.close()
    return path


def damage(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def found(path: Path) -> list[str | None]:
    store = EmbeddedStore(path)
    for _ in store.inspect():
        pass
    keys = [one.where.key for one in store.damaged()]
    assert keys == [one.where.key for one in store.check()], "the whole check finds no other"
    store.close()
    return keys


def test_a_store_that_was_not_closed_says_so(path: Path) -> None:
    first = EmbeddedStore(path)
    assert not first.unclean
    first.counts()
    assert not EmbeddedStore(path).unclean, "who only reads leaves nothing open"
    first.commit(Commit(duplicates=1))
    assert EmbeddedStore(path).unclean
    first.close()
    assert not EmbeddedStore(path).unclean


def test_a_whole_store_has_nothing_to_tell_while_it_is_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "ROWS", 7)
    store = EmbeddedStore(path)
    for number, _ in enumerate(store.inspect()):
        store.commit(Commit(lines=(b"{}",), heads=(Head(f"new{number}", number, ("user:kari",)),)))
    assert number > 60, "blocks, rows in portions, totals, tables"
    assert store.damaged() == []
    store.close()


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        ("UPDATE ledger SET reason = 'another' WHERE event = 'e13-0'", "ledger e13-0 rule plan"),
        ("UPDATE reject SET what = '6' WHERE what = '5'", "reject gate event.malformed 6"),
        ("UPDATE control SET body = x'7b7d20' WHERE version = 'r20'", "control 18 rules r20"),
        ("UPDATE control SET seal = NULL WHERE version = 'r20'", "control 18 rules r20"),
        ("UPDATE incident SET risk = 99 WHERE id = 'i7'", "incident i7"),
        ("UPDATE block_index SET ids = x'' WHERE number = 5", "block 5"),
        ("UPDATE block_keys SET hashes = x'' WHERE number = 5", "block 5"),
        ("UPDATE counter SET value = value + 1 WHERE name = 'alerts'", "counter alerts"),
    ],
)
def test_what_was_changed_silently_is_found(path: Path, statement: str, key: str) -> None:
    damage(path, statement)
    assert found(path) == [key]


def test_rows_that_fail_are_left_out_and_told(path: Path) -> None:
    damage(path, "UPDATE ledger SET reason = 'another' WHERE event = 'e13-0'")
    damage(path, "UPDATE reject SET what = '6' WHERE what = '5'")
    damage(path, "UPDATE control SET body = x'00' WHERE version = 'r20'")
    store = EmbeddedStore(path)
    assert "e13-0" not in {line.event for line in store.ledger()}
    assert len(store.rejects(100)) == 11
    assert [one.version for _, one in store.controls()] == ["r0", "r10", "r30", "r40", "r50"]
    assert len(store.damaged()) == 3
    store.close()

"""The index of keys: no block that holds an asked-for key is ever left out, folded or not, old or new."""

import random
from pathlib import Path

import pytest
import zstandard
from commits import make_commit

from impetus.domain.batch import Commit, Head
from impetus.domain.entity import fold_key
from impetus.domain.ports import EventQuery, Sieve, Span
from integrations.embedded.keys import RUN, KeyIndex, read_backlog
from integrations.embedded.store import EmbeddedStore

VERSION_2 = Path(__file__).with_name("stores") / "version-2.db.zst"


def fill(store: EmbeddedStore, blocks: int, seed: int = 1) -> dict[str, set[str]]:
    """Commit small blocks of events with one to five keys; returns key → ids."""
    random_, found, count = random.Random(seed), dict[str, set[str]](), 0
    for _ in range(blocks):
        heads = []
        for _ in range(random_.randrange(1, 4)):
            keys = {f"Device:D-{random_.randrange(2_000)}" for _ in range(random_.randrange(1, 6))}
            heads.append(Head(f"e{count}", count, tuple(keys)))
            count += 1
            for key in keys:
                found.setdefault(fold_key(key), set()).add(heads[-1].id)
        store.commit(Commit(lines=(b"{}",) * len(heads), heads=tuple(heads)))
    return found


def sifted(store: EmbeddedStore, *clauses: str) -> set[str]:
    sieve = Sieve(tuple(frozenset({clause}) for clause in clauses))
    return {id for portion in store.sift(sieve) for id in portion.ids}


def test_every_key_finds_its_events_whether_its_block_is_folded_or_not(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "impetus.db")
    found = fill(store, 2 * RUN + 40)
    with store._connections.read() as connection:
        assert [number for (number,) in connection.execute("SELECT number FROM key_run")] == [0, 1]
        assert connection.execute("SELECT count(*) FROM block_keys").fetchone() == (41,)
    for key in list(found)[:300]:
        assert sifted(store, key) == found[key]
        assert {one.id for one in store.events(EventQuery(keys=(key.replace("device:d", "Device:D"),)))} == found[key]
    some, other = list(found)[:2]
    assert sifted(store, some, other) == found[some] & found[other]
    assert sifted(store, "device:never") == set()
    assert store.check() == []
    store.close()


def test_a_folded_index_opens_next_to_no_block_for_nothing(tmp_path: Path) -> None:
    store = EmbeddedStore.in_memory()
    heads = (Head(f"{block}-{n}", n, (f"address:10.{block}.{n}",)) for block in range(RUN - 1) for n in range(100))
    for _ in range(RUN - 1):
        some = tuple(next(heads) for _ in range(100))
        store.commit(Commit(lines=(b"{}",) * 100, heads=some))
    with store._connections.read() as connection:
        assert connection.execute("SELECT bits FROM key_run").fetchone()[0] > 0
        claimed = 0
        for number in range(200):
            index = KeyIndex(connection, store._filters, [[f"address:11.0.{number}"]], pytest.fail)
            claimed += sum(map(index.may_hold, range(1, RUN)))
    assert claimed <= 2
    assert sifted(store, "address:10.7.42") == {"7-42"}


def test_a_store_of_version_2_is_brought_up_to_date_and_indexed_little_by_little(tmp_path: Path) -> None:
    path = tmp_path / "impetus.db"
    path.write_bytes(zstandard.ZstdDecompressor().decompress(VERSION_2.read_bytes()))
    store = EmbeddedStore(path)
    expected = {number: {head.id for head in make_commit(number).heads} for number in range(40)}
    store.commit(make_commit(40))  # the first of some commits that index old blocks
    for number in range(41, 52):
        assert sifted(store, "commit:7") == expected[7]  # nothing is missed meanwhile
        assert {one.id for one in store.events(EventQuery(keys=("commit:3",)))} == expected[3]
        assert store.check() == []
        store.commit(make_commit(number))
    with store._connections.read() as connection:
        assert read_backlog(connection) == 0
        blocks, indexed = (connection.execute(f"SELECT count(*) FROM {t}").fetchone() for t in ("block", "block_keys"))
        assert blocks == indexed
        assert connection.execute("SELECT sum(length(keys)) FROM block_index").fetchone() == (0,)
    assert all(sifted(store, f"commit:{number}") == ids for number, ids in expected.items())
    assert store.check() == []
    store.close()


def test_a_sieve_lets_through_what_is_in_its_span_newest_block_first() -> None:
    store = EmbeddedStore.in_memory()
    for times in ((10, 30), (20, 50), (40,)):
        heads = tuple(Head(f"t{time}", time, ("zone:Z4",) if time > 25 else ()) for time in times)
        store.commit(Commit(lines=(b"{}",) * len(times), heads=heads))
    portions = list(store.sift(Sieve(keys=frozenset({"zone:z4"}), span=Span(15, 50))))
    assert [(one.ids, one.rest) for one in portions] == [(["t20"], 40), (["t40"], 30), (["t30"], None)]
    assert [one.keys["zone:z4"] for one in portions] == [frozenset(), frozenset({0}), frozenset({0})]


def test_what_the_index_says_of_a_run_goes_with_its_last_block() -> None:
    store = EmbeddedStore.in_memory()
    fill(store, RUN)
    with store._connections.write() as connection:
        connection.execute("DELETE FROM block WHERE number < 255")
        left = "SELECT (SELECT count(*) FROM key_run), (SELECT count(*) > 0 FROM key_page)"
        assert connection.execute(left).fetchone() == (1, 1)
        connection.execute("DELETE FROM block WHERE number = 255")
        assert connection.execute(left).fetchone() == (0, 0)


def test_few_lines_of_a_block_are_those_of_the_whole() -> None:
    store = EmbeddedStore.in_memory()
    lines = tuple(b"%d" % number * (number % 90) for number in range(4_000))
    heads = tuple(Head(f"e{n}", n, ("rare:x",) if n in {0, 17, 3_998, 3_999} else ()) for n in range(len(lines)))
    store.commit(Commit(lines=lines, heads=heads))
    (portion,) = store.sift(Sieve((frozenset({"rare:x"}),)))
    assert portion.lines == [lines[place] for place in (0, 17, 3_998, 3_999)]
    assert portion.additions == [b""] * 4
    (portion,) = store.sift(Sieve())
    assert tuple(portion.lines) == lines


def test_a_damaged_block_is_reported_and_the_rest_is_sifted(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "impetus.db")
    for number in range(3):
        store.commit(Commit(lines=(b"{}",) * 9, heads=tuple(Head(f"{number}-{n}", number, ("a:b",)) for n in range(9))))
    with store._connections.write() as connection:
        connection.execute("UPDATE block SET lines = CAST(substr(lines, 1, 20) AS BLOB) WHERE number = 2")
    assert [portion.ids[0] for portion in store.sift(Sieve((frozenset({"a:b"}),)))] == ["2-0", "0-0"]
    assert [error.code for error in store.damaged()] == ["store.damaged"]
    store.close()

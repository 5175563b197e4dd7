"""The file of an embedded store: what it is, whose it is, and what happens when it cannot be written."""

import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from commits import committed, make_commit

from impetus.domain.batch import Commit, Head, Reject
from impetus.domain.errors import ImpetusError
from integrations.embedded.schema import VERSION
from integrations.embedded.store import EmbeddedStore


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(ImpetusError) as caught:
        yield
    assert caught.value.code == code


def test_the_file_is_its_owners_only_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "impetus.db"
    store = EmbeddedStore(path)
    store.commit(make_commit(0))
    assert (path.parent / "impetus.db.lock").exists()  # whoever may open it can keep the store from being written
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    store.close()


def test_commits_are_synced_and_readers_read_the_write_ahead_log(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "impetus.db")
    with store._connections.prepare() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


def test_a_store_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "impetus.db"
    EmbeddedStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(ImpetusError, match=f"version {VERSION + 1}") as caught:
        EmbeddedStore(path)
    assert caught.value.code == "store.version"


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = path.read_bytes()
    with refused("store.version"):
        EmbeddedStore(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "impetus.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with refused("store.damaged"):
        EmbeddedStore(path)


def test_a_path_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with refused("store.unavailable"):
        EmbeddedStore(tmp_path)
    (tmp_path / "file").write_text("")
    with refused("store.unavailable"):
        EmbeddedStore(tmp_path / "file" / "impetus.db")


def test_a_second_writing_process_is_refused_but_may_read(tmp_path: Path) -> None:
    path = tmp_path / "impetus.db"
    first, second = EmbeddedStore(path), EmbeddedStore(path)
    first.commit(make_commit(0))
    with refused("store.unavailable"):
        second.commit(make_commit(1))
    assert committed(second) == 1
    first.close()
    second.commit(make_commit(1))
    second.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    for store in (EmbeddedStore(tmp_path / "impetus.db"), EmbeddedStore.in_memory()):
        store.close()
        store.close()
        with refused("store.unavailable"):
            store.counts()
        with refused("store.unavailable"):
            store.commit(make_commit(0))


def test_a_full_file_takes_nothing_half_and_works_again_later(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "impetus.db")
    store.commit(make_commit(0))
    with store._connections.prepare() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 5}")
    large = make_commit(1, events=20_000)
    with pytest.raises(ImpetusError, match="Free space"):
        store.commit(large)
    _assert_only_the_first(store)
    with store._connections.prepare() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    store.commit(large)
    assert committed(store) == 2
    assert store.check() == []
    store.close()


def test_a_disk_that_takes_no_more_bytes_takes_nothing_half(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "impetus.db")
    store.commit(make_commit(0))
    large = make_commit(1, events=20_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with refused("store.unavailable"):
            store.commit(large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    _assert_only_the_first(store)
    store.commit(large)
    assert committed(store) == 2
    assert store.check() == []
    store.close()


def _assert_only_the_first(store: EmbeddedStore) -> None:
    assert committed(store) == 1
    assert list(store.log()) == [make_commit(0).lines]
    assert store.counts()["events"] == len(make_commit(0).lines)
    assert store.cursor() == 1


def test_what_would_not_come_back_as_it_went_in_is_refused_whole() -> None:
    store = EmbeddedStore.in_memory()
    reject = (Reject("gate", "event.malformed", "", "", b""),)
    broken = Commit(lines=(b"{}\n{}",), heads=(Head("1", 1, ()),), rejects=reject)
    halved = Commit(lines=(b"{}",), heads=(Head("\ud800", 1, ()),), rejects=reject)
    distant = Commit(lines=(b"{}",), heads=(Head("1", 1 << 63, ()),), rejects=reject)
    for commit in (broken, halved, distant):
        with refused("event.malformed"):
            store.commit(commit)
    for commit in (Commit(lines=(b"{}",)), Commit(lines=(b"{}",), heads=(Head("1", 1, ()),), additions=(b"", b""))):
        with pytest.raises(ValueError, match="1 lines"):
            store.commit(commit)
    assert store.counts()["rejected"] == store.counts()["events"] == 0
    assert store.commit(Commit(lines=(b"",), heads=(Head("", 0, ("",)),))) == 0
    assert list(store.log()) == [(b"",)]


def test_two_stores_in_memory_know_nothing_of_each_other() -> None:
    one, other = EmbeddedStore.in_memory(), EmbeddedStore.in_memory()
    one.commit(make_commit(0))
    assert (committed(one), committed(other)) == (1, 0)


def test_a_file_is_read_where_the_process_that_wrote_it_still_runs(tmp_path: Path) -> None:
    path = tmp_path / "impetus.db"
    store = EmbeddedStore(path)
    store.commit(make_commit(3, events=4))
    program = "import sys; from pathlib import Path; from integrations.embedded.store import EmbeddedStore as S; "
    program += "print(S(Path(sys.argv[1])).counts()['events'])"
    root = Path(__file__).parents[3]
    said = subprocess.run([sys.executable, "-c", program, str(path)], cwd=root, capture_output=True, check=True)
    assert said.stdout.strip() == b"4"
    store.close()


def test_a_store_with_incidents_in_zones_is_whole(tmp_path: Path) -> None:
    """SQLite's quick check of some versions takes a table for damaged whose columns are in another order."""
    store = EmbeddedStore(tmp_path / "impetus.db")
    incident = make_commit(0).incidents[0]
    store.commit(Commit(incidents=(msgspec.structs.replace(incident, zones=("Z1", "Z2")),)))
    assert store.check() == []
    store.close()

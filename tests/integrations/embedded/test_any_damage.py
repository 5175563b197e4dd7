"""Whatever bytes of the file are damaged: the store opens or says why not, and gives nothing that was not written."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from commits import make_commit
from hypothesis import example, given, settings
from hypothesis import strategies as st

from impetus.domain.batch import Control, Key
from impetus.domain.errors import ImpetusError
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery
from integrations.embedded.store import EmbeddedStore

COMMITS = 40
Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "zeroed": lambda data: bytes(len(data)),
    "flipped": lambda data: bytes(byte ^ 0x10 for byte in data),
    "of another place": lambda data: data[::-1],
}


def _commit(number: int) -> Any:
    state = tuple((Key("seen", f"{number}-{n}".encode()), f"what was seen {number}-{n}".encode()) for n in range(30))
    return msgspec.structs.replace(
        make_commit(number, 30),
        state=state,
        ledger=(LedgerLine(f"{number}-1", "rule", "plan", "entry", "because"),),
        controls=(Control("rules", str(number), b"rules" * 20),) if number % 10 == 0 else (),
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "impetus.db"
    with closing(EmbeddedStore(path)) as store:
        for number in range(COMMITS):
            store.commit(_commit(number))
    return path


def _items(store: EmbeddedStore) -> Iterator[tuple[str, Callable[[], Sequence[Any]]]]:
    """What is served, item by item; each has to be one of those that were written."""
    yield "log", lambda: list(store.log())
    yield "ids", lambda: store.past(10_000).read(10_000)
    yield "state", lambda: list(store.state("seen"))
    yield "positions", lambda: list(store.positions().items())
    yield "events", lambda: store.events(EventQuery(keys=("device:3",), limit=1_000))
    yield "incidents", lambda: store.incidents(IncidentQuery())
    yield "changes", lambda: [one for _, one in store.changes(0, 1_000)]


def _read(path: Path) -> dict[str, Sequence[Any]]:
    """Everything that is served; what fails with an error for people is missing."""
    found = {}
    with closing(EmbeddedStore(path)) as store:
        for name, read in _items(store):
            try:
                found[name] = read()
            except ImpetusError as error:
                assert error.code == "store.damaged"
        check = store.check()
        assert all(one.code == "store.damaged" and one.where.file for one in check)
        found["check"] = check
    return found


def _spoil(whole: Path, at: float, size: int, how: str) -> Path:
    data = bytearray(whole.read_bytes())
    start = int(at * len(data))
    data[start : start + size] = DAMAGES[how](bytes(data[start : start + size]))
    path = whole.with_name("spoilt.db")
    path.write_bytes(data)
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    return path


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.sampled_from([1, 4, 64, 512, 8_192]), st.sampled_from(sorted(DAMAGES)))
@example(0.0, 8_192, "zeroed")  # the head of the file
@example(0.0, 100, "flipped")
@example(0.011, 8_192, "zeroed")  # the schema, or the first page of a table
def test_nothing_is_served_that_was_not_written(whole: Path, at: float, size: int, how: str) -> None:
    path = _spoil(whole, at, size, how)
    try:
        found = _read(path)
    except ImpetusError as error:
        assert error.code in {"store.damaged", "store.version"}
        return
    right = _read(whole)
    assert right.pop("check") == []
    told = found.pop("check")
    for name, items in found.items():
        assert all(item in right[name] for item in items), name
    # What is missing is told, at the latest by the check.
    assert told or all(list(items) == list(right[name]) for name, items in found.items())


def _cut(path: Path, to: float) -> Path:
    cut = path.with_name("cut.db")
    shutil.copyfile(path, cut)
    with cut.open("r+b") as file:
        file.truncate(int(path.stat().st_size * to))
    return cut


@pytest.mark.parametrize("to", [0.99, 0.5, 0.1])
def test_a_file_that_was_cut_is_told(whole: Path, to: float) -> None:
    right = _read(whole)
    try:
        found = _read(_cut(whole, to))
    except ImpetusError as error:
        assert error.code == "store.damaged"
        return
    assert found.pop("check")
    for name, items in found.items():
        assert all(item in right[name] for item in items), name


def test_the_check_says_where_in_the_file(whole: Path) -> None:
    data = whole.read_bytes()
    page = data.index(b"what was seen 7-7") // 8_192
    path = whole.with_name("spoilt.db")
    path.write_bytes(data[: page * 8_192] + bytes(8_192) + data[(page + 1) * 8_192 :])
    with closing(EmbeddedStore(path)) as store:
        seen = dict(store.state("seen"))
        assert b"39-0" in seen
        assert b"7-7" not in seen
        places = {one.where.key for one in store.check()}
    assert f"page {page + 1}, offset {page * 8_192}" in places
    assert "state" in places


def test_a_value_that_is_not_as_it_was_written_is_left_out_by_name(whole: Path) -> None:
    data = bytearray(whole.read_bytes())
    at = data.index(b"what was seen 7-7")
    data[at] ^= 1
    path = whole.with_name("spoilt.db")
    path.write_bytes(data)
    with closing(EmbeddedStore(path)) as store:
        assert len(list(store.state("seen"))) == COMMITS * 30 - 1
        (error,) = store.damaged()
    assert str(error.where) == f"{path} (state seen 7-7)"


@pytest.mark.parametrize("table", ["state", "incident"])
def test_a_table_that_cannot_be_written_is_made_anew_of_what_can_be_read(whole: Path, table: str) -> None:
    path = whole.with_name("spoilt.db")
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    shutil.copyfile(whole, path)
    with sqlite3.connect(path) as connection:
        pages = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno DESC"
        (page,) = connection.execute(pages, (table,)).fetchone()
    connection.close()
    data = path.read_bytes()
    path.write_bytes(data[: (page - 1) * 8_192] + bytes(8_192) + data[page * 8_192 :])
    right = _read(whole)
    with closing(EmbeddedStore(path)) as store:
        for number in range(COMMITS, COMMITS + 10):
            store.commit(_commit(number))
        assert any(one.where.key == table for one in store.damaged())
    found = _read(path)
    assert set(right["log"]) < set(found["log"])
    assert set(right["positions"]) != set(found["positions"])
    new = {key for key, _ in found["state"]}
    assert {f"{COMMITS + 9}-{n}".encode() for n in range(30)} <= new

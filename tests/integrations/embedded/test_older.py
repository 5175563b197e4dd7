"""A store that an older version wrote opens, is brought up to date, and answers and goes on as before."""

import sqlite3
from pathlib import Path

import pytest
import zstandard
from older import COMMITS, commits

from impetus.domain.batch import Commit
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import EventQuery, IncidentQuery
from impetus.domain.retention import Cutoffs
from integrations.embedded import schema
from integrations.embedded.schema import VERSION, read_version
from integrations.embedded.store import EmbeddedStore

STORES = Path(__file__).with_name("stores")
OLDER = range(1, VERSION)


def unpacked(name: str, folder: Path) -> Path:
    path = folder / "impetus.db"
    path.write_bytes(zstandard.ZstdDecompressor().decompress((STORES / f"{name}.db.zst").read_bytes()))
    return path


def schema_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The columns, indices and triggers of a store, whatever the order in which they were made."""
    with sqlite3.connect(path) as connection:
        names = connection.execute("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall()
        columns = {
            name: [row[1:] for row in connection.execute(f"PRAGMA table_xinfo({name})")]
            for kind, name in names if kind == "table"
        }  # fmt: skip
    connection.close()
    return {**columns, "all": sorted(names)}


@pytest.fixture(params=OLDER)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = unpacked(f"older-{request.param}", tmp_path)
    with sqlite3.connect(path) as connection:
        assert read_version(connection) == request.param
    connection.close()
    return path


def test_it_has_the_schema_of_a_new_one(path: Path, tmp_path: Path) -> None:
    EmbeddedStore(path).close()
    EmbeddedStore(tmp_path / "new.db").close()
    assert schema_of(path) == schema_of(tmp_path / "new.db")


def test_it_answers_as_before(path: Path) -> None:
    store, made = EmbeddedStore(path), list(commits())
    assert [list(block) for block in store.log()] == [list(one.lines) for one in made if one.lines]
    events = {one.id: (one.line, one.addition) for one in store.events(EventQuery(limit=10_000))}
    assert events == {
        head.id: (line, addition)
        for one in made for line, addition, head in zip(one.lines, one.additions, one.heads, strict=True)
    }  # fmt: skip
    assert {one.id for one in store.events(EventQuery(keys=("commit:13",)))} == {head.id for head in made[13].heads}
    assert store.alerts([f"a{number}" for number in range(COMMITS)]) == [one.alerts[0] for one in made]
    newest = {one.incidents[0].id: one.incidents[0] for one in made}
    assert {one.id: one for one in store.incidents(IncidentQuery(limit=100))} == newest
    assert [at for at, _ in store.changes(0, 1_000)] == list(range(COMMITS - len(newest) + 1, COMMITS + 1))
    in_zone = {one.id for one in store.incidents(IncidentQuery(zone="Z2", limit=100))}
    assert in_zone == {id for id, one in newest.items() if "Z2" in one.zones}
    assert store.ledger() == [line for one in made for line in one.ledger]
    assert [control for _, control in store.controls()] == [control for one in made for control in one.controls]
    assert list(store.rejects(100)) == [reject for one in reversed(made) for reject in one.rejects]
    assert store.positions() == {"gate": str(COMMITS - 1).encode()}
    assert dict(store.state("windows")) == {bytes([number]): b"w" for number in range(COMMITS)}
    counts = {"events": len(events), "rejected": 12, "alerts": COMMITS, "incidents": len(newest), "duplicates": 0}
    assert store.counts() == {**store.counts(), **counts}
    assert store.check() == []
    store.close()


def test_it_goes_on_and_gets_old(path: Path) -> None:
    store, made = EmbeddedStore(path), list(commits())
    newest, cursor = store.newest(), store.cursor()
    store.mark(1_000)  # what was there by then counts as of then
    again = [Commit(lines=one.lines, heads=one.heads, incidents=one.incidents) for one in made[:20]]
    assert [store.commit(one) for one in again] == list(range(cursor + 1, cursor + 21))
    assert store.newest() == newest + sum(bool(one.lines) for one in again)
    assert store.check() == []
    removed = sum(one.count for one in store.sweep(Cutoffs(events=1_000), 2_000))
    assert removed == sum(len(one.lines) for one in made) - len(store_held(store))
    assert store.check() == []
    store.close()


def store_held(store: EmbeddedStore) -> list[object]:
    with store._connections.read() as connection:
        return connection.execute("SELECT * FROM held").fetchall()


def test_two_programs_may_open_it_at_once(path: Path) -> None:
    stores = [EmbeddedStore(path) for _ in range(2)]
    assert stores[0].counts() == stores[1].counts()
    for store in stores:
        store.close()


def test_an_upgrade_that_is_interrupted_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {**schema._UPGRADES, VERSION - 1: (*schema._UPGRADES[VERSION - 1], "no statement")}
    monkeypatch.setattr(schema, "_UPGRADES", broken)
    before = schema_of(path)
    with pytest.raises(ImpetusError):
        EmbeddedStore(path)
    assert schema_of(path) == before
    monkeypatch.undo()
    EmbeddedStore(path).close()


def test_a_newer_one_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "impetus.db"
    EmbeddedStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ImpetusError) as caught:
        EmbeddedStore(path)
    assert (caught.value.code, "newer release" in caught.value.hint) == ("store.version", True)
    assert path.read_bytes() == before

"""What a store hands over to another that takes its place: all of it, in portions, the damaged left out."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
from commits import make_commit

from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Control, Key
from impetus.domain.ports import IncidentQuery
from integrations.embedded.holdings import BYTES
from integrations.embedded.store import EmbeddedStore

SPACES = ("test", "windows", "member:i1", "pieces")
COMMITS = 60


def filled(store: EmbeddedStore) -> None:
    for number in range(COMMITS):
        store.commit(make_commit(number, 10))
    pieces = [(Key("pieces", n.to_bytes(4)), bytes(n * 300)) for n in range(500)]
    rules = [Control("rules", version, b"body") for version in ("1", "2")]
    alerts = tuple(Alert(f"a{n}", f"rule-{n}", "t", "high", n, n, (f"{n}-1",)) for n in range(20))
    superseded = msgspec.structs.replace(make_commit(7).incidents[0], superseded_by="i1", revision=99)
    state = (*pieces, (Key("member:i1", b"a1"), b""))
    store.commit(Commit(state=state, controls=tuple(rules), alerts=alerts, incidents=(superseded,)))


def test_a_store_made_of_it_is_the_same_to_a_correlator(tmp_path: Path) -> None:
    since = (COMMITS - 3) * 1_000 + 5
    with closing(EmbeddedStore(tmp_path / "s.db")) as store, closing(EmbeddedStore.in_memory()) as other:
        filled(store)
        parts = list(store.holdings(250, since))
        for part in parts:
            if part.lines or not part.heads:
                other.commit(part)
        for space in SPACES:
            assert list(store.state(space)) == list(other.state(space))
        assert [control.version for _, control in other.controls()] == ["2"]
        assert other.alerts([f"a{n}" for n in range(20)]) == store.alerts([f"a{n}" for n in range(20)])
        assert other.incidents(IncidentQuery()) == store.incidents(IncidentQuery())
        assert other.incident("i7") == store.incident("i7") == store.incident("i1")
        assert list(other.log()) == list(store.log())[-3:]
        ids = [head.id for part in parts if not part.lines for head in part.heads]
        assert ids[-250:] == [f"{commit}-{n}" for commit in range(COMMITS) for n in range(10)][-250:]
        assert max(sum(len(value or b"") for _, value in part.state) for part in parts) <= BYTES


def test_what_is_damaged_is_named_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(EmbeddedStore(path)) as store:
        filled(store)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alert SET body = x'c1' WHERE id = 'a3'")
    with closing(EmbeddedStore(path)) as store:
        found = {alert.id for part in store.holdings(0, None) for alert in part.alerts}
        assert found == {f"a{n}" for n in range(20)} - {"a3"}
        assert [error.where.key for error in store.damaged()] == ["alert a3"]

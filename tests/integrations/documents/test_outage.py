"""The cluster away, in the middle of writing: nothing lost, nothing twice, revisions in order, the backlog drains."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from indexed import open_indexed
from msgspec.structs import replace
from outage import Way

from impetus.domain.batch import Commit, Head
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.ports import EventQuery, IncidentQuery
from impetus.domain.retention import Cutoffs
from integrations.documents.store import IndexedStore
from integrations.opensearch.cluster import OpenSearchCluster

BLOCKS, SIZE = 40, 25


@pytest.fixture
def way(opensearch_url: str) -> Iterator[Way]:
    way = Way(opensearch_url)
    yield way
    way.cut()


@pytest.fixture
def store(way: Way, tmp_path: Path) -> Iterator[IndexedStore]:
    store = open_indexed(OpenSearchCluster, tmp_path / "impetus.db", way.url)
    yield store
    store.close()


def block(number: int) -> Commit:
    """A step: events, and a further revision of the one incident."""
    ids = range(number * SIZE, (number + 1) * SIZE)
    one = Incident("i1", "Doors", "incident", "high", "open", 0, number, number + 1, (), ("e0",))
    return Commit(
        lines=tuple(b'{"event":{"id":"e%d"}}' % id for id in ids),
        heads=tuple(Head(f"e{id}", id, ("device:D-214",)) for id in ids),
        incidents=(one,),
    )


def wait_for_problem(store: IndexedStore) -> None:
    end = time.monotonic() + 60
    while not store.problem:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_outage_loses_nothing_and_the_backlog_drains(store: IndexedStore, way: Way) -> None:
    cutting = threading.Timer(0.3, way.cut)
    for number in range(BLOCKS):
        store.commit(block(number))
        if number == BLOCKS // 2:
            cutting.start()
            cutting.join()
    wait_for_problem(store)
    assert store.behind > 0
    with pytest.raises(ImpetusError, match=r"store\.unavailable"):
        store.events(EventQuery())
    (known,) = store.incidents(IncidentQuery())
    assert known.revision == BLOCKS, "incidents are answered by the journal meanwhile"
    way.mend()
    found = store.events(EventQuery(limit=10_000)) if store.settle(60) else []
    assert [event.id for event in found] == [f"e{id}" for id in reversed(range(BLOCKS * SIZE))]
    assert store.behind == 0
    assert store.problem == ""
    (known,) = store.incidents(IncidentQuery())
    assert known.revision == BLOCKS


def test_retention_leaves_what_the_index_has_not_yet(store: IndexedStore, way: Way) -> None:
    def sweep() -> set[int]:
        list(store.journal.sweep(Cutoffs(events=2, personal=2, incidents=2, settled=1_000), 2))
        return {int(event.id[1:]) // SIZE for event in store.journal.events(EventQuery(limit=10_000))}

    closed = replace(block(0).incidents[0], status="closed")
    store.commit(block(0))
    store.commit(block(1))
    assert store.settle(60)
    way.cut()
    store.commit(block(2))
    store.commit(replace(block(3), incidents=(closed,)))
    wait_for_problem(store)
    store.journal.mark(1)
    assert sweep() == {2, 3}
    assert store.journal.incident("i1") is not None
    way.mend()
    assert store.settle(60)
    assert len(store.events(EventQuery(limit=10_000))) == 4 * SIZE, "the index has them all the same"
    assert sweep() == set()


def test_a_store_opens_without_its_cluster_and_goes_on_where_it_was(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "impetus.db"
    store = open_indexed(OpenSearchCluster, path, way.url)
    store.commit(block(0))
    assert store.settle(60)
    way.cut()
    store.commit(block(1))
    store.close()
    store = open_indexed(OpenSearchCluster, path, way.url)
    store.commit(block(2))
    wait_for_problem(store)
    way.mend()
    assert store.settle(60)
    assert len(store.events(EventQuery(limit=10_000))) == 3 * SIZE
    store.close()

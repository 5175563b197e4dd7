"""The index, on a real node: what is in it, what is not, and what no event and no second writer can do to it."""

import asyncio
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexed import NAMESPACE, key_of, open_indexed, sight_of

from impetus.domain.batch import Commit, Head, Revision
from impetus.domain.entity import Entity
from impetus.domain.incident import Incident, Member, Risk
from impetus.domain.ports import EventQuery, IncidentQuery
from integrations.documents.cluster import Access
from integrations.documents.document import Documents, Entry
from integrations.documents.events import EventIndex
from integrations.documents.fields import BUDGET, names
from integrations.documents.incidents import IncidentIndex
from integrations.documents.seal import Seal
from integrations.documents.store import IndexedStore
from integrations.opensearch.cluster import OpenSearchCluster

Look = Callable[..., Any]
STREAMS = f"logs-impetus.*-{NAMESPACE}"


def commit(store: IndexedStore, events: list[dict[str, Any]], **keys: tuple[str, ...]) -> None:
    """Store events, each under the keys that are given for its id."""
    lines = tuple(json.dumps(event).encode() for event in events)
    heads = tuple(
        Head(event["event"]["id"], 1_000_000 + n, keys.get(event["event"]["id"], ())) for n, event in enumerate(events)
    )
    store.commit(Commit(lines=lines, heads=heads))


def event(id: str, **fields: Any) -> dict[str, Any]:
    return {"@timestamp": "2027-05-17T12:00:00Z", "event": {"id": id}, **fields}


def incident(id: str, revision: int = 1, risk: int = 10) -> Incident:
    member = Member("a1", "user kari as in a0")
    user = Entity("user", "kari")
    return Incident(
        id, "Kari forced a door", "incident", "high", "open", 0, revision, revision, (member,), ("e1",),
        risk=Risk(risk), entities=(user,),
    )  # fmt: skip


def test_a_hundred_thousand_new_names_are_no_more_fields(store: IndexedStore, look: Look) -> None:
    events = [event(f"n{n}", **{f"name{n}x{m}": {"deeper": m} for m in range(250)}) for n in range(400)]
    commit(store, events)
    assert len(store.events(EventQuery(limit=1_000))) == 400
    mappings = look(f"{STREAMS}/_mapping").values()
    most = max(len(list(names(one["mappings"]["properties"]))) for one in mappings)
    assert most <= BUDGET
    found = look(f"{STREAMS}/_search", {"query": {"term": {"impetus.other.name7x3.deeper": "3"}}})
    assert len(found["hits"]["hits"]) == 1


def test_no_event_is_refused_whatever_is_in_its_fields(store: IndexedStore) -> None:
    hostile: list[Any] = [
        {"user": "not an object", "source.ip": "no address", "source.port": 1 << 70, "air.co2": "high"},
        {"user": {"name": {"first": "kari"}}, "place.location": "everywhere", "event.created": "yesterday"},
        {"": "no name", ".": 1, "..": {"": {"": 2}}, "a..b": 3, "impetus": {"sealed": "forged"}, "exercise": "no"},
        {"message": "m" * 900_000, "user.name": "u" * 100_000, "tags": list(range(5_000)), "\u0000": "\u0000"},
        {"x" * 10_000: 1, "crowd.density": 1e308, "deep": json.loads('{"a":' * 28 + "1" + "}" * 28)},
    ]
    commit(store, [event(f"h{n}", **fields) for n, fields in enumerate(hostile)])
    assert {one.id for one in store.events(EventQuery())} == {f"h{n}" for n in range(len(hostile))}
    assert store.problem == ""


def test_who_can_search_the_cluster_sees_masks_and_no_key(store: IndexedStore, look: Look) -> None:
    told = event("e1", user={"name": "kari.nordmann"}, message="kari.nordmann opened D-214", **{"device.id": "D-214"})
    commit(store, [told], e1=("user:kari.nordmann", "device:D-214"))
    store.commit(Commit(incidents=(incident("i1"),)))
    assert store.settle(60)
    assert store.events(EventQuery())
    assert store.incidents(IncidentQuery())
    device = {"size": 100, "query": {"term": {"device.id": "D-214"}}}
    seen = [look(f"{STREAMS}/_search", device), look(f"impetus-incidents-{NAMESPACE}/_search", {"size": 100})]
    shown = json.dumps([[hit["_source"] for hit in part["hits"]["hits"]] for part in seen])
    assert "kari" not in shown.casefold()
    assert shown.count("user#") >= 3, "in the field, in the message, in the incident"
    (found,) = store.events(EventQuery(keys=("user:kari.nordmann",)))
    assert json.loads(found.line) == told


def test_what_is_written_again_is_there_once_also_behind_a_rollover(opensearch_url: str, tmp_path: Path) -> None:
    async def story(events: EventIndex) -> list[str]:
        await events.prepare()
        entries = [Entry(f"e{n}", n, (), b"{}", b"") for n in range(3)]
        operations = events.operations(entries)
        await events.write(entries[:2], operations[:2], uncertain=False)
        roll = f"{opensearch_url}/logs-impetus.other-{NAMESPACE}/_rollover"
        urllib.request.urlopen(urllib.request.Request(roll, method="POST"), timeout=30).close()
        await events.write(entries, operations, uncertain=True)
        await events.write(entries[2:], operations[2:], uncertain=False)
        await events.revise([Revision("e0", 0, b'{"new":1}', ("user:x",)), Revision("never", 0, b"{}")])
        await events.refresh()
        found = await events.find(EventQuery())
        assert [one.addition for one in found] == [b"", b"", b'{"new":1}']
        return [one.id for one in found]

    found = with_index(
        opensearch_url, tmp_path, lambda cluster, documents: story(EventIndex(cluster, documents, NAMESPACE))
    )
    assert found == ["e2", "e1", "e0"]


def test_of_two_writers_the_newer_revision_stays(opensearch_url: str, tmp_path: Path) -> None:
    async def story(cluster: OpenSearchCluster, documents: Documents) -> list[int]:
        here, there = (IncidentIndex(cluster, documents, NAMESPACE) for _ in range(2))
        revisions = [(n, incident("i1", n)) for n in range(1, 9)]
        await asyncio.gather(*(index.put([one]) for one in revisions for index in (here, there)))
        await here.put([(3, incident("i1", 3)), (2, incident("i2", 2))])
        return [found.revision for id in ("i1", "i2") if (found := await there.get(id)) is not None]

    assert with_index(opensearch_url, tmp_path, story) == [8, 2]


def test_a_document_that_someone_changed_is_left_out_and_the_rest_is_served(store: IndexedStore, look: Look) -> None:
    commit(store, [event("e1"), event("e2")])
    assert len(store.events(EventQuery())) == 2
    ours = {"bool": {"filter": [{"term": {"event.id": "e1"}}, {"term": {"impetus.installation": store.installation}}]}}
    (changed,) = look(f"{STREAMS}/_search", {"query": ours})["hits"]["hits"]
    forged = {"doc": {"impetus": {**changed["_source"]["impetus"], "sealed": "AAAA"}}}
    look(f"{changed['_index']}/_update/{changed['_id']}?refresh=true", forged)
    assert [one.id for one in store.events(EventQuery())] == ["e2"]


def with_index(url: str, path: Path, story: Callable[[OpenSearchCluster, Documents], Any]) -> Any:
    """What a story gives that is told to a cluster."""

    async def run() -> Any:
        cluster = OpenSearchCluster(Access((url,)))
        try:
            return await story(cluster, Documents(Seal(key_of(path)), sight_of(key_of(path))))
        finally:
            await cluster.close()

    return asyncio.run(run())


def test_two_installations_in_one_namespace_do_not_meet(
    store: IndexedStore, opensearch_url: str, tmp_path: Path
) -> None:

    other = open_indexed(OpenSearchCluster, tmp_path / "other.db", opensearch_url)
    commit(store, [event("e1")], e1=("device:D-1",))
    commit(other, [event("e1"), event("e2")], e1=("device:D-1",))
    assert [len(one.events(EventQuery())) for one in (store, other)] == [1, 2]
    other.close()

"""The query language is answered alike by every store: random queries over random events, all masks and keys included.

The embedded store in memory is the measure; ``tests/correlator/search`` holds it to the slow and obvious way.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cities import TWO_ZONES
from hypothesis import given, settings
from hypothesis import strategies as st
from indexed import key_of, sight_of
from stores import ADAPTERS, Adapter

from correlator.arrival import read_arrival
from correlator.enrich import Enricher
from correlator.heads import HeadMaker
from correlator.intelligence import Intelligence
from correlator.search import Searcher
from correlator.search.sieve import sieve_of
from impetus.domain.batch import Commit, Revision
from impetus.domain.instant import format_instant
from impetus.domain.ports import Question, Sieve, Span, Store
from impetus.domain.query import parse
from impetus.domain.query.tree import And, Node, Not, Or
from integrations.embedded.store import EmbeddedStore

NOW = 2_000_000_000
EVENTS, BLOCK = 120, 40
VALUES: dict[str, tuple[Any, ...]] = {
    "device.id": ("D-214", "d-214", "CAM-1", "10.0.0.7", "unknown", 214, 1e5),
    "user": ({"name": "kari"}, {"name": "CITY\\Kari"}, {"name": "-"}, "no object", None, {"name": ["ola", "Kari"]}),
    "source.ip": ("10.0.0.7", "10.0.0.8", "FE80::1", ["10.0.0.7", "x"], "fe80::1%eth0", ""),
    "place": ({"zone": "Z4a", "location": {"lat": 59.911, "lon": 10.73}}, {"zone": "Z5"}, {"location": {"lat": 999}}),
    "badge.id": ("B-1", "b-1"),
    "air.co2": (400, "900", 1200.5, None, [300, 1500], True, "many"),
    "message": ("Door forced", "by Kari, again", "İstanbul", "x" * 2_000, ""),
    "never.seen": ("a", "A", {"deeper": ["B", 7]}, [{"b": 1}, {"b": "two"}], "\u0000"),
    "exercise": (True, "true", False),
    "city.domain": ("physical", "iot", "a domain that nobody knows"),
}
LEAVES = (
    "device.id:D-214", "device.id:214", "device.id:100000.0", "device.id:unknown", "device.id:d-2*", "user.name:KARI",
    'user.name:"city\\\\kari"', "user.name:ola", "user:*", "source.ip:10.0.0.0/8", "source.ip:fe80::1", "source.ip:x",
    'source.ip:""', "badge.id:b-1", "badge.id:*", "air.co2:>=900", "air.co2:400", "air.co2:true", "air.co2:many",
    "forced", "kari", "istanbul", '"again"', "never.seen:a", "never.seen.deeper:b", "never.seen.b:two", "zone:Z4",
    "exercise:true", "never.seen.b:1", "zone:Z5", "entity:device:D-214", "entity:user:kari", "entity:user:ola",
    "place.zone:z5",
    "near:59.91,10.73,150m", "near:D-214,1km", "since:1970-01-01T00:20:00Z", "until:1970-01-01T00:30:00Z",
    "event.action:forced", "event.action:(opened or login)", "city.domain:physical", "indicator:x", "*",
)  # fmt: skip
TREES = st.recursive(
    st.sampled_from(LEAVES).map(parse),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda of: And(tuple(of))),
        st.lists(inner, min_size=2, max_size=3).map(lambda of: Or(tuple(of))),
        inner.map(Not),
    ),
    max_leaves=5,
)
INDEXED = [pytest.param(one, marks=pytest.mark.servers("opensearch")) for one in ADAPTERS if one.needs]


def make_event(random_: random.Random, number: int) -> dict[str, Any]:
    event: dict[str, Any] = {
        "@timestamp": format_instant(NOW - random_.randrange(1_000) * 1_000_000),
        "event": {"id": f"e{number}", "action": random_.choice(("opened", "forced", "login")), "provider": "gate"},
    }
    return event | {field: random_.choice(values) for field, values in VALUES.items() if random_.random() < 0.5}


def fill(*stores: Store) -> None:
    """Store the same events in all, as the correlator does, some of them with an addition that came later."""
    random_ = random.Random(8)
    enricher, maker = Enricher(TWO_ZONES, None, Intelligence()), HeadMaker(TWO_ZONES)
    for start in range(0, EVENTS, BLOCK):
        lines, additions, heads = [], [], []
        for number in range(start, start + BLOCK):
            arrival = read_arrival(json.dumps(make_event(random_, number)).encode(), "test")
            added = enricher.additions(arrival.event, arrival.time)
            lines.append(arrival.line)
            additions.append(json.dumps(added).encode() if added else b"")
            heads.append(maker.head(arrival, added))
        late = tuple(Revision(head.id, head.time, b'{"indicator":"x"}', ("user:ola",)) for head in heads[:3])
        for store in stores:
            store.commit(Commit(lines=tuple(lines), additions=tuple(additions), heads=tuple(heads)))
            store.commit(Commit(revisions=late))


class Both:
    """The embedded store and another, with the same events."""

    def __init__(self, path: Path, adapter: Adapter) -> None:
        self.name = adapter.name
        self.measure, self.store = EmbeddedStore.in_memory(), adapter.open(path)
        fill(self.measure, self.store)
        self._sight = sight_of(key_of(path))

    def agree(self, query: Node, span: Span, masked: bool) -> None:
        shown = (lambda event: msgspec.json.encode(self._sight.event(event))) if masked else None
        question = Question(query, span, shown)
        expected, found = (self._found(store, question) for store in (self.measure, self.store))
        assert sorted(found) == sorted(expected)
        newest = [event for part in self._searcher(self.store).newest(question, 20) for event in part]
        assert [event.time for event in newest] == sorted((time for time, *_ in expected), reverse=True)[:20]

    def _found(self, store: Store, question: Question) -> list[tuple[int, str, bytes, bytes]]:
        portions = self._searcher(store).every(question)
        return [(event.time, event.id, event.line, event.addition) for part in portions for event in part]

    def _searcher(self, store: Store) -> Searcher:
        return Searcher(store, lambda: TWO_ZONES, lambda: NOW)

    def close(self) -> None:
        self.measure.close()
        self.store.close()


@pytest.fixture(scope="module", params=INDEXED, ids=lambda one: one.name)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    one: Adapter = request.param
    address = request.getfixturevalue(str(one.needs))
    both = Both(tmp_path_factory.mktemp("query") / "impetus.db", replace(one, address=address))
    yield both
    both.close()


def test_every_leaf_is_answered_alike(both: Both) -> None:
    for text in LEAVES if both.name == "opensearch" else LEAVES[::5]:
        both.agree(parse(text), Span(), masked=False)


@settings(max_examples=25)
@given(query=TREES, start=st.none() | st.integers(1_000, 2_000), masked=st.booleans())
def test_a_query_is_answered_alike(both: Both, query: Node, start: int | None, masked: bool) -> None:
    both.agree(query, Span(None if start is None else start * 1_000_000, None), masked)


def test_what_can_be_looked_up_is_not_read_as_a_whole(both: Both) -> None:
    """A value in any field, mapped or not, narrows what the index gives to a fraction."""
    for text in ("never.seen:a", "user.name:ola", "message:istanbul"):
        sieve = sieve_of_text(text)
        given_out = sum(len(part.ids) for part in both.store.sift(sieve))
        assert 0 <= given_out < EVENTS / 3
    assert sum(len(part.ids) for part in both.store.sift(sieve_of_text("*"))) == EVENTS


def sieve_of_text(text: str) -> Sieve:
    return sieve_of(parse(text), Span(), {}, NOW)

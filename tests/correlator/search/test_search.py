"""A search finds exactly what the slow and obvious way finds, whatever the index of keys leaves out."""

import json
import random
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from re import DOTALL, compile, escape
from typing import Any

import pytest
from cities import TWO_ZONES
from hypothesis import given, settings
from hypothesis import strategies as st

from correlator.arrival import read_arrival
from correlator.enrich import Enricher, join
from correlator.heads import HeadMaker
from correlator.intelligence import Intelligence
from correlator.search import Searcher
from correlator.search.searcher import setting_of
from correlator.search.sieve import sieve_of
from impetus.domain.batch import Commit
from impetus.domain.entity import fold_key
from impetus.domain.errors import ImpetusError
from impetus.domain.event import flatten, text
from impetus.domain.instant import format_instant
from impetus.domain.place import Location, distance
from impetus.domain.ports import Question, Span
from impetus.domain.query import parse, tree, write
from integrations.embedded.store import EmbeddedStore

NOW = 2_000_000_000
USERS = ("kari", "CITY\\Kari", "ola", "-", "SYSTEM")
ADDRESSES = ("10.0.0.7", "10.0.0.8", "192.168.1.1", "FE80::1", "fe80::1")
DEVICES = ("D-214", "d-214", "CAM-1", "10.0.0.7", "nobody", "unknown")


def make_events(seed: int, count: int) -> list[dict[str, Any]]:
    random_ = random.Random(seed)
    return [make_event(random_, number) for number in range(count)]


def make_event(random_: random.Random, number: int) -> dict[str, Any]:
    event: dict[str, Any] = {
        "@timestamp": format_instant(NOW - random_.randrange(1_000) * 1_000_000),
        "event": {"id": f"e{number}", "action": random_.choice(("opened", "forced", "login")), "sequence": number},
    }
    optional: dict[str, Any] = {
        "device.id": random_.choice((*DEVICES, 214, 1e5)),
        "user": {"name": random_.choice(USERS)},
        "source.ip": random_.choice((*ADDRESSES, list(ADDRESSES[:2]))),
        "place.zone": random_.choice(("Z4", "Z4a", "Z5", "Z9")),
        "place.location": {"lat": 59.91 + random_.randrange(-9, 9) / 1_000, "lon": 10.73},
        "badge": {"id": random_.choice(("B-1", "b-1", "B-2"))},
        "air.co2": random_.choice((400, "900", 1200.5, None, [300, 1500])),
        "message": random_.choice(("Door forced", "by Kari, again", "İstanbul")),
        "dns.question.name": random_.choice(("example.org.", "Example.org", "İ.org")),
    }
    return event | {field: value for field, value in optional.items() if random_.random() < 0.4}


def commit(store: EmbeddedStore, events: list[dict[str, Any]], block: int) -> list[tuple[str, int, dict[str, Any]]]:
    """Store events as the correlator does; returns what a slow search looks at: id, time, event with additions."""
    enricher, maker, whole = Enricher(TWO_ZONES, None, Intelligence()), HeadMaker(TWO_ZONES), []
    for start in range(0, len(events), block):
        lines, additions, heads = [], [], []
        for event in events[start : start + block]:
            arrival = read_arrival(json.dumps(event).encode(), "test")
            added = enricher.additions(arrival.event, arrival.time)
            heads.append(maker.head(arrival, added))
            lines.append(arrival.line)
            additions.append(json.dumps(added).encode() if added else b"")
            merged = json.loads(join(lines[-1], additions[-1]))
            whole.append((arrival.id, arrival.time, {"keys": {fold_key(key) for key in heads[-1].keys}, **merged}))
        store.commit(Commit(lines=tuple(lines), additions=tuple(additions), heads=tuple(heads)))
    return whole


def lower(value: str) -> str:
    return "".join(character.lower()[0] for character in value)


def pattern(parts: tree.Pattern) -> str:
    return "".join(
        ".*" if part == tree.RUN else "." if part == tree.ONE else escape(lower(str(part))) for part in parts
    )


class Slow:
    """The slow and obvious way, over one event."""

    def __init__(self, time: int, event: Mapping[str, Any]) -> None:
        self._time, self._keys = time, event["keys"]
        self._fields = flatten({name: value for name, value in event.items() if name != "keys"})

    def holds(self, node: tree.Node) -> bool:  # noqa: C901 - a case for each kind
        match node:
            case tree.And(of):
                return all(map(self.holds, of))
            case tree.Or(of):
                return any(map(self.holds, of))
            case tree.Not(inner):
                return not self.holds(inner)
            case tree.All():
                return True
            case tree.Word(parts):
                looked = compile(pattern(parts), DOTALL)
                return any(looked.search(lower(one)) for values in self._fields.values() for one in map(text, values))
            case tree.Equals(field, parts):
                looked = compile(pattern(parts), DOTALL)
                return any(looked.fullmatch(lower(one)) for one in self._texts(field))
            case tree.Exists(field):
                return field in self._fields and None not in self._fields[field]
            case tree.Compare(field, order, number):
                return any(compares(one, order, number) for one in self._texts(field))
            case tree.Network(field, network):
                return any(within(one, network) for one in self._texts(field))
            case tree.Key(kind, value):
                return fold_key(f"{kind}:{value}") in self._keys
            case tree.Zone(id):
                zones = {"Z4": ("zone:z4", "zone:z4a")}.get(id, (fold_key(f"zone:{id}"),))
                return not self._keys.isdisjoint(zones)
            case tree.Near(lat, lon, metres):
                return self._near(Location(lat, lon), metres)
            case tree.NearDevice(_, metres):
                return self._near(Location(59.91, 10.73), metres)
            case tree.Since(moment):
                return self._time >= moment.instant(NOW)
            case tree.Until(moment):
                return self._time < moment.instant(NOW)
        raise AssertionError(node)

    def _texts(self, field: str) -> list[str]:
        return [
            json.dumps(one) if isinstance(one, float) else text(one)
            for one in self._fields.get(field, ())
            if one is not None
        ]

    def _near(self, at: Location, metres: float) -> bool:
        lat, lon = self._fields.get("place.location.lat"), self._fields.get("place.location.lon")
        return bool(lat and lon) and distance(at, Location(lat[0], lon[0])) <= metres


def compares(value: str, order: str, number: float) -> bool:
    try:
        met = float(value)
    except ValueError:
        return False
    return {"lt": met < number, "lte": met <= number, "gt": met > number, "gte": met >= number}[order]


def within(value: str, network: str) -> bool:
    try:
        return ip_address(value) in ip_network(network)
    except ValueError:
        return False


TEXTS = [
    "device.id:D-214",
    "device.id:d-2?4",
    "device.id:10.0.0.7",
    "device.id:214",
    "device.id:100000.0",
    "device.id:1e5",
    "device.id:nobody",
    "device.id:unknown",
    "user.name:KARI",
    'user.name:"TWO_ZONES\\\\kari"',
    'user.name:"-"',
    "user.name:*ari",
    "source.ip:10.0.0.7",
    "source.ip:10.0.0.8",
    "source.ip:FE80::1",
    "source.ip:10.0.0.0/8",
    "source.ip:*",
    "badge.id:B-1",
    "dns.question.name:example.org",
    "dns.question.name:example.org.",
    "dns.question.name:i.org",
    'dns.question.name:"."',
    "entity:device:D-214",
    "entity:device:d-214",
    "entity:user:kari",
    "entity:address:10.0.0.7",
    "zone:Z4",
    "zone:Z5",
    "zone:Z9",
    "place.zone:Z4",
    "near:59.91,10.73,500m",
    "near:D-214,1.2km",
    "since:300s",
    "until:600s",
    "air.co2:*",
    "air.co2:>=900",
    "air.co2:[400 TO 1000}",
    "forced",
    '"by kari"',
    "istanbul",
    "event.action:(opened or login)",
    "message:*door*",
    "*",
]
LEAVES = st.sampled_from(TEXTS).map(parse)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(tree.Not, inner)
        | st.builds(tree.And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(tree.Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def stored() -> Iterator[tuple[Searcher, list[tuple[str, int, dict[str, Any]]]]]:
    store = EmbeddedStore.in_memory()
    whole = commit(store, make_events(1, 800), 3)  # more than a run of blocks
    yield Searcher(store, lambda: TWO_ZONES, lambda: NOW), whole
    store.close()


@given(query=QUERIES, limit=st.integers(1, 40))
@settings(max_examples=40)
def test_it_finds_what_the_slow_way_finds(stored: Any, query: tree.Node, limit: int) -> None:
    searcher, whole = stored
    slow = [(time, id) for id, time, event in whole if Slow(time, event).holds(query)]
    assert {one.id for portion in searcher.every(Question(query)) for one in portion} == {id for _, id in slow}
    times = [one.time for portion in searcher.newest(Question(query), limit) for one in portion]
    assert times == sorted((time for time, _ in slow), reverse=True)[:limit]


def test_each_leaf_alone_finds_what_the_slow_way_finds(stored: Any) -> None:
    searcher, whole = stored
    for query in map(parse, TEXTS):
        slow = {id for id, time, event in whole if Slow(time, event).holds(query)}
        assert {one.id for portion in searcher.every(Question(query)) for one in portion} == slow, write(query)


def test_a_span_narrows_what_a_query_finds(stored: Any) -> None:
    searcher, whole = stored
    span = Span(NOW - 500_000_000, NOW - 100_000_000)
    found = {one.id for portion in searcher.every(Question(parse("since:400s"), span)) for one in portion}
    assert found == {id for id, time, _ in whole if NOW - 400_000_000 <= time < NOW - 100_000_000}


def test_what_an_index_can_answer_opens_few_blocks() -> None:
    zones = setting_of(TWO_ZONES, NOW).zones
    sieve = sieve_of(
        parse("device.id:D-9 and (user.name:kari or badge.id:B-1) zone:Z4 not source.ip:1.1.1.1 since:1s"),
        Span(),
        zones,
        NOW,
    )
    assert [sorted(clause) for clause in sieve.clauses] == [
        ["device:d-9"],
        ["badge:b-1", "user:kari"],
        ["zone:z4", "zone:z4a"],
    ]
    assert sieve.span == Span(NOW - 1_000_000, None)
    for loose in (
        "device.id:D-*",
        "device.id:10.0.0.7",
        "device.id:1e5",
        "user.name:kari or forced",
        "not device.id:D-9",
    ):
        assert sieve_of(parse(loose), Span(), zones, NOW).clauses == ()


def test_the_index_folds_at_least_as_the_engine_does() -> None:
    for number in range(0x110000):
        character = chr(number)
        assert fold_key(character.lower()[0]) == fold_key(character)


def test_a_device_without_a_place_is_named(stored: Any) -> None:
    for query, what in (("near:CAM-1,5m", "gives no location"), ("near:D-9,5m", "there is no device")):
        with pytest.raises(ImpetusError, match=what):
            list(stored[0].every(Question(parse(query))))


def test_patterns_are_met_by_what_is_shown_too(stored: Any) -> None:
    searcher, _ = stored

    def shown(event: Any) -> bytes:
        return event.line.replace(b"Kari", b"#").replace(b"kari", b"#")

    for query in ("message:*kari*", '"by kari"', "kari", "message:*ari*", "not kari and message:*kari*"):
        assert not list(filter(None, searcher.every(Question(parse(query), shown=shown)))), query
    assert sum(map(len, searcher.every(Question(parse("user.name:kari"), shown=shown)))) > 0
    assert sum(map(len, searcher.every(Question(parse("message:*again"), shown=shown)))) > 0

"""Queries over a real socket: what they find, what they count, and that they tell nothing that an answer hides."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from correlator.city import CityModel
from correlator.search import Searcher
from impetus.api.client import Client
from impetus.domain.batch import Commit, Head
from impetus.domain.city import City, Zone
from impetus.domain.errors import ImpetusError
from impetus.domain.personal import Masker
from impetus.domain.ports import StoredEvent
from integrations.embedded.store import EmbeddedStore
from integrations.grpc.keys import MaskedKeys
from integrations.grpc.masking import Masking
from integrations.grpc.query import shown_by
from integrations.grpc.server import Server
from tests.api.doubles import Bell, Fit, ListStore, SimpleDesk, line

MASKER = Masker(b"a key for tests only")
KARI = MASKER.pseudonym("user", "kari")
CITY = CityModel(City(city="Oslo", zones=(Zone("Z4"), Zone("Z4a", within="Z4"), Zone("Z5"))))
MINUTE = 60_000_000


def event(number: int, **fields: object) -> tuple[bytes, Head]:
    entities = {"user__name": "user", "device__id": "device", "vehicle__plate": "plate", "place__zone": "zone"}
    keys = tuple(f"{kind}:{fields[name]}" for name, kind in entities.items() if name in fields)
    return line(event__id=f"E-{number}", **fields), Head(f"E-{number}", number * MINUTE, keys)


EVENTS = [
    event(1, user__name="kari", device__id="D-1", place__zone="Z4", message="door of kari forced"),
    event(2, user__name="ola", device__id="D-2", place__zone="Z4a", air__co2=900, vehicle__plate="EK 12345"),
    event(3, user__name="kari", device__id="D-2", place__zone="Z5", host__name="kari-pc", air__co2=400),
    event(4, device__id="D-1", place__zone="Z5", message="door of nobody forced"),
]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    store, bell = EmbeddedStore.in_memory(), Bell()
    for part in (EVENTS[:2], EVENTS[2:]):
        store.commit(Commit(lines=tuple(line for line, _ in part), heads=tuple(head for _, head in part)))
    desk, search = SimpleDesk(ListStore(), bell), Searcher(store, lambda: CITY, lambda: 5 * MINUTE)
    server = Server(store, desk, bell, Fit(), MASKER, f"unix:{tmp_path}/api.sock", search=search)
    await server.start()
    async with Client(server.address) as client:
        yield client
    await server.stop(0)
    store.close()


async def ids(client: Client, query: str, **more: object) -> list[str]:
    return [event.id async for event in client.search_events(query=query, **more)]


async def test_a_query_finds_events_newest_first(client: Client) -> None:
    assert await ids(client, "forced") == ["E-4", "E-1"]
    assert await ids(client, "*", limit=3) == ["E-4", "E-3", "E-2"]
    assert await ids(client, "zone:Z4") == ["E-2", "E-1"]
    assert await ids(client, "not zone:Z4 device.id:d-1") == ["E-4"]
    assert await ids(client, "air.co2:>400 or message:*nobody*") == ["E-4", "E-2"]
    assert await ids(client, "since:150s") == ["E-4", "E-3"]
    assert await ids(client, "forced", entities=["device:D-1"], end=4 * MINUTE) == ["E-1"]


async def test_a_plate_is_found_by_value_and_by_mask_and_shown_masked(client: Client) -> None:
    plate = MASKER.pseudonym("plate", "EK 12345")
    for query in ('vehicle.plate:"ek 12345"', f"vehicle.plate:{plate}", f"entity:plate:{plate}"):
        assert await ids(client, query) == ["E-2"], query
    (found,) = [event.json async for event in client.search_events(query=f"entity:plate:{plate}")]
    assert "12345" not in found
    assert plate in found


async def test_a_person_is_found_by_value_and_by_mask_and_shown_masked(client: Client) -> None:
    assert await ids(client, "user.name:KARI") == ["E-3", "E-1"]
    assert await ids(client, f"user.name:{KARI}") == ["E-3", "E-1"]
    assert await ids(client, f"entity:user:{KARI}") == ["E-3", "E-1"]
    found = [event.json async for event in client.search_events(query="user.name:kari")]
    assert all("kari" not in json for json in found)
    assert KARI in found[0]


@pytest.mark.parametrize(
    "query", ["kari", "kar?", "*ari*", "message:*kari*", "host.name:k*", "host.name:*ari-pc", f'"{KARI[-4:]}"']
)
async def test_what_an_answer_hides_is_not_found_by_its_letters(client: Client, query: str) -> None:
    assert await ids(client, query) == []
    assert (await client.count_events(query)).events == 0
    assert (await client.count_events(f"not ({query})")).events == len(EVENTS)


@pytest.mark.parametrize("query", ["user.name:k*", "user.name:>=5", "user.name:10.0.0.0/8", "vehicle.plate:EL?", "or"])
async def test_a_query_that_would_spell_a_person_out_is_refused(client: Client, query: str) -> None:
    with pytest.raises(ImpetusError) as caught:
        await ids(client, query)
    assert caught.value.code == "query.invalid"


async def test_events_are_counted_over_time_and_by_values(client: Client) -> None:
    counted = await client.count_events("device.id:*", histogram=2 * MINUTE, facets=["user.name", "device.id"], top=1)
    assert (counted.events, counted.complete, counted.histogram_us) == (4, True, 2 * MINUTE)
    assert [(one.from_us, one.events) for one in counted.histogram] == [(0, 1), (2 * MINUTE, 2), (4 * MINUTE, 1)]
    user, device = counted.facets
    assert (user.events, [(one.value, one.events) for one in user.values]) == (3, [(KARI, 2)])
    assert [(one.value, one.events) for one in device.values] == [("D-1", 2)]
    chosen = await client.count_events("", histogram=0, start=2 * MINUTE)
    assert sum(one.events for one in chosen.histogram) == chosen.events == 3


async def test_a_count_that_makes_no_sense_is_refused(client: Client) -> None:
    for asked in ({"facets": ["x"] * 9}, {"top": 101}, {"facets": [""]}):
        with pytest.raises(ImpetusError) as caught:
            await client.count_events("", **asked)
        assert caught.value.code == "query.invalid"
    with pytest.raises(ImpetusError, match="by id or by a query"):
        await ids(client, "forced", event_ids=["E-1"])


async def test_the_json_of_a_found_event_is_whole(client: Client) -> None:
    (found,) = [event async for event in client.search_events(query="device.id:D-1 zone:Z5")]
    assert json.loads(found.json)["message"] == "door of nobody forced"


def test_a_long_run_of_letters_is_shown_as_fast_as_any_other_text() -> None:
    """With time that grows with its square this would not come to its end."""
    letters = b"a" * (1 << 20)
    shown = shown_by(Masking(Masker(b"a key for tests only"), MaskedKeys()))
    event = b'{"user.name":"kari","message":"kari %b"}' % letters
    assert shown(StoredEvent("e", 0, event, b"")) == b'{"user.name":"#","message":"# %b"}' % letters

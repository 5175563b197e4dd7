"""What is added to an event before it is matched: its place, indicators; and what is read of it afterwards."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import CITY

from correlator.city import CityModel
from correlator.enrich import Enricher, join, splice
from correlator.intelligence import Indicator, Intelligence, fold, indicator_of
from correlator.observation import entities_of, observe, place_of
from impetus.domain.entity import Entity
from impetus.domain.event import Json, flatten
from impetus.domain.place import Location, Place

MODEL = CityModel.parse(CITY.encode(), "city.yml")
CAMERA = {"place.location": {"lat": 59.9066, "lon": 10.7366}, "place.radius": 15.0}


def added(event: dict[str, Json], *indicators: Indicator, at: int = 100) -> dict[str, Json]:
    table = Intelligence()
    for indicator in indicators:
        table.add(indicator)
    return Enricher(MODEL, None, table).additions(event, at)


# --- place


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"device.id": "CAM-1"}, {"place.zone": "Z1", **CAMERA}),
        ({"device": {"id": "10.0.0.1"}}, {"place.zone": "Z1", **CAMERA}),
        ({"device.id": "CAM-1", "place.zone": "Z1"}, CAMERA),
        ({"device.id": "CAM-1", "place": {"zone": "Z2"}}, {}),
        ({"device.id": "CAM-1", "place": {"location": {"lat": 1, "lon": 2}}}, {"place.zone": "Z1"}),
        ({"device.id": "CAM-1", "place.zone": "Z1", "place.location.lat": 1, "place.location.lon": 2}, {}),
        ({"device.id": "VMS-1"}, {"place.zone": "Z2"}),
        ({"device.id": "HUB-1"}, {}),
        ({"device.id": "unknown"}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_a_missing_place_comes_from_the_device_and_never_against_a_zone_of_its_own(
    event: dict[str, Json], expected: dict[str, Json]
) -> None:
    assert added(event) == expected


NAMES = st.text(alphabet="ab.", min_size=1, max_size=3)
OBJECTS = st.dictionaries(
    NAMES, st.integers() | st.text(max_size=3) | st.dictionaries(NAMES, st.integers(), max_size=2), max_size=3
)


@given(OBJECTS, OBJECTS, st.sampled_from(["", " ", "  "]))
def test_additions_stand_behind_the_fields_of_the_event(
    event: dict[str, Any], more: dict[str, Any], space: str
) -> None:
    extra = {f"+{name}": value for name, value in more.items()}
    line = space + json.dumps(event)[:-1] + space + "}" + space
    assert json.loads(splice(line.encode(), extra)) == event | extra
    assert splice(line.encode(), {}) == join(line.encode(), b"{}") == line.encode()


# --- indicators

ADDRESS = Indicator("address", "203.0.113.77", "ipv4-addr", 100, None, "i1")


def met(event: dict[str, Json], *indicators: Indicator, at: int = 100) -> list[Any]:
    return list(added(event, *indicators, at=at).get("threat.enrichments", []))  # type: ignore[arg-type]


@pytest.mark.parametrize(("at", "counts"), [(99, False), (100, True), (10**15, True)])
def test_an_indicator_counts_from_its_own_time_on(at: int, counts: bool) -> None:
    assert bool(met({"source.ip": "203.0.113.77"}, ADDRESS, at=at)) is counts


@pytest.mark.parametrize(("at", "counts"), [(199, True), (200, False)])
def test_an_indicator_counts_until_it_ends(at: int, counts: bool) -> None:
    ends = Indicator("address", "203.0.113.77", "ipv4-addr", 100, 200, "i1")
    assert bool(met({"source.ip": "203.0.113.77"}, ends, at=at)) is counts


def test_another_event_that_brings_the_same_indicator_counts_too() -> None:
    ended = Indicator("address", "203.0.113.77", "ipv4-addr", 0, 50, "i0")
    (found,) = met({"source": {"ip": "203.0.113.77"}}, ended, ADDRESS)
    assert found == {
        "indicator": {"type": "ipv4-addr", "name": "203.0.113.77"},
        "matched": {"field": "source.ip", "atomic": "203.0.113.77", "id": "i1"},
    }


@pytest.mark.parametrize(
    ("type_", "name", "event"),
    [
        ("ipv4-addr", "203.0.113.77", {"destination": {"ip": ["10.0.0.1", "203.0.113.77"]}}),
        ("ipv6-addr", "2001:DB8::1", {"source.ip": "2001:db8::1"}),
        ("domain-name", "Evil.Example", {"dns.question.name": "evil.example."}),
        ("file", "ABCDEF", {"file": {"hash": {"sha256": "abcdef"}}}),
        ("user-account", "VMS-svc", {"user.target.name": "vms-SVC"}),
        ("email-addr", "a@b.example", {"email": {"from": {"address": "A@B.example"}}}),
    ],
)
def test_values_are_looked_up_without_regard_to_case(type_: str, name: str, event: dict[str, Json]) -> None:
    indicator = indicator_of(
        {"logsource": {"product": "cti", "category": "indicator"}, "threat": {"indicator": {"type": type_, "name": name}}},  # noqa: E501
        "i", 0,
    )  # fmt: skip
    assert indicator is not None
    assert len(met(event, indicator)) == 1


@pytest.mark.parametrize(
    "event",
    [
        {"logsource.product": "osint", "logsource.category": "indicator", "threat.indicator.type": "file", "threat.indicator.name": "x"},  # noqa: E501
        {"logsource.product": "cti", "logsource.category": "indicator", "threat.indicator.type": "mutex", "threat.indicator.name": "x"},  # noqa: E501
        {"logsource.product": "cti", "logsource.category": "indicator", "threat.indicator.type": "file"},
        {"logsource.product": "cti", "logsource.category": "indicator", "threat.indicator.name": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_looked_up_is_no_indicator(event: dict[str, Json]) -> None:
    assert indicator_of(event, "i", 0) is None


def test_values_fold() -> None:
    assert (fold("EXAMPLE.org."), fold(12), fold("ẞ")) == ("example.org", "12", "ss")


# --- observation


def entities(event: dict[str, Json]) -> set[Entity]:
    return set(entities_of(event, MODEL))


def test_entities_that_identify_and_those_that_link() -> None:
    event: dict[str, Json] = {
        "user": {"name": "Kari", "target": {"name": "Ola"}}, "badge.id": "B-1", "device.id": "CAM-1",
        "source": {"ip": "10.0.0.1", "sample": ["198.51.100.9"]}, "destination.ip": ["192.0.2.1", None, ""],
        "threat.enrichments": [{"indicator": {"name": "evil.example"}}], "host.name": "pc",
    }  # fmt: skip
    assert entities(event) == {
        Entity("user", "kari"), Entity("user", "ola"), Entity("badge", "B-1"), Entity("device", "CAM-1"),
        Entity("address", "192.0.2.1"), Entity("address", "198.51.100.9", weak=True), Entity("indicator", "evil.example"),  # noqa: E501
    }  # fmt: skip


def test_an_address_of_the_model_is_its_device_and_a_shared_device_only_links() -> None:
    assert entities({"source.ip": "10.0.0.1"}) == entities({"device.id": "CAM-1"}) == {Entity("device", "CAM-1")}
    assert entities({"device.id": "HUB-1"}) == {Entity("device", "HUB-1", weak=True)}


@pytest.mark.parametrize(
    ("event", "place"),
    [
        ({"place": {"zone": "Z1", "location": {"lat": 1, "lon": 2.5}, "radius": 7}}, Place("Z1", Location(1, 2.5), 7)),
        ({"place.location.lat": 1, "place.location.lon": 2}, Place(None, Location(1, 2), 0)),
        ({"place": {"location": {"lat": 91, "lon": 2}, "radius": -3}}, Place()),
        ({"place": {"location": {"lat": "1", "lon": 2}}}, Place()),
        ({"place": {"location": {"lat": 1}}}, Place()),
        ({"place": {"location": {"lat": 10**400, "lon": 1}, "radius": 10**400}}, Place()),
    ],
)
def test_a_place_that_is_none_counts_as_absent(event: dict[str, Json], place: Place) -> None:
    assert place_of(event) == place


def test_an_observation_keeps_what_incidents_need() -> None:
    seen = observe(
        {"city.domain": "osint", "exercise": True, "post": {"target": {"time": "1970-01-01T00:00:01Z"}}, "device.id": "10.0.0.1"},  # noqa: E501
        "e", 5, MODEL,
    )  # fmt: skip
    assert (seen.domain, seen.exercise, seen.target_time, seen.device) == ("osint", True, 1_000_000, "CAM-1")
    assert observe({"post.target.time": "soon"}, "e", 5, MODEL).target_time is None


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda value: (
        st.lists(value, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "lat", "lon", "time", "ip"]), value)
    ),
)
TOPS = st.sampled_from(
    ["device", "place", "place.location", "user", "source", "post.target", "threat.enrichments", "vehicle", "x"]
)


@given(st.dictionaries(TOPS, VALUES))
def test_nothing_in_an_event_stops_enrichment_or_observation(event: dict[str, Json]) -> None:
    full = {**event, **added(event, ADDRESS)}
    assert observe(full, "e", 5, MODEL).id == "e"
    assert isinstance(flatten(full), dict)

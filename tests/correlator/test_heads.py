"""What events are found by: the keys that are remembered are those that follow from the event."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from correlator.arrival import SAID, Arrival, ArrivalReader, read_arrival
from correlator.city import CityModel
from correlator.enrich import Enricher
from correlator.heads import HeadMaker
from correlator.intelligence import LOOKUPS, Intelligence, lookups, search_key
from correlator.observation import entities_of
from impetus.domain.entity import IDENTIFYING, SEARCHED, WEAK
from impetus.domain.event import Json

OSLO = Path(__file__).parents[2] / "examples" / "demo" / "oslo-17-may" / "city.yml"
CITY = CityModel.read(OSLO)
NAMES = [name for device in CITY.devices.values() for name in (device.id, *device.addresses)]
FIELDS = [*IDENTIFYING, *WEAK, *LOOKUPS, "threat.enrichments.indicator.name", "place.zone"]
VALUE = st.sampled_from([*NAMES[:6], "", "-", "root", "Ada", "EVIL.example."]) | st.integers(0, 3) | st.booleans()
EVENT = st.dictionaries(st.sampled_from(FIELDS), VALUE | st.lists(VALUE, max_size=3), max_size=8)
MAKER = HeadMaker(CITY)


@given(EVENT, st.sampled_from([{}, {"place.zone": "Z4"}, {"threat.enrichments": [{"indicator": {"name": "evil"}}]}]))
def test_an_event_is_found_by_entities_looked_up_values_and_zone(
    fields: dict[str, Json], added: dict[str, Json]
) -> None:
    line = {"@timestamp": "2027-05-17T10:00:00Z", "event.id": "e", **fields}
    arrival = read_arrival(json.dumps(line).encode(), "s")
    wanted = {entity.key for event in (arrival.event, added) for entity in entities_of(event, CITY)}
    wanted |= {search_key(kind, value) for _, kind, value in lookups(arrival.event)}
    found = MAKER.head(arrival, added)
    assert (found.id, found.time) == ("e", arrival.time)
    assert {key for key in found.keys if not key.startswith("zone:")} == wanted
    assert len(set(found.keys)) == len(found.keys)


def test_a_plate_is_a_key_and_joins_nothing() -> None:
    arrival = read_arrival(b'{"@timestamp":"2027-05-17T10:00:00Z","event.id":"e","vehicle":{"plate":"EK 12345"}}', "s")
    assert MAKER.head(arrival, {}).keys == ("plate:EK 12345",)
    assert not list(entities_of(arrival.event, CITY))
    assert not SEARCHED.keys() & {*IDENTIFYING, *WEAK}


def test_the_zone_of_an_event_counts_before_that_which_was_added() -> None:
    line = b'{"@timestamp":"2027-05-17T10:00:00Z","event.id":"e"%b}'
    for own, added, wanted in (
        (b',"place":{"zone":"Z1"}', {"place.zone": "Z4"}, ("zone:Z1",)),
        (b"", {"place.zone": "Z4"}, ("zone:Z4",)),
        (b"", {}, ()),
    ):
        assert MAKER.head(read_arrival(line % own, "s"), added).keys == wanted


COMMON = st.dictionaries(
    st.sampled_from([*FIELDS, "logsource.product", "logsource.category", "logsource.service", "city.domain"]),
    st.sampled_from(["Ada", "10.0.0.7", "EVIL.example.", "-", "root", *NAMES[:2]])
    | st.lists(st.sampled_from(["a", "b"]), max_size=2)
    | st.integers(0, 1),
    max_size=6,
)


@given(COMMON)
def test_an_event_in_brief_says_what_its_fields_say(fields: dict[str, Json]) -> None:
    line = json.dumps({"@timestamp": "2027-05-17T10:00:00Z", "event.id": "e", **fields}).encode()
    (whole,) = ArrivalReader().read([line], "s")
    (told,) = ArrivalReader(find_keys=MAKER.find).read([line], "s")
    assert isinstance(whole, Arrival) and isinstance(told, Arrival)
    assert (told.id, told.source, told.time, told.created) == (whole.id, whole.source, whole.time, whole.created)
    if told.brief is not None:
        said = [whole.event.scalars(field) for field in SAID]
        assert [list(one) if isinstance(one, tuple) else [] if one is None else [one] for one in told.brief[0]] == said
        assert MAKER.head(told, {}) == MAKER.head(whole, {})
        assert Enricher(CITY, None, Intelligence()).additions(whole.event, whole.time) == {}
        assert set(told.brief[1]) >= {search_key(kind, value) for _, kind, value in lookups(whole.event)}
    assert told.event == whole.event


def test_a_common_event_is_told_in_brief() -> None:
    event = {
        "@timestamp": "2027-05-17T10:00:00Z",
        "event.id": "e",
        "logsource.category": ["a", "b"],
        "user.name": "Ada",
    }
    (told,) = ArrivalReader(find_keys=MAKER.find).read([json.dumps(event).encode()], "s")
    assert isinstance(told, Arrival) and told.brief == ((None, ("a", "b"), None), ("user:ada",))
    (seen,) = ArrivalReader(looked_at=["user.name"], find_keys=MAKER.find).read([json.dumps(event).encode()], "s")
    assert isinstance(seen, Arrival) and seen.brief is None

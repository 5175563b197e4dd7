"""What events are found by: the keys that are remembered are those that follow from the event."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from correlator.arrival import read_arrival
from correlator.city import CityModel
from correlator.heads import HeadMaker
from correlator.intelligence import LOOKUPS, lookups, search_key
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

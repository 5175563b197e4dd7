"""The place of an event where the model has geometry: its own location counts, then its device."""

import pytest

from correlator.city import CityModel
from correlator.enrich import Enricher
from correlator.intelligence import Intelligence
from impetus.domain.event import Json

CITY = """
city: Oslo
zones:
- {id: Z1, location: {lat: 59.9066, lon: 10.7366}, radius: 200}
- {id: Z2, location: {lat: 59.9151, lon: 10.7354}, radius: 200}
- {id: Z3}
devices:
- {id: PATROL, kind: radio, zone: Z1}
- {id: CAM, kind: camera, location: {lat: 59.9151, lon: 10.7354}, radius: 5}
- {id: DOOR, kind: door, zone: Z3}
"""
IN_Z2: dict[str, Json] = {"lat": 59.9150, "lon": 10.7355}
CAMERA: dict[str, Json] = {"place.location": {"lat": 59.9151, "lon": 10.7354}, "place.radius": 5.0}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"place.location": IN_Z2}, {"place.zone": "Z2"}),
        ({"place": {"location": IN_Z2}, "device.id": "PATROL"}, {"place.zone": "Z2"}),
        ({"place": {"location": IN_Z2, "zone": "Z1"}}, {}),
        ({"place": {"location": {"lat": 1, "lon": 1}}, "device.id": "PATROL"}, {}),
        ({"place": {"location": {"lat": 1, "lon": 1}}, "device.id": "DOOR"}, {"place.zone": "Z3"}),
        ({"place": {"location": {"lat": "1", "lon": None}}, "device.id": "PATROL"}, {}),
        ({"device.id": "PATROL"}, {"place.zone": "Z1"}),
        ({"device.id": "CAM"}, {"place.zone": "Z2", **CAMERA}),
        ({"device.id": "CAM", "place.zone": "Z1"}, {}),
    ],
)  # fmt: skip
def test_the_own_location_of_an_event_says_its_zone_before_its_device_does(
    event: dict[str, Json], expected: dict[str, Json]
) -> None:
    model = CityModel.parse(CITY.encode(), "city.yml")
    assert Enricher(model, None, Intelligence()).additions(event, 0) == expected

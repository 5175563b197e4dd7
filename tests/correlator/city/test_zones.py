"""Locations to zones: by polygon or circle, at any place on the earth, and which of several zones wins."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.city import CityModel
from correlator.city.region import Region, region_of
from correlator.city.zones import ZoneMap
from impetus.domain.city import Zone
from impetus.domain.place import EARTH_RADIUS, Location, distance


def square(west: float, south: float, east: float, north: float) -> dict[str, object]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def places(*zones: Zone) -> ZoneMap:
    regions = {zone.id: region for zone in zones if (region := region_of(zone)) is not None}
    return ZoneMap({zone.id: zone for zone in zones}, regions)


def region(zone: Zone) -> Region:
    found = region_of(zone)
    assert found is not None
    return found


def test_a_polygon_holds_its_border_and_nothing_beyond_and_its_hole_is_not_in_it() -> None:
    hole = [[10.733, 59.913], [10.734, 59.913], [10.734, 59.914], [10.733, 59.914], [10.733, 59.913]]
    shape = square(10.73, 59.91, 10.74, 59.92)
    shape["coordinates"] = [*shape["coordinates"], hole]  # type: ignore[misc]
    found = places(Zone("Z", geometry=shape))
    assert found.zone_at(59.915, 10.735) == found.zone_at(59.91, 10.73) == "Z"
    assert found.zone_at(59.9135, 10.7335) is None
    assert found.zone_at(59.9099, 10.735) is None


@pytest.mark.parametrize(
    "centre",
    [Location(59.9151, 10.7354), Location(0, 0), Location(-17.8, 180), Location(0, -180), Location(71, -179.9999)],
)
def test_a_circle_is_one_of_metres_everywhere(centre: Location) -> None:
    found = places(Zone("Z", location=centre, radius=500))
    draw = random.Random(1)
    for _ in range(500):
        lat = centre.lat + draw.uniform(-0.01, 0.01)
        lon = (centre.lon + draw.uniform(-0.03, 0.03) + 180) % 360 - 180
        inside = distance(centre, Location(lat, lon)) <= 500
        assert found.zone_at(lat, lon) == ("Z" if inside else None)


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[179.9, -18], [-179.9, -18], [-179.9, -17], [179.9, -17], [179.9, -18]]]},
        {"type": "Polygon", "coordinates": [[[-179.9, -18], [-179.9, -17], [179.9, -17], [179.9, -18], [-179.9, -18]]]},
        {"type": "MultiPolygon", "coordinates": [square(179.9, -18, 180, -17)["coordinates"], square(-180, -18, -179.9, -17)["coordinates"]]},  # noqa: E501
    ],
)  # fmt: skip
def test_a_polygon_across_the_date_line_is_small_whether_cut_there_or_not(geometry: dict[str, object]) -> None:
    found = places(Zone("Taveuni", geometry=geometry))
    for lon in (179.95, 180, -180, -179.95):
        assert found.zone_at(-17.5, lon) == "Taveuni"
    for lon in (0, 179.8, -179.8):
        assert found.zone_at(-17.5, lon) is None
    assert found.regions["Taveuni"].area == pytest.approx(21_200 * 111_195, rel=0.01)


def test_a_hole_across_the_date_line_is_cut_out_of_the_right_side() -> None:
    ring = [[-179.98, -17.6], [179.98, -17.6], [179.98, -17.4], [-179.98, -17.4], [-179.98, -17.6]]
    shell = [[179.9, -18], [-179.9, -18], [-179.9, -17], [179.9, -17], [179.9, -18]]
    for outer in (shell, shell[1:] + shell[1:2]):
        found = places(Zone("Z", geometry={"type": "Polygon", "coordinates": [outer, ring]}))
        assert found.zone_at(-17.5, 180) is None
        assert found.zone_at(-17.5, -179.95) == found.zone_at(-17.5, 179.95) == "Z"


def test_the_deepest_zone_wins_then_the_smallest() -> None:
    large, small = square(10, 59, 11, 60), square(10.4, 59.4, 10.6, 59.6)
    assert places(Zone("A", geometry=small), Zone("B", geometry=large)).zone_at(59.5, 10.5) == "A"
    assert places(Zone("A", geometry=small), Zone("B", geometry=large, within="A")).zone_at(59.5, 10.5) == "B"
    over_names = Zone("A", geometry=small), Zone("B", within="A"), Zone("C", geometry=large, within="B")
    assert places(*over_names).zone_at(59.5, 10.5) == "C"


def test_an_area_is_that_on_the_earth() -> None:
    octant = region(Zone("Z", geometry=square(0, 0, 90, 90)))
    assert octant.area == pytest.approx(4 * 3.14159265 * EARTH_RADIUS**2 / 8, rel=1e-3)
    circle = region(Zone("Z", location=Location(59.9, 10.7), radius=100))
    assert circle.area == pytest.approx(31_416, rel=1e-3)


@given(st.floats(-80, 80), st.floats(-180, 180), st.floats(10, 2000), st.floats(0, 360), st.floats(0, 3000))
def test_the_gap_to_a_circle_and_to_a_polygon_are_metres(
    lat: float, lon: float, radius: float, north: float, away: float
) -> None:
    centre = Location(lat, lon)
    at = Location(min(90, lat + away / 111_195), lon)
    circle = region(Zone("Z", location=centre, radius=radius))
    assert circle.gap_to(at) == pytest.approx(max(0.0, distance(centre, at) - radius), abs=0.01)
    half = 0.01
    west, east = ((lon + side + 180) % 360 - 180 for side in (-half, half))
    box = region(Zone("Z", geometry=square(west, lat - half, east, lat + half)))
    assert box.gap_to(at) == pytest.approx(max(0.0, distance(centre, at) - half * 111_195), rel=0.01, abs=1)


@given(st.floats(allow_nan=True) | st.integers(-400, 400), st.floats(allow_nan=True) | st.integers(-400, 400))
def test_what_is_no_location_is_in_no_zone(lat: float, lon: float) -> None:
    found = places(Zone("Z", geometry=square(-180, -90, 180, 90)))
    assert found.zone_at(lat, lon) == ("Z" if -90 <= lat <= 90 and -180 <= lon <= 180 else None)


def test_one_location_after_another_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("correlator.city.zones.REMEMBERED", 10)
    found = places(Zone("Z", location=Location(0, 0), radius=1e5))
    assert {found.zone_at(number / 1e6, 0) for number in range(100)} == {"Z"}
    assert len(found._known) <= 10


def test_a_model_keeps_its_geometry_in_a_file_beside_it_and_enters_the_log_whole(tmp_path) -> None:  # type: ignore[no-untyped-def]
    feature = {"type": "Feature", "id": "Z1", "properties": {}, "geometry": square(10, 59, 11, 60)}
    (tmp_path / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    file = tmp_path / "city.yml"
    file.write_text(
        "city: Øslo\ngeometry: zones.geojson\nzones: [{id: Z1}]\ndevices: [{id: D, kind: door, zone: Z1}]\n"
    )
    model = CityModel.read(file)
    assert model.map.zone_at(59.5, 10.5) == "Z1"
    again = CityModel.parse(model.document, "the log")
    assert again.city == model.city
    assert again.map.zone_at(59.5, 10.5) == "Z1"
    file.write_text("city: Oslo\nzones: [{id: Z1}]\n")
    assert CityModel.read(file).document == file.read_bytes()

"""Zones and devices from GeoJSON: what is made, what is left out, and that a check takes it."""

import json
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.city import CityModel
from correlator.city.checking import check_city
from correlator.city.geojson import parse_features
from correlator.city.importing import import_features
from correlator.city.reading import read_city
from correlator.city.writing import add_to_model, write_model
from impetus.domain.city import Heartbeat
from impetus.domain.errors import ImpetusError

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "iot" / "smart-data-models"


def feature(id: str, geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"id": id, **properties}, "geometry": geometry}


def box(west: float, south: float, size: float = 0.01) -> dict[str, Any]:
    east, north = west + size, south + size
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


def point(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat, 12.0]}


def imported(*features: dict[str, Any], into: str | None = None) -> tuple[str, list[str]]:
    text = json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()
    found, problems = parse_features(text, "x.geojson")
    model = CityModel.parse(into.encode(), "city.yml").city if into is not None else None
    made = import_features(found, into=model)
    yaml = add_to_model(into.encode(), "city.yml", made) if into is not None else write_model("X", made)
    return yaml, [str(problem) for problem in [*problems, *made.problems, *made.unmet]]


def test_zones_have_their_neighbours_their_tree_and_their_devices() -> None:
    text, problems = imported(
        feature("centre", box(10.70, 59.90, 0.1), name="Centre: the old one"),
        feature("A", box(10.71, 59.91)),
        feature("B", box(10.72, 59.91)),
        feature("C", box(10.74, 59.91)),
        feature("CAM", point(10.715, 59.915), kind="camera", watches=["B"], depends_on=["VMS"]),
        feature("VMS", point(10.725, 59.915), kind="vms", addresses=["10.0.0.1"], radius=5),
    )
    assert problems == []
    model = CityModel.parse(text.encode(), "x.yml")
    assert {zone.id: (zone.within, zone.adjacent) for zone in model.city.zones} == {
        "centre": (None, ()), "A": ("centre", ("B",)), "B": ("centre", ("A",)), "C": ("centre", ()),
    }  # fmt: skip
    assert model.zones["centre"].name == "Centre: the old one"
    camera = model.devices["CAM"]
    assert (camera.zone, camera.watches, camera.depends_on) == ("A", ("B",), ("VMS",))
    assert model.devices["VMS"].addresses == ("10.0.0.1",)
    assert not [finding for finding in check_city(text.encode(), "x.yml") if finding.severity == "error"]


def test_a_device_brings_everything_that_a_model_says_of_one() -> None:
    text, problems = imported(
        feature("Q", box(10, 59)),
        feature("D", point(10.005, 59.005), kind="camera", shared=True, criticality="high", watches=[], zone=None,
                heartbeat={"every": "30s", "silent_after": "90s"}),
        feature("E", point(10.005, 59.005), kind="camera", shared=None, heartbeat=None, watches=None, radius=None),
    )  # fmt: skip
    assert problems == []
    devices = CityModel.parse(text.encode(), "x.yml").devices
    assert devices["D"].heartbeat == Heartbeat("30s", "90s")
    assert (devices["D"].shared, devices["D"].criticality, devices["D"].zone) == (True, "high", "Q")
    warnings = [str(finding) for finding in check_city(text.encode(), "x.yml") if "watches" in str(finding)]
    assert len(warnings) == 1
    assert "camera E watches nothing" in warnings[0]


def test_names_of_what_is_not_there_stay_and_are_said_here_and_by_the_check() -> None:
    camera = feature("CAM", point(10.005, 59.005), kind="camera", zone="ZQ", watches=["ZZ", "Q"], depends_on=["VMS"])
    text, problems = imported(feature("Q", box(10, 59)), camera)
    (device,) = read_city(text.encode(), "x.yml").city.devices
    assert (device.zone, device.watches, device.depends_on) == ("ZQ", ("ZZ", "Q"), ("VMS",))
    assert all(problem.startswith("x.geojson (features[1]): ") for problem in problems)
    errors = [str(finding) for finding in check_city(text.encode(), "x.yml") if finding.severity == "error"]
    for said in (problems, errors):
        assert len(said) == 3
        assert all(any(f"names {name!r}, which is not there" in one for one in said) for name in ("ZQ", "ZZ", "VMS"))


def test_names_of_the_model_are_there_and_its_own_devices_are_not_spoken_of() -> None:
    camera = feature("CAM", point(1.005, 1.005), kind="camera", zone="A", depends_on=["D"])
    own = feature("D", point(1.005, 1.005), kind="door", zone="nowhere")
    text, problems = imported(camera, own, into=INTO)
    assert problems == []
    assert CityModel.parse(text.encode(), "city.yml").devices["CAM"].depends_on == ("D",)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"heartbeat": "30s"}, "only its heartbeat: "),
        ({"heartbeat": {"every": "soon", "silent_after": "90s"}}, "only its heartbeat: "),
        ({"heartbeat": {"every": "30s"}}, "only its heartbeat: "),
        ({"shared": "maybe"}, "only its shared: "),
        ({"criticality": "huge"}, "only its criticality: "),
        ({"watches": "A"}, "only its watches: it is no list of texts"),
        ({"depends_on": [[]]}, "only its depends_on: it is no list of texts"),
        ({"zone": 1.5}, "only its zone: it is no text"),
        ({"radius": -1}, "only its radius: "),
    ],
)
def test_what_cannot_be_taken_over_of_a_device_is_named_and_the_rest_of_it_stays(
    said: dict[str, Any], says: str
) -> None:
    text, problems = imported(feature("A", box(10, 59)), feature("D", point(10.005, 59.005), kind="door", **said))
    (problem,) = problems
    assert f"x.geojson (features[1]): {says}" in problem
    assert CityModel.parse(text.encode(), "x.yml").devices["D"].zone == "A"


def test_two_devices_of_one_zone_are_called_by_their_names() -> None:
    devices = [
        {"type": "Feature", "properties": {"name": name, "zone": "A", "kind": "door"}, "geometry": point(1, 1)}
        for name in ("north", "south")
    ]
    text, problems = imported(feature("A", box(0.99, 0.99, 0.1)), *devices)
    assert problems == []
    assert list(CityModel.parse(text.encode(), "x.yml").devices) == ["north", "south"]


def test_a_byte_order_mark_is_skipped() -> None:
    text = json.dumps({"type": "FeatureCollection", "features": [feature("A", box(0, 0))]}).encode()
    assert parse_features(BOM_UTF8 + text, "x.geojson")[0] == parse_features(text, "x.geojson")[0]


def test_neighbours_across_the_date_line_and_at_the_equator_are_found() -> None:
    text, _ = imported(feature("W", box(179.99, 0)), feature("E", box(-180, 0)), feature("N", box(-179.99, 0.01)))
    model = CityModel.parse(text.encode(), "x.yml")
    assert {zone.id: zone.adjacent for zone in model.city.zones} == {"W": ("E",), "E": ("N", "W"), "N": ("E",)}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (feature("x", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}), "Self-intersection"),  # noqa: E501
        (feature("x", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0]]]}), "its last is its first"),
        (feature("x", {"type": "Polygon", "coordinates": [[[0, 0], [0, 99], [1, 0], [0, 0]]]}), "in degrees"),
        (feature("x", {"type": "Polygon", "coordinates": []}), "not empty"),
        (feature("x", {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}), "LineString"),
        (feature("x", point(1, 1)), "no kind"),
        (feature("x", {"type": "Point", "coordinates": [1, "1"]}, kind="door"), "in degrees"),
        (feature("A", box(0, 0)), "twice"),
        ({"type": "Feature", "properties": {}, "geometry": box(0, 0)}, "no id"),
        ({"type": "Feature", "properties": None, "geometry": None}, "no geometry"),
        ({"type": "Point"}, "no Feature"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_zone_or_a_device_is_named_and_left_out(bad: dict[str, Any], says: str) -> None:
    text, problems = imported(feature("A", box(10, 59)), bad)
    assert [problem.count("x.geojson (features[1]): ") for problem in problems] == [1]
    assert says in problems[0]
    assert list(CityModel.parse(text.encode(), "x.yml").zones) == ["A"]


INTO = "# ours\ncity: X\nzones:\n  - id: A # the square\n    name: ours\n\n# devices below\ndevices: # all\n  - {id: D, kind: door, zone: A}\n\n# the end\n"  # noqa: E501


def test_a_model_gets_what_it_lacks_and_keeps_every_word_of_its_own() -> None:
    text, _ = imported(
        feature("A", box(0, 0)), feature("B", box(1, 1)), feature("E", point(1.005, 1.005), kind="door"), into=INTO
    )
    model = CityModel.parse(text.encode(), "city.yml")
    assert (list(model.zones), list(model.devices)) == (["A", "B"], ["D", "E"])
    assert model.zones["A"].geometry is None
    rows = iter(text.splitlines())
    assert all(row in rows for row in INTO.splitlines())
    assert imported(feature("A", box(0, 0)), into=INTO)[0] == INTO
    bare, _ = imported(feature("B", box(1, 1)), into="city: X")
    assert list(CityModel.parse(bare.encode(), "city.yml").zones) == ["B"]
    with pytest.raises(ImpetusError, match="not written as a list of lines"):
        imported(feature("B", box(1, 1)), into="city: X\nzones: [{id: A}]\n")


NAMES = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["yes", "1", "- a", "#", "a: b", "null", "'"]
)


@given(st.lists(st.tuples(NAMES, NAMES, st.integers(0, 30)), max_size=5))
def test_any_names_come_through_yaml_as_they_are_readable(rows: list[tuple[str, str, int]]) -> None:
    text, _ = imported(*(feature(id, box(10 + number / 50, 59), name=name) for id, name, number in rows))
    assert CityModel.parse(text.encode(), "x.yml").city.city == "X"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["type", "features", "geometry", "coordinates", "properties", "id"]),
                inner | st.sampled_from(["Feature", "FeatureCollection", "Polygon", "Point", "MultiPolygon"]),
                max_size=5,
            )
        ),
    )
)
def test_any_json_is_features_or_an_error_of_ours(value: Any) -> None:
    for document in (
        value,
        {"type": "FeatureCollection", "features": [value]},
        feature("x", {"type": "Polygon", "coordinates": value}),
    ):
        try:
            found, _ = parse_features(json.dumps(document).encode(), "x.geojson")
            write_model("X", import_features(found))
        except ImpetusError as error:
            assert error.where.file == "x.geojson"


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[" * 100_000, b"\xff", b"[1e999]", b'{"type": "FeatureCollection", "features": 3}']
)
def test_what_is_no_geojson_is_said(text: bytes) -> None:
    with pytest.raises(ImpetusError) as caught:
        parse_features(text, "x.geojson")
    assert caught.value.code == "city.unreadable"


@pytest.mark.skipif(not REAL.exists(), reason="the shared data are not here")
def test_features_of_other_standards_are_left_out_with_a_reason() -> None:
    """NGSI-LD writes features whose geometry is a property of its own: none of them is a zone, none stops the import."""  # noqa: E501
    files = sorted(REAL.glob("*/example-geojsonfeature.json"))
    assert files
    for file in files:
        found, problems = parse_features(file.read_bytes(), str(file))
        made = import_features(found)
        assert len(problems) + len(made.problems) + len(made.zones) + len(made.devices) == 1

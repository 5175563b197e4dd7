"""``impetus city``: how it ends, and what it prints for programs."""

import json
from pathlib import Path

import pytest
from command import OSLO, impetus_here

CITY = OSLO / "city.yml"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    file = tmp_path / "city.yml"
    file.write_bytes(CITY.read_bytes())
    return file


def test_the_status_says_whether_impetus_would_start(city: Path) -> None:
    assert impetus_here("city", "check", city).status == 0
    assert impetus_here("city", "check", city, "--strict").status == 1
    city.write_text(city.read_text().replace("adjacent: [Z1, Z3]", "adjacent: [Z1, Z33]"))
    done = impetus_here("city", "check", city, "--json")
    (found,) = [one for one in done.objects if one["severity"] == "error"]
    assert done.status == 1
    assert (found["code"], found["line"], found["key"]) == ("city.invalid", 9, "zones[1].adjacent[1]")
    city.write_text(city.read_text() + "zoness: []\n")
    done = impetus_here("city", "check", city)
    assert (done.status, done.out) == (2, "")
    assert "Did you mean 'zones'?" in done.err


def test_a_key_that_stands_twice_is_refused_by_the_check_and_by_the_program(city: Path, tmp_path: Path) -> None:
    city.write_text(city.read_text() + "timezone: Europe/London\n")
    done = impetus_here("city", "check", city)
    assert (done.status, done.out) == (2, "")
    assert "(timezone): the key 'timezone' is there twice [city.invalid]. The other stands in line 2" in done.err
    (tmp_path / "impetus.toml").write_text('[city]\nmodel = "city.yml"\n')
    assert "is there twice" in impetus_here("doctor", "--config", tmp_path / "impetus.toml").out
    done = impetus_here("run", "--config", tmp_path / "impetus.toml")
    assert done.status == 2
    assert "is there twice" in done.err


def test_rules_without_distances_need_no_locations(city: Path, tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(
        "title: R\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: city}\nlevel: low\n"
        "detection: {s: {event.action: x}, condition: s}\n"
    )
    done = impetus_here("city", "check", city, "--rules", tmp_path / "rule.yml")
    assert "no location" not in done.out


def test_what_is_imported_into_a_model_can_be_checked_and_imported_again(city: Path, tmp_path: Path) -> None:
    ring = [[10.0, 59.0], [10.1, 59.0], [10.1, 59.1], [10.0, 59.0]]
    feature = {"type": "Feature", "id": "Z9", "properties": {"name": "Nine"},
               "geometry": {"type": "Polygon", "coordinates": [ring]}}  # fmt: skip
    file = tmp_path / "nine.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    done = impetus_here("city", "import", file, "--into", city)
    assert done.status == 0
    city.write_text(done.out)
    assert impetus_here("city", "check", city).status == 0
    assert impetus_here("city", "import", file, "--into", city).out == done.out
    file.write_text("[]")
    assert impetus_here("city", "import", file).status == 2


def test_an_import_that_names_what_is_not_there_says_so_and_keeps_it(tmp_path: Path) -> None:
    file, model = tmp_path / "cameras.geojson", tmp_path / "city.yml"
    feature = {"type": "Feature", "properties": {"id": "CAM", "kind": "camera", "depends_on": ["VMS"], "watches": []},
               "geometry": {"type": "Point", "coordinates": [10, 59]}}  # fmt: skip
    file.write_text(json.dumps(feature))
    done = impetus_here("city", "import", file, "--name", "X")
    assert done.status == 1
    assert "depends_on of device CAM names 'VMS', which is not there, and stays [city.invalid]" in done.err
    model.write_text(done.out)
    assert "depends_on: [VMS]" in done.out
    assert "watches: []" in done.out
    assert "device CAM names 'VMS'" in impetus_here("city", "check", model).out


def test_coverage_of_one_zone_and_of_one_that_is_not_there() -> None:
    (zone,) = impetus_here("city", "coverage", "Z7", "--city", CITY, "--json").objects
    assert zone == {
        "zone": "Z7", "name": "Radhusplassen", "kinds": {"air_quality": ["AQ-Z7-01"]}, "lost": [], "held": [],
    }  # fmt: skip
    done = impetus_here("city", "coverage", "Z77", "--city", CITY)
    assert done.status == 2
    assert "Did you mean 'Z7'?" in done.err
    assert impetus_here("city", "coverage", "--city", CITY, "--at", "noon").status == 2

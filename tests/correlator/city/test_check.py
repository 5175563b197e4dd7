"""``impetus city check``: each thing that is wrong or unwise, where it stands, and silence on what is meant."""

import json
from pathlib import Path

import pytest

from correlator.city.checking import check_city
from impetus.domain.errors import ImpetusError

ZONES = "city: X\nzones:\n- {id: A, adjacent: [B], location: {lat: 59.9, lon: 10.7}, radius: 100}\n- {id: B, adjacent: []}\n"  # noqa: E501


def found(text: str, *rules: str) -> list[str]:
    return [str(finding) for finding in check_city(text.encode(), "city.yml", by_distance=rules)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("city: X\nzones:\n- {id: Alpha}\n- {id: B, adjacent: [Alpa]}\n", "city.yml:4 (zones[1].adjacent[0]): error: zone B names 'Alpa', which is not there. Did you mean 'Alpha'?"),  # noqa: E501
        ("city: X\nzones:\n- {id: A, radius: 5}\n", "city.yml:3 (zones[0].radius): error: zone A: a radius needs a location around which it is"),  # noqa: E501
        ("city: X\nzones:\n- id: A\n  geometry:\n    type: Polygon\n    coordinates: [[[0,0],[1,1],[1,0],[0,1],[0,0]]]\n", "city.yml:5 (zones[0].geometry): error: zone A: the geometry is not valid: Self-intersection[0.5 0.5]"),  # noqa: E501
        (ZONES + "- {id: C}\n", "city.yml:5 (zones[2]): warning: zone C is adjacent to none, while others have neighbours. Name its neighbours, or say adjacent: []"),  # noqa: E501
        (ZONES + "- {id: C, adjacent: [A], within: centre}\n- {id: D, adjacent: [A], within: centre}\n- {id: E, adjacent: [A], within: center}\n", "city.yml:7 (zones[4].within): warning: zone E alone is within 'center'. Did you mean 'centre'?"),  # noqa: E501
        (ZONES + "devices:\n- {id: D, kind: door}\n", "city.yml:6 (devices[0]): warning: device D has no zone, and it has no location either. Name its zone"),  # noqa: E501
        (ZONES + "devices:\n- {id: D, kind: door, zone: A, location: {lat: 59.91, lon: 10.7}, radius: 12}\n", "city.yml:6 (devices[0].location): warning: device D is 1000 m outside its zone A. Its location is in no zone"),  # noqa: E501
        (ZONES + "devices:\n- {id: C, kind: camera, zone: A}\n", "city.yml:6 (devices[0]): warning: camera C watches nothing. Name the zones that it sees; with watches: [] it covers its own alone"),  # noqa: E501
        (ZONES + "devices:\n- id: D\n  kind: door\n  zone: A\n  heartbeat:\n    every: 30s\n    silent_after: 20s\n", "city.yml:11 (devices[0].heartbeat.silent_after): warning: device D counts as silent after 20s, before its next beat. It beats every 30s: two or three times that is usual"),  # noqa: E501
        (ZONES + "devices:\n- {id: D, kind: door, zone: A, addresses: ['::1']}\n- {id: E, kind: door, zone: A, addresses: ['0:0::1']}\n", "city.yml:7 (devices[1].addresses[0]): warning: 0:0::1 is an address of D and of E: a flow to it counts as the last one's. Give it to one, or make one device of both"),  # noqa: E501
        (ZONES + "devices:\n- {id: D, kind: door, zone: A, addresses: [10.0.0.0/8]}\n", "city.yml:6 (devices[0].addresses[0]): warning: 10.0.0.0/8 of device D is a network: an event is of one address. List the addresses"),  # noqa: E501
        (ZONES + "devices:\n- {id: D, kind: door, zone: A, depends_on: [E]}\n- {id: E, kind: door, zone: A, depends_on: [D]}\n", "city.yml:6 (devices[0].depends_on): warning: device D depends on itself, through E. Which of them fails first?"),  # noqa: E501
        (ZONES + "devices:\n- {id: D, kind: door, zone: A, addresses: [10.0.0.300]}\n", "city.yml:6 (devices[0].addresses[0]): warning: '10.0.0.300' of device D is no address: no event can be of it. One address of IPv4 or IPv6, without a port"),  # noqa: E501
        ("city: X\ntimezone: Europe/Olso\n", "city.yml:2 (timezone): warning: there is no time zone 'Europe/Olso'. Did you mean 'Europe/Oslo'?"),  # noqa: E501
        ("city: X\naccounts:\n- {name: kari}\n- {name: kari, kind: service}\n", "city.yml:4 (accounts[1].name): warning: account 'kari' is there twice. The other stands in line 3"),  # noqa: E501
        ("city: X\naccounts:\n- {name: ''}\n", "city.yml:3 (accounts[0].name): warning: an account has an empty name"),
        ("city: X\nzones:\n- {id: ''}\n", "city.yml:3 (zones[0].id): error: the id of a zone is empty. What its events call it"),  # noqa: E501
        ("city: X\ndevices:\n- {id: ' ', kind: door}\n", "city.yml:3 (devices[0].id): error: the id of a device is empty. What its events call it"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_wrong_or_unwise_is_said_at_its_line(text: str, says: str) -> None:
    assert says in found(text)


def test_what_an_author_denies_and_what_is_in_order_is_not_spoken_of() -> None:
    text = ZONES + "devices:\n- {id: C, kind: camera, location: {lat: 59.9, lon: 10.7}, watches: []}\n"
    assert found(text) == []


@pytest.mark.parametrize(
    ("address", "is_none"),
    [
        ("10.0.0.1", False), ("2001:db8::1", False), ("00:11:22:33:44:55", False), ("door-7.city.example", False),
        ("0815", False), ("10.0.0", True), ("10.0.0.1/33", True), ("10.0.0.1:80", True), ("10.0.0.01", True),
        ("2001:db8::1::2", True), ("", True),
    ],
)  # fmt: skip
def test_an_address_is_of_ip_or_a_name_by_which_events_may_call_a_device(address: str, is_none: bool) -> None:
    said = found(ZONES + f"devices:\n- {{id: D, kind: door, zone: A, addresses: ['{address}']}}\n")
    assert bool(said) == is_none
    assert all("is no address" in line for line in said)


@pytest.mark.parametrize("known", [set[str](), {"UTC"}])
def test_no_time_zone_is_doubted_where_the_machine_has_no_database(
    known: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoneinfo.available_timezones", lambda: known)
    assert found("city: X\ntimezone: Mars/Olympus\n") == []


def test_places_are_asked_for_where_a_rule_asks_for_a_distance() -> None:
    text = ZONES + "devices:\n- {id: D, kind: door, zone: A}\n- {id: V, kind: vms, zone: A}\n"
    assert found(text) == []
    zone, device = found(text, "Two guns")
    assert "city.yml:4 (zones[1]): warning: 1 zone (B) has no location and no geometry" in zone
    assert "city.yml:6 (devices[0]): warning: 1 sensor (D) has no location" in device


def test_every_error_is_there_and_not_the_first_alone() -> None:
    text = "city: X\nzones: [{id: A, adjacent: [N1, N2]}, {id: A}]\ndevices: [{id: D, kind: x, zone: N3}]\n"
    assert [line.count("error") for line in found(text)] == [1, 1, 1, 1]


def test_a_model_that_cannot_be_read_is_raised() -> None:
    with pytest.raises(ImpetusError):
        found("zones: []\n")


def test_thousands_of_unknown_names_are_named_in_linear_time() -> None:
    zones = "".join(f"- {{id: Z{n}, adjacent: [Q{n}]}}\n" for n in range(3000))

    assert len(found(f"city: X\nzones:\n{zones}")) == 3000


def test_the_devices_in_the_file_of_the_geometry_are_in_order_and_other_features_are_not(tmp_path: Path) -> None:
    ring = [[10.0, 59.0], [10.1, 59.0], [10.1, 59.1], [10.0, 59.0]]
    features = [
        {"type": "Feature", "properties": {"id": id, **more}, "geometry": {"type": kind, "coordinates": coordinates}}
        for id, kind, coordinates, more in (
            ("A", "Polygon", [ring], {}),
            ("CAM", "Point", [10.0, 59.0], {"kind": "camera"}),
            ("bench", "Point", [10.0, 59.0], {}),
            ("B", "Polygon", [ring], {"kind": "square"}),
        )
    ]
    file = tmp_path / "zones.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8-sig")
    text = b"city: X\ngeometry: zones.geojson\nzones: [{id: A}]\n"
    said = [str(finding) for finding in check_city(text, str(tmp_path / "city.yml"))]
    assert [id for id in ("A", "CAM", "bench", "B") if any(f"is of zone '{id}'" in one for one in said)] == [
        "bench",
        "B",
    ]

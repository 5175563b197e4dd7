"""City models and plans that do not fit: each says file, line, key and what was meant."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import CITY, PLAN

from correlator.city import CityModel
from correlator.plan.day import DayPlan
from correlator.plan.selection import compile_selections
from impetus.domain.errors import ImpetusError


def city_error(text: str) -> ImpetusError:
    with pytest.raises(ImpetusError) as caught:
        CityModel.parse(text.encode(), "city.yml")
    return caught.value


def plan_error(text: str) -> ImpetusError:
    with pytest.raises(ImpetusError) as caught:
        compile_selections(DayPlan.parse((PLAN.strip() + "\n" + text).encode(), "plan.yml"))
    return caught.value


@pytest.mark.parametrize(
    ("text", "code", "line", "key", "says"),
    [
        ("city: Oslo\nzoness: []\n", "city.unknown-key", 2, None, "Did you mean 'zones'?"),
        ("city: Oslo\nzones:\n- {id: Z1}\n- id: Z2\n  adjacant: [Z1]\n", "city.unknown-key", 5, "zones[1]", "Did you mean 'adjacent'?"),  # noqa: E501
        ("city: Oslo\ndevices:\n- {id: D, kind: door, heartbeat: {every: 5s, silent: 9s}}\n", "city.unknown-key", 3,
         "devices[0].heartbeat", "Did you mean 'silent_after'?"),
        ("city: Oslo\nzones:\n- {id: 5}\n", "city.invalid", 3, "zones[0].id", "Expected `str`"),
        ("city: Oslo\ndevices:\n- {id: D}\n", "city.invalid", 3, "devices[0]", "kind"),
        ("city: Oslo\nzones:\n- {id: Z1, location: {lat: 91, lon: 0}}\n", "city.invalid", 3, "zones[0].location", "latitude"),  # noqa: E501
        ("city: Oslo\nzones: [{id: Z1}, {id: Z1}]\n", "city.invalid", 2, "zones[1].id", "line 2"),
        ("city: Oslo\nzones: [{id: Z1, adjacent: [Z9]}]\n", "city.invalid", 2, "zones[0].adjacent[0]", "Z9"),
        ("city: Oslo\nzones: [{id: A, within: B}, {id: B, within: A}]\n", "city.invalid", 2, "zones[0].within", "within itself"),  # noqa: E501
        ("city: Oslo\ndevices: [{id: D, kind: door, zone: Z9}]\n", "city.invalid", 2, "devices[0].zone", "Z9"),
        ("city: Oslo\ndevices: [{id: D, kind: door, depends_on: [X]}]\n", "city.invalid", 2, "devices[0].depends_on[0]", "'X'"),  # noqa: E501
        ("city: Oslo\ndevices: [{id: D, kind: door, heartbeat: {every: 1, silent_after: 9s}}]\n", "city.invalid", 2,
         "devices[0].heartbeat.every", "str"),
        ("city: Oslo\ndevices: [{id: D, kind: door, heartbeat: {every: soon, silent_after: 9s}}]\n", "city.invalid", 2,
         "devices[0].heartbeat.every", "soon"),
        ("city: Oslo\ndevices: [{id: D, kind: door, heartbeat: {every: 5s, silent_after: 0s}}]\n", "city.invalid", 2,
         "devices[0].heartbeat.silent_after", "0s is zero"),
        ("city: Oslo\ndevices: [{id: D, kind: door, heartbeat: {every: 999999999999y, silent_after: 9s}}]\n", "city.invalid", 2,  # noqa: E501
         "devices[0].heartbeat.every", "too long [city.invalid]. At most 100y"),
        ("city: Oslo\ndevices: [{id: D, kind: door, radius: -5}]\n", "city.invalid", 2, "devices[0].radius", "device D: -5.0 is no number of metres [city.invalid]. 0 or more"),  # noqa: E501
        ("city: Oslo\ndevices: [{id: D, kind: door, radius: .nan}]\n", "city.invalid", 2, "devices[0].radius", "nan"),
        ("city: Oslo\ndevices: [{id: D, kind: door, radius: .inf}]\n", "city.invalid", 2, "devices[0].radius", "inf"),
        ("city: Oslo\ndevices: [{id: D, kind: door, radius: 1.0e+400}]\n", "city.invalid", 2, "devices[0].radius", "inf"),  # noqa: E501
        ("city: Oslo\nzones:\n- {id: A, location: {lat: 0, lon: 0}, radius: .nan}\n", "city.invalid", 3, "zones[0].radius", "nan"),  # noqa: E501
        ("city: Oslo\nzones:\n- {id: A, location: {lat: .nan, lon: 0}}\n", "city.invalid", 3, "zones[0].location", "latitude"),  # noqa: E501
        ("city: Oslo\nzones:\n- id: A\n  radius: -1\n  geometry: {type: Polygon, coordinates: [[[0,0],[1,1],[1,0],[0,0]]]}\n", "city.invalid", 4,  # noqa: E501
         "zones[0].radius", "-1"),
        ("city: [\n", "city.unreadable", 2, None, ""),
        ("a: b: c\n", "city.unreadable", 1, None, ""),
        ("", "city.invalid", None, None, "empty"),
        ("- city\n", "city.invalid", 1, None, "object"),
        ("city: Oslo\nzones:\n- id: Z1\ncity: Bergen\n", "city.invalid", 4, "city", "'city' is there twice [city.invalid]. The other stands in line 1"),  # noqa: E501
        ("city: Oslo\ndevices:\n- id: D\n  kind: door\n  heartbeat:\n    every: 5s\n    every: 9s\n", "city.invalid", 7,
         "devices[0].heartbeat.every", "line 6"),
        ("city: &c Oslo\nzones: [{*c : A, *c : B}]\n", "city.invalid", 1, "zones[0].Oslo", "twice"),
        ("city: Oslo\nzones: [{id: A, id: B}]\nzones: []\n", "city.invalid", 2, "zones[0].id", "line 2"),
        ("city: !!python/object:os.system x\n", "city.unreadable", 1, None, "constructor"),
    ],
)  # fmt: skip
def test_a_city_model_that_does_not_fit(text: str, code: str, line: int | None, key: str | None, says: str) -> None:
    error = city_error(text)
    assert (error.code, error.where.file, error.where.line, error.where.key) == (code, "city.yml", line, key)
    assert says in str(error)


ENTRY = "{id: a, reason: b, from: 2027-05-17T11:00:00Z, to: 2027-05-17T12:00:00Z, event: {event.action: x}"


@pytest.mark.parametrize(
    ("text", "code", "line", "key", "says"),
    [
        ("expcted: []\n", "plan.unknown-key", 3, None, "Did you mean 'expected'?"),
        (f"expected:\n- {ENTRY}, atmost: 3}}\n", "plan.unknown-key", 4, "expected[0]", "Did you mean 'at_most'?"),
        (f"expected:\n- {ENTRY}, at_most: many}}\n", "plan.invalid", 4, "expected[0].at_most", "int"),
        ("phases:\n- {name: x, form: 2027-05-17T11:00:00Z, to: 2027-05-17T12:00:00Z}\n", "plan.unknown-key", 4, "phases[0]",  # noqa: E501
         "Did you mean 'from'?"),
        ("phases: [{name: x, from: 11 o'clock, to: 2027-05-17T12:00:00Z}]\n", "plan.invalid", 3, "phases[0]", "11 o'clock"),  # noqa: E501
        ("phases: [{name: x, from: 2027-05-17T11:00:00, to: 2027-05-17T12:00:00Z}]\n", "plan.invalid", 3, "phases[0]", "offset"),  # noqa: E501
        ("phases: [{name: x, from: 2027-05-17T12:00:00Z, to: 2027-05-17T12:00:00Z}]\n", "plan.invalid", 3, "phases[0]", "before"),  # noqa: E501
        (f"expected: [{ENTRY}}}, {ENTRY}}}]\n", "plan.invalid", 3, "expected[1].id", "twice"),
        (f"expected: [{ENTRY}, at_most: 0}}]\n", "plan.invalid", 3, "expected[0].at_most", "nothing"),
        (f"expected: [{ENTRY}, spacing: {{every: 0s}}}}]\n", "plan.invalid", 3, "expected[0].spacing.every", "zero"),
        (f"expected: [{ENTRY}, spacing: {{every: often}}}}]\n", "plan.invalid", 3, "expected[0].spacing.every", "often"),  # noqa: E501
        (f"expected: [{ENTRY}, unless_within: {{distance: 5, timespan: long}}}}]\n", "plan.invalid", 3, "expected[0].unless_within.timespan", "long"),  # noqa: E501
        (f"expected: [{ENTRY}, unless_within: {{distance: -100, timespan: 5m}}}}]\n", "plan.invalid", 3,
         "expected[0].unless_within.distance", "unless_within of 'a': -100.0 is no number of metres"),
        (f"expected: [{ENTRY}, unless_within: {{distance: .nan, timespan: 5m}}}}]\n", "plan.invalid", 3, "expected[0].unless_within.distance", "nan"),  # noqa: E501
        (f"expected: [{ENTRY}, unless_within: {{distance: 100, timespan: 0m}}}}]\n", "plan.invalid", 3, "expected[0].unless_within.timespan", "zero"),  # noqa: E501
        (f"expected: [{ENTRY}, unless_within: {{distance: 100, timespan: 999999y}}}}]\n", "plan.invalid", 3, "expected[0].unless_within.timespan", "100y"),  # noqa: E501
        (f"expected: [{ENTRY}, place: {{location: {{lat: 1, lon: 1}}, distance: -5}}}}]\n", "plan.invalid", 3, "expected[0].place.distance", "metres"),  # noqa: E501
        (f"expected: [{ENTRY}, place: {{location: {{lat: 1, lon: 1}}, distance: .inf}}}}]\n", "plan.invalid", 3, "expected[0].place.distance", "inf"),  # noqa: E501
        ("limits: [{field: x, zone: Z1, lte: .nan}]\n", "plan.invalid", 3, "limits[0].lte", "x in Z1: nan is no limit"),
        ("limits: [{field: x, zone: Z1, gt: -.inf}]\n", "plan.invalid", 3, "limits[0].gt", "inf"),
        (f"expected: [{ENTRY}, place: {{distance: 5}}}}]\n", "plan.invalid", 3, "expected[0].place", "together"),
        (f"expected: [{ENTRY.replace('event.action: x', 'event.action|nosuch: x')}}}]\n", "plan.invalid", 3,
         "expected[0].event", "nosuch"),
        ("closed: []\nexpected: []\nclosed: []\n", "plan.invalid", 5, "closed", "line 3"),
        (f"expected:\n- {ENTRY.replace('event.action: x', 'event.action: x, event.action: y')}}}\n", "plan.invalid", 4,
         "expected[0].event.event.action", "twice"),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_fit(text: str, code: str, line: int | None, key: str | None, says: str) -> None:
    error = plan_error(text)
    assert (error.code, error.where.line, error.where.key) == (code, line, key)
    assert says in str(error)


def test_nearness_and_tolerance_may_be_zero() -> None:
    entry = f"{ENTRY}, spacing: {{every: 5s, tolerance: 0s}}, unless_within: {{distance: 0, timespan: 1us}}}}"
    assert DayPlan.parse(f"{PLAN.strip()}\nexpected: [{entry}]\n".encode(), "plan.yml").plan.expected


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImpetusError) as caught:
        CityModel.read(tmp_path / "none.yml")
    assert (caught.value.code, caught.value.where.file) == ("city.unreadable", str(tmp_path / "none.yml"))


def test_aliases_cannot_blow_a_document_up() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert "too large" in str(city_error(text))
    assert city_error("city: &a [*a]\n").code in {"city.invalid", "city.unreadable"}


def test_what_a_merge_key_brings_may_be_said_again() -> None:
    text = """city: Oslo
zones:
- &one {id: Z1, name: One, within: centre}
- &two {<<: *one, id: Z2, name: Two}
- {<<: *two, id: Z3}
- {<<: [*one, *two], id: Z4, name: Four}
"""
    zones = CityModel.parse(text.encode(), "city.yml").zones
    assert [(zone.name, zone.within) for zone in zones.values()] == [
        (n, "centre") for n in ("One", "Two", "Two", "Four")
    ]


def test_a_key_twice_beside_a_merge_key_is_no_less_refused() -> None:
    text = "city: Oslo\nzones:\n- &one {id: Z1, name: One, within: centre}\n- {<<: *one, id: Z2, id: Z3}\n"
    assert city_error(text).where.key == "zones[1].id"


def test_deep_nesting_is_an_error_not_an_end() -> None:
    assert city_error("city: " + "[" * 20_000).code == "city.unreadable"


def test_a_model_answers_by_id_and_by_address() -> None:
    model = CityModel.parse(CITY.encode(), "city.yml")
    assert model.device("10.0.0.1") is model.devices["CAM-1"]
    assert model.device("nobody") is None


def test_what_depends_on_a_device_is_found_through_others_and_in_circles() -> None:
    devices = "".join(f"- {{id: D{n}, kind: x, depends_on: [D{(n + 1) % 4}]}}\n" for n in range(4))
    model = CityModel.parse(
        f"city: x\ndevices:\n{devices}- {{id: D9, kind: x, depends_on: [D0]}}\n".encode(), "city.yml"
    )
    assert model.dependents(["D2"]) == {"D0", "D1", "D2", "D3", "D9"}


@given(st.binary(max_size=200) | st.text(alphabet="city: zones[]{}&*-\n!'\"#|>1", max_size=80).map(str.encode))
def test_any_bytes_are_a_model_or_an_error_of_ours(text: bytes) -> None:
    for parse in (CityModel.parse, DayPlan.parse):
        try:
            parse(text, "x.yml")
        except ImpetusError as error:
            assert error.where.file == "x.yml"

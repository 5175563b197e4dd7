"""``impetus plan check``: what is wrong or unwise in a plan, at its line; and what changed between two."""

import pytest

from correlator.city import CityModel
from correlator.plan.checking import check_plan
from correlator.plan.day import DayPlan
from correlator.plan.difference import differences

HEAD = "plan: A day\nvalid: {from: 2027-05-17T06:00:00Z, to: 2027-05-17T18:00:00Z}\n"
CITY = CityModel.parse(b"city: X\nzones: [{id: Z1}, {id: Z2}]\n", "city.yml")
SPAN = "from: 2027-05-17T10:00:00Z, to: 2027-05-17T12:00:00Z"
PLACE = "place: {zones: [Z1]}"
ENTRY = f"id: a, reason: b, {SPAN}, event: {{event.action: x}}"


def found(text: str, city: CityModel | None = CITY) -> list[str]:
    return [str(finding) for finding in check_plan((HEAD + text).encode(), "plan.yml", city)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"closed:\n- {{zone: Z3, {SPAN}}}\n", "plan.yml:4 (closed[0].zone): error: zone 'Z3' is not in the city model. Known here: Z1, Z2"),  # noqa: E501
        (f"expected:\n- {{{ENTRY}, place: {{zones: [Z1, Q]}}}}\n", "plan.yml:4 (expected[0].place.zones[1]): error: zone 'Q' is not in"),  # noqa: E501
        (f"phases:\n- {{name: a, {SPAN}}}\n- {{name: b, {SPAN}, zones: [Z1]}}\n", "plan.yml:5 (phases[1]): warning: the phases 'a' and 'b' overlap. While both hold, it is 'a'"),  # noqa: E501
        (f"closed:\n- {{zone: Z1, {SPAN}}}\n- {{zone: Z1, {SPAN}}}\n", "plan.yml:5 (closed[1]): warning: zone Z1 is closed twice at one time"),  # noqa: E501
        ("closed:\n- {zone: Z1, from: 2027-05-17T17:00:00Z, to: 2027-05-17T18:00:01Z}\n", "plan.yml:4 (closed[0]): warning: it holds partly or wholly while the plan is not valid"),  # noqa: E501
        (f"rosters:\n- {{badges: [], zones: [Z1], {SPAN}}}\n", "plan.yml:4 (rosters[0]): warning: a roster without badges"),  # noqa: E501
        ("limits:\n- {field: crowd.density, zone: Z1}\n", "plan.yml:4 (limits[0]): warning: crowd.density in Z1 has no limit. lte"),  # noqa: E501
        ("limits:\n- {field: crowd.densty, zone: Z1, lte: 4}\n", "plan.yml:4 (limits[0].field): warning: no event has a field 'crowd.densty'. Did you mean 'crowd.density'?"),  # noqa: E501
        (f"expected:\n- {{{ENTRY}}}\n", "plan.yml:4 (expected[0]): warning: 'a' explains in the whole city"),
        (f"expected:\n- {{{ENTRY}, {PLACE}, at_most: 0}}\n", "plan.yml:4 (expected[0].at_most): error: 'a' explains at most 0: nothing"),  # noqa: E501
        (f"expected:\n- {{{ENTRY}, {PLACE}, spacing: {{every: 2s, tolerance: 1s}}}}\n", "plan.yml:4 (expected[0].spacing): warning: 'a' tolerates half its spacing"),  # noqa: E501
        (f"expected:\n- {{{ENTRY}, {PLACE}}}\n- {{{ENTRY.replace('event.action', 'event.action|nosuch').replace('id: a', 'id: c')}, {PLACE}}}\n", "plan.yml:5 (expected[1].event): error: c: "),  # noqa: E501
        (f"expected:\n- {{{ENTRY.replace('event.action', 'evnt.action')}, {PLACE}}}\n", "plan.yml:4 (expected[0].event): warning: no event has a field 'evnt.action'. Did you mean 'event.action'?"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_wrong_or_unwise_is_said_at_its_line(text: str, says: str) -> None:
    assert [line for line in found(text) if line.startswith(says)], found(text)


def test_a_plan_in_order_is_not_spoken_of_and_zones_need_a_model() -> None:
    text = f"phases:\n- {{name: a, {SPAN}, zones: [Z1]}}\n- {{name: b, {SPAN}, zones: [Z2]}}\nexpected:\n- {{{ENTRY}, {PLACE}}}\n"  # noqa: E501
    assert found(text) == []
    assert found(f"closed:\n- {{zone: Z3, {SPAN}}}\n", None) == []


def plan(text: str) -> DayPlan:
    return DayPlan.parse((HEAD + text).encode(), "plan.yml")


def test_what_changed_is_said_in_words() -> None:
    before = plan(
        f"phases: [{{name: parade, {SPAN}}}]\nclosed: [{{zone: Z6, {SPAN}}}, {{zone: Z6, {SPAN}}}]\n"
        f"limits: [{{field: crowd.density, zone: Z3, lte: 4.5}}]\nexpected: [{{{ENTRY}, at_most: 21}}]\n"
    )
    after = plan(
        f"phases: [{{name: parade, {SPAN.replace('12:00', '13:00')}}}]\nclosed: [{{zone: Z6, {SPAN}}}]\n"
        f"rosters: [{{badges: [B-1, B-2], zones: [Z3], {SPAN}}}]\n"
        f"limits: [{{field: crowd.density, zone: Z3, lte: 4.5}}]\nexpected: [{{{ENTRY}, place: {{zones: [Z1]}}}}]\n"
    )
    assert differences(before.plan, after.plan) == [
        "~ phase parade: to 2027-05-17T12:00:00Z → 2027-05-17T13:00:00Z",
        "- closure Z6 (2): from 2027-05-17T10:00:00Z; to 2027-05-17T12:00:00Z",
        "+ roster B-1, B-2: zones Z3; from 2027-05-17T10:00:00Z; to 2027-05-17T12:00:00Z",
        "~ entry a: at_most was 21 and is gone; place is now {zones: Z1}",
    ]
    assert differences(after.plan, after.plan) == []

"""The plan: the fields that it sets, the events that it explains, and what takes an explanation back."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import AWAY, HERE, NOON, PLAN, Run, correlation, event, rule, rules, run_all, setup_of

from correlator.plan.day import DayPlan
from correlator.plan.shots import Shot, expected_shots
from correlator.setup import Setup
from impetus.domain.event import Json
from impetus.domain.instant import SECOND
from impetus.domain.rule import RuleSet

# --- fields

FIELDS = """
phases:
- {name: setup, from: 2027-05-17T06:00:00Z, to: 2027-05-17T12:00:00Z}
- {name: parade, zones: [Z1], from: 2027-05-17T12:00:00Z, to: 2027-05-17T14:00:00Z}
closed: [{zone: Z1, from: 2027-05-17T12:00:00Z, to: 2027-05-17T13:00:00Z}]
rosters: [{badges: [B-1], zones: [Z1], from: 2027-05-17T12:00:00Z, to: 2027-05-17T13:00:00Z}]
limits: [{field: crowd.density, zone: Z1, lte: 4.5}, {field: air.co2, zone: Z1, gte: 300, lt: 1000}]
"""
HOUR = 3600 * SECOND


def fields(event: dict[str, Json], zone: str | None = "Z1", at: int = NOON) -> dict[str, Json]:
    found = DayPlan.parse((PLAN + FIELDS).encode(), "plan.yml").fields(event, zone, at)
    return {name.removeprefix("plan."): value for name, value in found.items()}


@pytest.mark.parametrize(
    ("zone", "at", "phase"),
    [("Z1", NOON - 1, "setup"), ("Z9", NOON - 1, "setup"), ("Z1", NOON, "parade"), ("Z2", NOON, None), (None, NOON, None),  # noqa: E501
     ("Z1", NOON + 2 * HOUR, None)],
)  # fmt: skip
def test_the_phase_is_by_zone_and_time(zone: str | None, at: int, phase: str | None) -> None:
    assert fields({}, zone, at).get("phase") == phase


@pytest.mark.parametrize(
    ("event", "zone", "at", "closed"),
    [({"vehicle": {"kind": "van"}}, "Z1", NOON, True), ({"vehicle.kind": "van"}, "Z1", NOON, True),
     ({"vehicle": {"kind": "van"}}, "Z2", NOON, False), ({"vehicle": {"kind": "van"}}, "Z1", NOON + HOUR, False),
     ({"vehicle": {"kind": "van"}}, None, NOON, False), ({}, "Z1", NOON, None), ({"vehicles": 1}, "Z1", NOON, None)],
)  # fmt: skip
def test_closed_is_said_of_vehicles_alone(
    event: dict[str, Json], zone: str | None, at: int, closed: bool | None
) -> None:
    assert fields(event, zone, at).get("closed") is closed


@pytest.mark.parametrize(
    ("badge", "zone", "at", "rostered"),
    [("B-1", "Z1", NOON, True), ("B-1", "Z2", NOON, False), ("B-2", "Z1", NOON, False), ("B-1", "Z1", NOON - 1, False),
     (None, "Z1", NOON, None)],
)  # fmt: skip
def test_rostered_is_said_of_badges_alone(badge: str | None, zone: str, at: int, rostered: bool | None) -> None:
    assert fields({"badge": {"id": badge}}, zone, at).get("rostered") is rostered


@pytest.mark.parametrize(
    ("event", "zone", "over"),
    [({"crowd.density": 4.5}, "Z1", False), ({"crowd": {"density": 4.6}}, "Z1", True), ({"crowd.density": 9}, "Z2", False),  # noqa: E501
     ({"crowd.density": [1, 9]}, "Z1", True), ({"crowd.density": "9"}, "Z1", None), ({"crowd.density": True}, "Z1", None),  # noqa: E501
     ({"air.co2": 299}, "Z1", True), ({"air.co2": 300}, "Z1", False), ({"air.co2": 1000}, "Z1", True), ({}, "Z1", None)],  # noqa: E501
)  # fmt: skip
def test_over_limit_is_said_of_limited_fields_alone(event: dict[str, Json], zone: str, over: bool | None) -> None:
    assert fields(event, zone).get("over_limit") is over


@pytest.mark.parametrize("at", [NOON - 6 * HOUR - 1, NOON + 6 * HOUR])
def test_a_plan_that_is_not_in_force_says_nothing(at: int) -> None:
    assert fields({"vehicle.kind": "van", "badge.id": "B-1", "crowd.density": 9}, "Z1", at) == {}


# --- shots


def shots(*times: float, device: str | None = "NS-1") -> list[Shot]:
    return [Shot(round(time * SECOND), f"s{time:g}", device) for time in times]


def kept(found: list[Shot], at_most: int | None = None, every: float | None = 5, tolerance: float = 1.5) -> list[str]:
    step = round(every * SECOND) if every is not None else None
    explained = expected_shots(found, step, round(tolerance * SECOND), at_most)
    return [shot.event for shot in sorted(found, key=lambda one: one.time) if shot.event in explained]


def test_every_shot_of_a_salute_is_expected() -> None:
    assert len(kept(shots(*range(0, 105, 5)), at_most=21)) == 21


@pytest.mark.parametrize("missing", [[5], [5, 10], [50, 60], [5, 10, 15, 20, 25, 30]])
def test_a_lost_record_leaves_a_multiple_of_the_spacing(missing: list[int]) -> None:
    assert len(kept(shots(*(t for t in range(0, 105, 5) if t not in missing)))) == 21 - len(missing)


def test_each_shot_is_measured_from_the_one_before() -> None:
    assert len(kept(shots(0, 6.4, 12.8, 19.2, 25.6))) == 5


def test_a_shot_off_its_spacing_is_not_expected_and_breaks_no_chain() -> None:
    assert kept(shots(0, 5, 7.6, 10, 15)) == ["s0", "s5", "s10", "s15"]


def test_a_wrong_first_shot_does_not_condemn_the_salute() -> None:
    assert kept(shots(-2.4, 0, 5, 10, 15)) == ["s0", "s5", "s10", "s15"]


@pytest.mark.parametrize(
    ("apart", "expected"), [(5, True), (6.5, True), (3.5, True), (6.6, False), (3.4, False), (8.5, True)]
)
def test_the_tolerance_is_on_both_sides_its_ends_included(apart: float, expected: bool) -> None:
    assert (len(kept(shots(0, apart))) == 2) is expected


def test_beyond_at_most_only_the_surplus_is_not_expected() -> None:
    assert kept(shots(*range(0, 120, 5)), at_most=21) == [f"s{t}" for t in range(0, 105, 5)]


def test_reports_of_one_shot_by_different_devices_are_one() -> None:
    twice = [*shots(*range(0, 105, 5)), *shots(*(t + 1.25 for t in range(0, 105, 5)), device="NS-2")]
    assert len(kept(twice, at_most=21)) == 42


@pytest.mark.parametrize("device", ["NS-1", None])
def test_a_second_report_by_the_same_device_or_none_is_another_shot(device: str | None) -> None:
    explained = kept([*shots(0, 5, 10), *shots(6, device=device)])
    assert len(explained) == 3
    assert {"s0", "s10"} < set(explained)


def test_without_a_spacing_every_event_is_expected_up_to_the_number() -> None:
    assert kept(shots(0, 1, 1.5, 9), every=None) == ["s0", "s1", "s1.5", "s9"]
    assert kept(shots(0, 1, 1.5, 9), every=None, at_most=3) == ["s0", "s1", "s1.5"]
    assert kept(shots(0, 1), every=None, at_most=0) == []


@given(
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["a", "b", None])), max_size=30, unique=True), st.randoms()
)
def test_which_shots_are_expected_is_no_matter_of_order(
    drawn: list[tuple[int, str | None]], draw: random.Random
) -> None:
    found = [Shot(time * SECOND // 2, f"{time}{device}", device) for time, device in drawn]
    mixed = draw.sample(found, len(found))
    for at_most in (None, 3):
        assert expected_shots(found, 5 * SECOND, SECOND, at_most) == expected_shots(mixed, 5 * SECOND, SECOND, at_most)


# --- the ledger

SALUTE = """
expected:
- {id: salute, reason: guns, from: 2027-05-17T11:57:00Z, to: 2027-05-17T12:06:00Z, event: {event.action: impulse},
   place: {location: {lat: 59.9066, lon: 10.7366}, distance: 400}, at_most: 3, spacing: {every: 5s, tolerance: 1500ms}}
"""
GUARD = """
expected:
- {id: guard, reason: ceremonial arms, from: 2027-05-17T09:00:00Z, to: 2027-05-17T15:00:00Z, event: {event.action: firearm},
   place: {zones: [Z1]}, unless_within: {distance: 200, timespan: 10m}}
"""  # noqa: E501
BOTH = """
expected:
- {id: salute, reason: guns, from: 2027-05-17T11:57:00Z, to: 2027-05-17T12:06:00Z, event: {event.action: impulse},
   place: {zones: [Z1]}, at_most: 4, spacing: {every: 5s, tolerance: 1s}, unless_within: {distance: 200, timespan: 8s}}
- {id: guard, reason: arms, from: 2027-05-17T09:00:00Z, to: 2027-05-17T15:00:00Z, event: {event.action: firearm},
   place: {zones: [Z1]}, unless_within: {distance: 300, timespan: 15s}}
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return rules(
        tmp_path_factory.mktemp("rules"),
        rule("impulse", 1, "event.action: impulse"),
        rule("firearm", 2, "event.action: firearm", "high"),
        rule("door", 3, "event.action: door"),
        rule("noted", 4, "event.action: noted", "informational"),
        correlation("armed door", 5, "type: temporal, rules: [firearm, door], timespan: 5m"),
        correlation("shots", 6, "type: event_count, rules: [impulse], timespan: 1m, condition: {gte: 4}"),
    )


def fed(setup: Setup, *events: dict[str, Json]) -> Run:
    return run_all(setup, events)


def test_what_is_explained_raises_nothing_and_is_on_record_for_each_rule(found: RuleSet) -> None:
    run = fed(setup_of(found, SALUTE), event("a", 0), event("b", 5))
    assert run.alerted == set()
    assert run.incidents == []
    (first, _) = sorted(run.store.ledger(), key=lambda line: line.event)
    assert (first.event, first.plan, first.entry, first.reason) == ("a", "A day", "salute", "guns")
    assert first.rule == "00000000-0000-4000-8000-000000000001"


def test_an_event_that_no_rule_matches_is_not_counted(found: RuleSet) -> None:
    run = fed(setup_of(found, SALUTE), event("x", -2, **{"logsource.product": "other"}), event("a", 0), event("b", 5))
    assert run.explained == {"a": "salute", "b": "salute"}


@pytest.mark.parametrize(
    ("change", "explained"),
    [({}, True), ({"at": -200}, False), ({"at": 360}, False), ({"at": 359}, True), ({"where": AWAY}, False),
     ({"where": None}, False), ({"place.radius": 380}, True), ({"place.radius": 401}, False), ({"action": "door"}, False)],  # noqa: E501
)  # fmt: skip
def test_an_event_is_explained_certainly_in_the_time_and_place_of_the_entry(
    found: RuleSet, change: dict[str, object], explained: bool
) -> None:
    run = fed(setup_of(found, SALUTE), event("a", **{"at": 0, **change}))  # type: ignore[arg-type]
    assert ("a" in run.explained) is explained
    assert (run.alerted == set()) is explained


def test_the_surplus_alerts_and_a_shot_that_comes_late_pushes_the_last_one_out(found: RuleSet) -> None:
    run = Run(setup_of(found, SALUTE.replace("at_most: 3", "at_most: 2")))
    run.feed(event("a", 0), event("c", 10))
    assert run.explained.keys() == {"a", "c"}
    run.feed(event("b", 5))
    assert run.explained.keys() == {"a", "b"}
    assert run.alerted == {("impulse", "c")}


def test_a_shot_that_a_late_one_brings_onto_the_beat_takes_its_alert_back(found: RuleSet) -> None:
    run = Run(setup_of(found, SALUTE))
    run.feed(event("a", 0), event("b", 5), event("c", 7.5))
    assert ("impulse", "c") in run.alerted
    run.feed(event("d", 12.5))
    run.feed(event("e", 17.5))
    assert (
        run.finish().state()
        == fed(
            setup_of(found, SALUTE), *(event(id, at) for id, at in zip("abcde", (0, 5, 7.5, 12.5, 17.5), strict=True))
        ).state()
    )


def test_a_correlation_with_an_unexplained_member_fires_and_takes_the_others_out_of_the_ledger(found: RuleSet) -> None:
    run = fed(setup_of(found, GUARD), event("f", 0, "firearm"), event("d", 60, "door", AWAY))
    assert run.explained == {}
    assert {("armed door", "f", "d"), ("firearm", "f"), ("door", "d")} == run.alerted
    assert [line.event for commit in run.commits for line in commit.withdrawn] == ["f"]


def test_a_correlation_of_explained_members_alone_does_not_fire(found: RuleSet) -> None:
    four = [event(id, at) for id, at in zip("abcd", (0, 5, 10, 15), strict=True)]
    assert fed(setup_of(found, BOTH), *four).alerted == set()
    assert ("shots", *"abcd") in fed(setup_of(found), *four).alerted


@pytest.mark.parametrize(
    ("at", "where", "radius", "overrides"),
    [(60, HERE, 10, True), (-60, HERE, 10, True), (600, HERE, 10, True), (601, HERE, 10, False), (-601, HERE, 10, False),  # noqa: E501
     (60, AWAY, 10, False), (60, AWAY, 740, True), (60, None, 10, False)],
)  # fmt: skip
def test_an_unexplained_alert_possibly_near_overrides_before_and_after(
    found: RuleSet, at: float, where: tuple[float, float] | None, radius: float, overrides: bool
) -> None:
    other = event("n", at, "noted", where, **({"place.radius": radius} if where else {}))
    for order in ((event("f", 0, "firearm"), other), (other, event("f", 0, "firearm"))):
        run = Run(setup_of(found, GUARD))
        for one in order:
            run.feed(one)
        assert (run.explained == {}) is overrides
        assert (("firearm", "f") in run.alerted) is overrides


def test_an_override_that_no_longer_holds_is_taken_back(found: RuleSet) -> None:
    """The shot at 7 s is off the beat at first, and then on the longer one: what it overrode is explained again."""
    run = Run(setup_of(found, BOTH))
    run.feed(event("f", 7, "firearm"))
    run.feed(event("a", 0), event("c", 7))
    run.feed(event("d", 12))
    run.feed(event("e", 17))
    final = fed(
        setup_of(found, BOTH),
        *(event(id, at) for id, at in (("a", 0), ("c", 7), ("d", 12), ("e", 17))),
        event("f", 7, "firearm"),
    )
    assert run.finish().state() == final.state()


STREAM = st.lists(
    st.tuples(
        st.integers(0, 60), st.sampled_from(["impulse", "impulse", "impulse", "firearm", "door", "noted"]),
        st.sampled_from([HERE, HERE, AWAY]), st.sampled_from(["NS-1", "NS-2"]),
    ),
    min_size=1, max_size=9,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(STREAM, st.integers(0, 2**32), st.sampled_from([SALUTE, GUARD, BOTH]))
def test_any_order_and_restarts_end_in_the_same_ledger_and_alerts(
    found: RuleSet, stream: list[tuple[int, str, tuple[float, float], str]], seed: int, plan: str
) -> None:
    draw, setup = random.Random(seed), setup_of(found, plan)
    events = [
        event(f"{number}-{action}", at, action, where, **{"device.id": device})
        for number, (at, action, where, device) in enumerate(stream)
    ]
    straight = run_all(setup, sorted(events, key=lambda one: str(one["@timestamp"])))
    mixed, run = draw.sample(events, len(events)), Run(setup)
    while mixed:
        size = draw.randint(1, 4)
        run.feed(*mixed[:size])
        mixed = mixed[size:]
        if draw.random() < 0.3:
            run.restart()
    assert run.finish().state() == straight.state()


def test_a_restart_with_other_rules_and_another_plan_goes_on(found: RuleSet, tmp_path: Path) -> None:
    run = Run(setup_of(found, SALUTE))
    run.feed(event("a", 0), event("b", 5))
    run.setup = setup_of(rules(tmp_path, rule("door", 3, "event.action: door")), GUARD)
    run.restart()
    run.feed(event("d", 10, "door"), event("f", 11, "firearm"))
    assert run.finish().alerted == {("door", "d")}
    run.setup = setup_of(found)
    run.restart()
    run.feed(event("e", 15))
    assert ("impulse", "e") in run.alerted

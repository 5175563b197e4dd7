"""The Oslo day, statement by statement of its ``expected.yml``; the same for the copy of it that the demo runs."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from oslo import DEMO, SHARED, Event, Outcome, at, day, moved, named, redrawn, replay, setup_of, twin

from correlator.setup import Setup
from impetus.domain.batch import Commit
from impetus.domain.instant import parse_instant

NO_SHARED = pytest.mark.skipif(not SHARED.exists(), reason="../shared/scenarios is not there")
FOLDERS = [pytest.param(DEMO, id="demo"), pytest.param(SHARED, id="shared", marks=NO_SHARED)]

A_MUST = ("O-M04", "O-M05", "O-M06", "O-M07", "O-M08", "O-M09", "O-M11", "O-M12")
A_MAY = ("O-M01", "O-M02", "O-M03")
B_MUST = ("O-M13", "O-M14", "O-M16")
B_MAY = ("O-M15",)
SALUTE = tuple(f"O-B12.{shot:02}" for shot in range(1, 22))
BENIGN = (*(f"O-B{number:02}" for number in range(1, 12)), *SALUTE)
ROOF_UNCHECKED = "Opened roof door that no patrol checked"


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="module")
def outcome(folder: Path) -> Outcome:
    return replay(day(folder), setup=setup_of(folder))


@pytest.fixture(scope="module")
def planless(folder: Path) -> Outcome:
    return replay(day(folder), setup=setup_of(folder, planned=False))


# --- expected.yml


@NO_SHARED
def test_these_tests_say_what_expected_yml_says() -> None:
    expected: dict[str, Any] = yaml.safe_load((SHARED / "expected.yml").read_text())
    a, b, c = expected["incidents"]
    assert (tuple(a["must_hold"]), tuple(a["may_hold"]), a["opened_by"]) == (A_MUST, A_MAY, "O-M04")
    assert (tuple(b["must_hold"]), tuple(b["may_hold"]), b["opened_by"]) == (B_MUST, B_MAY, "O-M13")
    assert (c["must_hold"], c["linked"], c["severity"]) == (["O-M17"], ["OSL-A"], "medium")
    assert set(expected["in_no_incident"]) == set(BENIGN)
    assert expected["explained"] == {"O-B11": "guard"} | dict.fromkeys(SALUTE, "salute")
    assert set(expected["watches"]) == {"O-M01", "O-M02"}
    assert len(expected["variants"]) == 6


@pytest.mark.parametrize(
    ("event", "must", "may"),
    [("O-M04", A_MUST, A_MAY), ("O-M13", B_MUST, B_MAY), ("O-M17", ("O-M17",), ())],
    ids=["OSL-A", "OSL-B", "OSL-C"],
)
def test_an_incident_holds_its_events_and_no_other(
    outcome: Outcome, event: str, must: tuple[str, ...], may: tuple[str, ...]
) -> None:
    held = set(outcome.the(event).events)
    assert set(must) <= held <= set(must) | set(may)


def test_there_are_three_incidents_and_no_watch_is_left(outcome: Outcome) -> None:
    assert [incident.kind for incident, _ in outcome.incidents] == ["incident"] * 3


@pytest.mark.parametrize(("event", "severity"), [("O-M04", "critical"), ("O-M13", "critical"), ("O-M17", "medium")])
def test_an_incident_has_its_severity(outcome: Outcome, event: str, severity: str) -> None:
    assert outcome.the(event).severity == severity


@pytest.mark.parametrize("event", ["O-M04", "O-M13"])
def test_an_incident_is_opened_by_its_first_event(outcome: Outcome, event: str) -> None:
    incident = outcome.the(event)
    opener = next(alert for alert in outcome.alerts(incident) if incident.id == f"inc-{alert.id}")
    assert opener.events == (event,)
    assert incident.opened == parse_instant(named(day(), event)["@timestamp"])


@pytest.mark.parametrize(
    ("opened_by", "critical_by", "clock"), [("O-M04", "O-M11", "10:47:15"), ("O-M13", "O-M16", "10:54:10")]
)
def test_an_incident_is_critical_as_soon_as_its_event_arrives(
    folder: Path, opened_by: str, critical_by: str, clock: str
) -> None:
    events = day(folder)
    assert parse_instant(named(events, critical_by)["@timestamp"]) == parse_instant(at(clock))
    arrival = parse_instant(named(events, critical_by)["event"]["created"])
    until = [event for event in events if parse_instant(event["event"]["created"]) <= arrival]
    assert replay(until, setup=setup_of(folder), finish=False).the(opened_by).severity == "critical"
    before = [event for event in until if event["event"]["id"] != critical_by]
    assert replay(before, setup=setup_of(folder), finish=False).the(opened_by).severity != "critical"


def test_the_absent_patrol_was_due_four_minutes_after_the_roof_door(outcome: Outcome) -> None:
    alert = outcome.alert(ROOF_UNCHECKED)
    assert alert is not None
    assert alert.events == ("O-M07",)
    assert len(alert.absent) == 1
    assert alert.at == parse_instant(at("10:45:10"))
    assert alert.id in {one.id for one in outcome.alerts(outcome.the("O-M04"))}


def test_the_place_of_the_correlations_in_osl_a_is_certain(outcome: Outcome) -> None:
    placed = {alert.certainty for alert in outcome.alerts(outcome.the("O-M04")) if alert.certainty}
    assert placed == {"certain"}


def test_the_flood_is_linked_to_osl_a_and_to_nothing_else(outcome: Outcome) -> None:
    flood, a, b = outcome.the("O-M17"), outcome.the("O-M04"), outcome.the("O-M13")
    assert (flood.linked, a.linked, b.linked) == ((a.id,), (flood.id,), ())


@pytest.mark.parametrize("event", ["O-M01", "O-M02"])
def test_an_open_source_item_opens_a_watch_at_once(folder: Path, event: str) -> None:
    events = day(folder)
    until = events[: events.index(named(events, event)) + 1]
    assert replay(until, setup=setup_of(folder), finish=False).the(event).kind == "watch"


@pytest.mark.parametrize("event", ["O-M01", "O-M02"])
def test_a_watch_ends_as_a_watch_or_as_a_member_of_osl_a(outcome: Outcome, event: str) -> None:
    held = outcome.the(event)
    assert held.kind == "watch" or held.id == outcome.the("O-M04").id


@pytest.mark.parametrize("event", BENIGN)
def test_a_benign_event_is_in_no_incident(outcome: Outcome, event: str) -> None:
    assert outcome.holding(event) == []


def test_the_explained_events_are_in_the_ledger(outcome: Outcome) -> None:
    assert outcome.explained == {"O-B11": "guard"} | dict.fromkeys(SALUTE, "salute")
    assert all(line.plan and line.reason and line.rule for line in outcome.ledger)


def test_without_the_plan_there_are_the_same_three_and_two_more(outcome: Outcome, planless: Outcome) -> None:
    assert [one.id for one, _ in planless.incidents[:3]] == [one.id for one, _ in outcome.incidents]
    assert [one.events for one, _ in planless.incidents[:3]] == [one.events for one, _ in outcome.incidents]
    assert [set(one.events) for one, _ in planless.incidents[3:]] == [set(SALUTE), {"O-B11"}]
    assert planless.ledger == []


# --- variants


def _without_device(event: Event) -> None:
    del event["device"]


def _as_is(event: Event) -> None:
    pass


@pytest.mark.parametrize("change", [_as_is, _without_device], ids=["same device", "no device"])
def test_firearms_400_m_away_are_an_incident_of_their_own(outcome: Outcome, change: Callable[[Event], None]) -> None:
    events = day()
    for id in ("O-M11", "O-M12"):
        named(events, id)["place"]["location"] = {"lat": 59.9165, "lon": 10.7288}
        change(named(events, id))
    changed = replay(events)
    a = changed.the("O-M04")
    assert a.id == outcome.the("O-M04").id
    assert set(A_MUST) - {"O-M11", "O-M12"} <= set(a.events) <= {*A_MUST, *A_MAY} - {"O-M11", "O-M12"}
    assert a.severity != "critical"
    firearms = {incident.id for id in ("O-M11", "O-M12") for incident in changed.holding(id)}
    assert a.id not in firearms
    if change is _as_is:
        assert set(changed.the("O-M11").events) == {"O-M11", "O-M12"}


def _elsewhere(event: Event) -> None:
    event["device"] = {"id": "NS-Z4-09"}


def _other_known(event: Event) -> None:
    event["device"] = {"id": "NS-Z1-01"}


@pytest.mark.parametrize(
    "change",
    [_as_is, _elsewhere, _other_known, _without_device],
    ids=["same device", "another device", "another device of the model", "no device"],
)
def test_one_more_impulse_far_from_the_salute_is_one_more_incident(
    outcome: Outcome, change: Callable[[Event], None]
) -> None:
    events = day()
    extra = twin(named(events, "O-B12.10"), "X-1", "12:00:47")
    extra["place"] = {"zone": "Z4", "location": {"lat": 59.9151, "lon": 10.7354}, "radius": 60}
    change(extra)
    changed = replay([*events, extra])
    assert changed.the("X-1").events == ("X-1",)
    others = [one for one, _ in changed.incidents if "X-1" not in one.events]
    assert [(one.id, one.events) for one in others] == [(one.id, one.events) for one, _ in outcome.incidents]
    assert changed.explained == outcome.explained


def test_a_vehicle_three_minutes_earlier_is_not_correlated(outcome: Outcome) -> None:
    _is_not_correlated(replay(moved(day(), "O-M16", -180)), outcome)


def test_a_bollard_fifteen_minutes_later_is_not_correlated(outcome: Outcome) -> None:
    _is_not_correlated(replay(moved(day(), "O-M14", 900)), outcome)


def _is_not_correlated(changed: Outcome, outcome: Outcome) -> None:
    assert changed.alert("Closed street opened from the network and entered") is None
    both = changed.the("O-M13")
    assert {"O-M13", "O-M14"} <= set(both.events) <= {"O-M13", "O-M14", "O-M15"}
    assert both.severity != "critical"
    assert changed.the("O-M16").events == ("O-M16",)
    assert changed.the("O-M04").events == outcome.the("O-M04").events


@pytest.mark.parametrize(("clock", "fired"), [("10:45:09", False), ("10:45:10", False), ("10:45:11", True)])
def test_a_patrol_tag_in_time_is_no_absence(clock: str, fired: bool) -> None:
    events = day()
    tag = twin(named(events, "O-G003"), "X-TAG", clock)
    assert (replay([*events, tag]).alert(ROOF_UNCHECKED) is not None) is fired


def test_a_patrol_tag_that_arrives_late_but_within_the_lateness_is_no_absence() -> None:
    events = day()
    tag = twin(named(events, "O-G003"), "X-TAG", "10:45:09")
    tag["event"]["created"] = at("10:47:08")
    changed = replay([*events, tag], cut=lambda: 1)
    assert changed.alert(ROOF_UNCHECKED) is None
    assert not any(alert.title == ROOF_UNCHECKED for commit in changed.commits for alert in commit.alerts)


@pytest.mark.parametrize("seed", range(40))
def test_any_arrival_within_two_minutes_ends_in_the_same(outcome: Outcome, seed: int) -> None:
    _arrives_anew(outcome, seed)


@pytest.mark.soak
@pytest.mark.parametrize("block", range(10))
def test_a_thousand_arrivals_end_in_the_same(outcome: Outcome, block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        _arrives_anew(outcome, seed)


def _arrives_anew(outcome: Outcome, seed: int) -> None:
    draw = random.Random(seed)
    sizes = draw.choice([(1, 1), (1, 4), (1, 20), (100, 100)])
    often = draw.choice([0.0, 0.2, 1.0])
    changed = replay(redrawn(day(), seed), cut=lambda: draw.randint(*sizes), restart=lambda: draw.random() < often)
    assert changed.state() == outcome.state()


@pytest.mark.parametrize("planned", [True, False])
def test_a_restart_after_every_single_event_changes_nothing(planned: bool) -> None:
    setup: Setup = setup_of(DEMO, planned)
    straight = replay(day(), setup=setup, cut=lambda: 1)
    killed = replay(day(), setup=setup, cut=lambda: 1, restart=lambda: True)
    assert killed.state() == straight.state()
    assert [one.revision for one, _ in killed.incidents] == [one.revision for one, _ in straight.incidents]
    assert [_written(commit) for commit in killed.commits] == [_written(commit) for commit in straight.commits]


def _written(commit: Commit) -> Commit:
    """A commit without what is dropped at another time after a start: past windows, summaries that may be filed."""
    kept = tuple(
        (key, value)
        for key, value in commit.state
        if key.space != "windows" and not (key.space == "summary" and value is None)
    )
    return msgspec.structs.replace(commit, state=kept)

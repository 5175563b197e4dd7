"""A contested device: silence proves nothing, an all clear closes nothing, and heartbeats are told of as ever."""

from typing import Any

import pytest
from planning import NOON, Run, correlation, event, rule, rules, setup_of

from correlator.why.ask import ask_event
from correlator.why.record import Record
from impetus.domain.action import Action
from impetus.domain.instant import SECOND
from impetus.domain.rule import RuleSet

CITY = """
city: Oslo
zones:
- {id: Z1}
devices:
- {id: VMS, kind: vms, zone: Z1}
- {id: CAM-1, kind: camera, zone: Z1, addresses: [10.0.0.1], depends_on: [VMS]}
- {id: CAM-2, kind: camera, zone: Z1}
"""
BEATING = CITY.replace("[VMS]}", "[VMS], heartbeat: {every: 30s, silent_after: 90s}}")
BODY = (
    "type: temporal, rules: [masked, cleared], group-by: [device.id], timespan: 2m, condition: masked and not cleared"
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return rules(
        tmp_path_factory.mktemp("rules"),
        rule("intrusion", 1, "event.action: intrusion", "high"),
        rule("masked", 2, "event.action: masked"),
        rule("cleared", 3, "event.action: cleared", "informational"),
        rule("silent", 4, "event.action: silent"),
        correlation("stays masked", 5, BODY),
    )


def at(seconds: float, action: str, device: str = "CAM-1") -> dict[str, Any]:
    return event(f"{action}-{device}-{seconds:g}", seconds, action, None, **{"device.id": device})


def begun(found: RuleSet, *events: dict[str, Any], city: str = CITY) -> Run:
    run = Run(setup_of(found, city=city))
    run.feed(*events)
    return run


def titled(run: Run, title: str) -> set[tuple[str, ...]]:
    return {alert.events for alert in run.alerts.values() if alert.title == title}


def unknown(run: Run) -> list[str]:
    return [one.what for one in run.correlator.notices() if one.code == "absence.unknown"]


@pytest.mark.parametrize("device", ["CAM-1", "10.0.0.1"])
def test_the_silence_of_a_contested_device_proves_no_absence_and_names_the_incident(
    found: RuleSet, device: str
) -> None:
    run = begun(found, at(0, "intrusion", "VMS"), at(10, "masked", device), at(10, "masked", "CAM-2"))
    run.restart()
    run.finish()
    assert titled(run, "stays masked") == {("masked-CAM-2-10",)}
    (incident,) = [one for one in run.incidents if one.contested]
    (what,) = unknown(run)
    assert what.endswith(f"device CAM-1 is contested by the incident {incident.id}")


@pytest.mark.parametrize(("doubt", "fires"), [(0, False), (129, False), (130, True)])
def test_it_is_contested_for_what_is_after_the_incident_by_event_time(found: RuleSet, doubt: int, fires: bool) -> None:
    for events in (
        [at(10, "masked"), at(doubt, "intrusion", "VMS")],
        [at(doubt, "intrusion", "VMS"), at(10, "masked")],
    ):
        run = begun(found, *events[:1])
        run.feed(*events[1:])
        run.finish()
        assert bool(titled(run, "stays masked")) is fires


def test_a_device_that_a_person_cleared_proves_absence_again(found: RuleSet) -> None:
    run = begun(found, at(0, "intrusion", "VMS"))
    (incident,) = run.incidents
    action = Action("1", incident.id, "kari", "clear", targets=("CAM-1",))
    _, commit = run.correlator.act(action, NOON + 5 * SECOND)
    run._keep(commit)
    run.feed(at(10, "masked"))
    run.finish()
    assert (titled(run, "stays masked"), unknown(run)) == ({("masked-CAM-1-10",)}, [])


def test_who_asks_why_it_did_not_fire_is_told_that_nobody_can_tell(found: RuleSet) -> None:
    run = begun(found, at(0, "intrusion", "VMS"), at(10, "masked"), at(10, "masked", "CAM-2"))
    run.finish()
    asked = next(rule for rule in found.rules if rule.title == "stays masked")
    answers = {
        name: ask_event(Record(run.setup, run.store), asked, f"masked-{name}-10", lambda event, field, value: value)
        for name in ("CAM-1", "CAM-2")
    }
    assert (answers["CAM-1"].fired, answers["CAM-2"].fired) == (False, True)
    assert "CAM-1 is contested by the incident" in answers["CAM-1"].outcome
    absence = answers["CAM-1"].windows[0].absence
    assert absence is not None
    assert absence.state == "unknown"


@pytest.mark.parametrize(
    ("doubt", "device", "unknowns"), [(0, "CAM-1", 1), (60, "CAM-1", 1), (61, "CAM-1", 0), (0, "CAM-2", 0)]
)
def test_an_all_clear_ends_a_wait_unless_its_device_was_contested_by_then(
    found: RuleSet, doubt: int, device: str, unknowns: int
) -> None:
    events = sorted([(doubt - 1, "intrusion", "VMS"), (10, "masked", device)])
    run = begun(found, *(at(*one) for one in events))
    run.restart()
    run.feed(at(60, "cleared", device))
    run.finish()
    assert (titled(run, "stays masked"), len(unknown(run))) == (set(), unknowns)


def test_the_all_clear_of_a_device_that_a_person_cleared_ends_a_wait(found: RuleSet) -> None:
    run = begun(found, at(0, "intrusion", "VMS"), at(10, "masked"))
    (incident,) = [one for one in run.incidents if one.contested]
    _, commit = run.correlator.act(Action("1", incident.id, "kari", "clear", targets=("CAM-1",)), NOON + 20 * SECOND)
    run._keep(commit)
    run.feed(at(60, "cleared"))
    run.finish()
    assert (titled(run, "stays masked"), unknown(run)) == (set(), [])


def test_its_heartbeat_is_told_of_and_neither_it_nor_an_all_clear_closes_anything(found: RuleSet) -> None:
    run = begun(found, at(0, "intrusion", "VMS"), at(1, "masked"), at(2, "alive"), city=BEATING)
    before = {one.id: (one.status, one.severity) for one in run.incidents}
    run.feed(at(400, "cleared"), at(401, "returned"), at(900, "tick", "CAM-2"))
    run.finish()
    assert ("silent",) in {(title,) for title, *_ in run.alerted}
    after = {one.id: (one.status, one.severity) for one in run.incidents}
    assert {id: after[id] for id in before} == before
    assert len(unknown(run)) == 1

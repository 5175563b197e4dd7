"""Heartbeats, sources that are down, and absences that cannot be told: the same in any order, batches and restarts."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import NOON, Run, correlation, event, rule, rules, setup_of

from correlator.health.beat import Beat, outages
from correlator.notices import read_notices
from impetus.domain.batch import Batch
from impetus.domain.instant import SECOND, format_instant
from impetus.domain.ports import EventQuery
from impetus.domain.rule import RuleSet

CITY = """
city: Oslo
zones:
- {id: Z1}
devices:
- {id: S-1, kind: sensor, zone: Z1, location: {lat: 59.9, lon: 10.7}, radius: 15, addresses: [10.0.0.1], heartbeat: {every: 30s, silent_after: 90s}}
- {id: S-2, kind: sensor, zone: Z1, heartbeat: {every: 30s, silent_after: 90s}}
- {id: D-1, kind: door, zone: Z1}
"""  # noqa: E501


def category(name: str, number: int, of: str, selection: str, level: str = "medium") -> str:
    return rule(name, number, selection, level).replace("{product: city}", f"{{product: city, category: {of}}}")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return rules(
        tmp_path_factory.mktemp("rules"),
        category("silent", 1, "device_health", "event.action: silent"),
        category("returned", 2, "device_health", "event.action: returned"),
        category("lost", 8, "device_health", "event.action: silent"),
        category("door", 3, "access_control", "event.action: opened"),
        category("patrol", 4, "patrol", "event.action: tag", "informational"),
        correlation("dark", 5, "type: value_count, rules: [silent], timespan: 5m, condition: {field: device.id, gte: 2}"),  # noqa: E501
        correlation("unchecked", 6, "type: temporal, rules: [door, patrol], timespan: 4m, condition: door and not patrol"),  # noqa: E501
        correlation("unheard", 7, "type: temporal, rules: [door, silent], timespan: 4m, condition: door and not silent"),  # noqa: E501
    )  # fmt: skip


def alive(id: str, at: float, device: str = "S-1", provider: str = "sensors", **fields: Any) -> dict[str, Any]:
    return event(id, at, "reading", None, **{"device.id": device, "event.provider": provider, **fields})


def other(at: float, provider: str = "sensors") -> dict[str, Any]:
    """Something that moves event time on."""
    return event(f"t{at:g}", at, "tick", None, **{"event.provider": provider})


def door(at: float = 200) -> dict[str, Any]:
    return event(f"d{at:g}", at, "opened", None, **{"logsource.category": "access_control", "event.provider": "doors"})


def patrol(id: str, at: float, device: str = "S-1", provider: str = "patrol") -> dict[str, Any]:
    return event(id, at, "tag", None, **{
        "logsource.category": "patrol", "device.id": device, "event.provider": provider, "place.zone": None,
    })  # fmt: skip


def derived(run: Run) -> list[tuple[float, str, str]]:
    """(seconds after noon, device, action) of the events that the correlator added, in the order of the log."""
    lines = (json.loads(line) for commit in run.commits for line in commit.lines)
    own = [line for line in lines if isinstance(line.get("event"), dict) and line["event"]["provider"] == "heartbeat"]
    times = {id: one.time for one in run.store.events(EventQuery(limit=10_000)) for id in [one.id]}
    return [((times[e["event"]["id"]] - NOON) / SECOND, e["device"]["id"], e["event"]["action"]) for e in own]


def titles(run: Run) -> set[str]:
    return {alert.title for alert in run.alerts.values()}


# --- heartbeats


def test_silence_begins_at_the_last_sign_and_is_concluded_when_event_time_has_passed_it(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0), alive("b", 30), other(120 + 120))
    assert derived(run) == []
    commit = run.feed(other(120 + 120.001))
    assert derived(run) == [(120, "S-1", "silent")]
    assert {alert.title for alert in commit.alerts} == {"lost"}
    run.feed(alive("c", 300), other(500))
    assert derived(run) == [(120, "S-1", "silent"), (300, "S-1", "returned")]


def test_the_event_is_found_and_carries_what_the_model_says(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0), other(600))
    (stored,) = [one for one in run.store.events(EventQuery(keys=("device:S-1",))) if one.id != "a"]
    silent = json.loads(stored.line)
    assert silent["logsource"] == {"product": "city", "category": "device_health", "service": "device_health"}
    assert silent["place"] == {"zone": "Z1", "location": {"lat": 59.9, "lon": 10.7}, "radius": 15.0}
    assert (silent["device"], silent["@timestamp"]) == ({"id": "S-1", "kind": "sensor"}, "2027-05-17T12:01:30Z")


def test_a_device_that_never_spoke_is_not_silent_and_neither_is_one_without_a_heartbeat(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0, "D-1"), other(5_000))
    assert derived(run.finish()) == []


def test_at_the_end_of_a_replay_no_silence_is_later_than_the_newest_event(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0), alive("b", 10, "S-2"), other(95))
    assert derived(run.finish()) == [(90, "S-1", "silent")]


def test_an_address_of_the_device_is_a_sign_of_life_when_it_speaks_only(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0), event("f", 80, "flow", None, **{"source.ip": "10.0.0.1", "device.id": None}))
    run.feed(event("g", 160, "flow", None, **{"destination.ip": "10.0.0.1", "device.id": None}), other(500))
    assert derived(run) == [(170, "S-1", "silent")]


def test_a_sign_at_the_very_end_of_the_wait_is_in_time(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0), alive("b", 90), other(181))
    assert derived(run.finish()) == [(180, "S-1", "silent")]


def test_silences_are_counted_like_any_event_and_end_waits_for_them(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0), alive("b", 20, "S-2"), door(50), other(900))
    assert titles(run.finish()) >= {"lost", "dark", "unchecked"}
    assert "unheard" not in titles(run), "the silence came while the door waited, in the same step"


def test_a_clock_that_is_ahead_keeps_no_device_alive(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    ahead = alive("b", 30_000_000) | {"event.created": format_instant(NOON + 30 * SECOND)}
    run.feed(alive("a", 0), ahead, other(400))
    assert derived(run) == [(120, "S-1", "silent")]


def test_a_log_that_holds_the_silences_already_ends_in_the_same(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0), alive("b", 20, "S-2"), door(50), other(900))
    run.finish()
    lines = [json.loads(line) for commit in run.commits for line in commit.lines]
    again = Run(setup_of(found, city=CITY))
    again.feed(*sorted(lines, key=lambda one: one.get("event.created") or one["event"]["created"]))
    assert again.finish().state() == run.state()
    assert sorted(derived(again)) == sorted(derived(run))


def test_who_only_claims_to_be_a_heartbeat_is_treated_as_any_source(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(alive("a", 0, provider="heartbeat"), other(100))
    assert derived(run.finish()) == [(90, "S-1", "silent")]
    assert "heartbeat" in run.correlator.clock.sources


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["S-1", "S-2"]), st.integers(0, 90), st.integers(0, 119)), min_size=1),
    st.integers(0, 2**32),
)
def test_any_order_within_the_lateness_and_restarts_end_in_the_same(
    found: RuleSet, signs: list[tuple[str, int, int]], seed: int
) -> None:
    events = [(10 * at + delay, alive(f"e{n}", 10 * at, device)) for n, (device, at, delay) in enumerate(signs)]
    events += [
        (at, event(f"p{at}", at, "tag", None, **{"logsource.category": "patrol", "device.id": "S-2"}))
        for at in (0, 500)
    ]
    events += [(at, door(at)) for at in (100, 400, 700)]
    draw = random.Random(seed)

    def outcome(order: list[dict[str, Any]], shuffled: bool) -> object:
        run = Run(setup_of(found, city=CITY))
        while order:
            size = draw.randint(1, 3) if shuffled else 1
            run.feed(*order[:size])
            order = order[size:]
            if shuffled and draw.random() < 0.3:
                run.restart()
        run.finish()
        return run.state(), sorted(derived(run))

    by_arrival = [one for _, one in sorted(events, key=lambda one: one[0])]
    by_time = sorted(by_arrival, key=lambda one: one["@timestamp"])
    assert outcome(by_arrival, True) == outcome(by_time, False)


@given(st.permutations([(0, 90), (100, 90), (30, 90), (300, 90), (210, 90)]))
def test_the_runs_of_a_device_do_not_depend_on_the_order_of_its_signs(signs: list[tuple[int, int]]) -> None:
    beat = Beat([], False, [], {}, {})
    for time, span in signs:
        beat.sign(time, span, late=False)
    assert beat.runs == [(0, 100), (210, 300)]


def test_a_source_is_down_while_all_who_had_spoken_are_silent() -> None:
    beats = [(0, Beat([], True, [(10, 30), (50, None)], {}, {})), (20, Beat([], True, [(40, None)], {}, {}))]
    assert outages(iter(beats)) == [(10, 20), (50, None)]


# --- cannot tell


def waiting(found: RuleSet) -> Run:
    """A patrol source that has tagged, with one device that has a heartbeat."""
    run = Run(setup_of(found, city=CITY))
    run.feed(patrol("p", 0), patrol("q", 60))
    return run


def test_an_idle_source_proves_the_absence(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(patrol("p", 0, "D-1"), door(400), other(2_000))
    assert "unchecked" in titles(run.finish())
    assert list(run.correlator.notices()) == []


def test_an_absence_is_not_told_while_all_devices_of_the_source_are_silent(found: RuleSet) -> None:
    run = waiting(found)
    run.feed(door(200), other(2_000))
    assert "unchecked" not in titles(run.finish())
    (doubt,) = [one for one in run.correlator.notices() if one.code == "absence.unknown"]
    assert doubt.about == "rule unchecked"
    assert doubt.what == "cannot tell what did not happen until 2027-05-17T12:07:20Z: source patrol was down"
    assert doubt in read_notices(run.store)


def test_a_source_of_which_one_device_speaks_is_not_down(found: RuleSet) -> None:
    run = waiting(found)
    speaks = [alive(f"s{n}", 30 * n, "S-2", "patrol") for n in range(20)]
    run.feed(*speaks[:7], door(200), *speaks[7:], other(2_000))
    assert "unchecked" in titles(run.finish())


def test_an_absence_is_told_again_once_the_source_is_back(found: RuleSet) -> None:
    run = waiting(found)
    back = [alive(f"s{n}", 300 + 30 * n, "S-1", "patrol") for n in range(20)]
    run.feed(door(200), *back[:7], door(500), *back[7:], other(2_000))
    alerts = [alert for alert in run.finish().alerts.values() if alert.title == "unchecked"]
    assert [alert.events for alert in alerts] == [("d500",)]


def test_what_happened_during_an_outage_needs_no_doubt(found: RuleSet) -> None:
    run = waiting(found)
    run.feed(door(200), patrol("r", 300), other(2_000))
    assert "unchecked" not in titles(run.finish())
    assert not [one for one in run.correlator.notices() if one.code == "absence.unknown"]


def test_a_collector_that_is_down_makes_its_sources_unable_to_tell_also_in_a_replay(found: RuleSet) -> None:
    run = Run(setup_of(found, city=CITY))
    run.feed(patrol("p", 0, "D-1"), source="radio")
    report = run.correlator.report("radio", True, "connection refused", NOON + 300 * SECOND)
    assert report is not None
    run._keep(run.correlator.replay_step([report], 0))
    assert run.correlator.report("radio", True, "still", NOON + 310 * SECOND) is None
    assert [(one.code, one.about) for one in run.correlator.notices()] == [
        ("source.down", "source patrol"),
        ("source.down", "source radio"),
    ]
    run.feed(door(200))
    run.restart()
    up = run.correlator.report("radio", False, "runs again", NOON + 350 * SECOND)
    assert up is not None
    run._keep(run.correlator.replay_step([up], 0))
    run.feed(door(900), other(3_000))
    assert [one.events for one in run.finish().alerts.values() if one.title == "unchecked"] == [("d900",)]
    assert set(run.correlator.clock.sources) == {"patrol", "doors", "sensors"}
    again = Run(setup_of(found, city=CITY))
    again.feed(*(json.loads(line) for commit in run.commits for line in commit.lines), source="replay")
    assert again.finish().state() == run.state()


def test_doubts_and_clocks_are_told_of(found: RuleSet, tmp_path: Path) -> None:
    run = Run(setup_of(found, city=CITY))
    year = 365 * 86_400
    ahead = event("x", year, "tick", None, **{"event.provider": "fast", "event.created": format_instant(NOON)})
    behind = event("y", -year, "tick", None, **{"event.provider": "slow", "event.created": format_instant(NOON)})
    run.feed(ahead, behind, other(0))
    run.feed(behind | {"event.id": "z"}, other(1))
    run._keep(run.correlator.replay_step([Batch("bad", (b"{}",))], 0))
    told = {(one.code, one.about, one.count) for one in run.correlator.notices()}
    assert told == {
        ("clock.ahead", "source fast", 1),
        ("clock.behind", "source slow", 2),
        ("source.late", "source slow", 2),
        ("event.malformed", "source bad", 1),
    }
    assert all(one.hint for one in run.correlator.notices())
    assert {(one.code, one.about, one.count) for one in read_notices(run.store)} == told

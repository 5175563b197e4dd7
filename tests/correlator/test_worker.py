"""The correlator as a whole: what a step commits, what is left out, what people do, and going on after a kill."""

import json
from pathlib import Path

import pytest
from planning import AWAY, NOON, Run, correlation, event, rule, rules, run_all, setup_of

from correlator.worker import Correlator, controls_of
from impetus.domain.action import Action, Undo
from impetus.domain.batch import Batch, Commit, Control, Reject
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.instant import SECOND
from impetus.domain.rule import RuleSet
from integrations.embedded.store import EmbeddedStore


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return rules(
        tmp_path_factory.mktemp("rules"),
        rule("door", 1, "event.action: door"),
        rule("known", 2, "threat.enrichments.indicator.name|exists: true", "high"),
        rule("patrol", 3, "event.action: patrol", "informational"),
        correlation("doors", 4, "type: event_count, rules: [door], group-by: [device.id], timespan: 1m, condition: {gte: 3}"),  # noqa: E501
        correlation("alarm", 5, "type: temporal, rules: [doors, known], timespan: 5m", "critical"),
        correlation("unchecked", 6, "type: temporal, rules: [door, patrol], group-by: [device.id], timespan: 4m, condition: door and not patrol"),  # noqa: E501
    )  # fmt: skip


def doors(*times: float) -> list[dict[str, object]]:
    return [event(f"d{at:g}", at, "door") for at in times]


INDICATOR = {
    "logsource.product": "cti", "logsource.category": "indicator", "threat.indicator.type": "ipv4-addr",
    "threat.indicator.name": "203.0.113.77", "device.id": None,
}  # fmt: skip


# --- what a step commits


def test_a_step_commits_the_events_as_they_came_with_what_was_added(found: RuleSet) -> None:
    run = Run(setup_of(found))
    line = json.dumps(event("e", 0, "door", None, **{"device.id": "CAM-1", "place.zone": None})).encode()
    reject = Reject("mqtt", "source.record", "no JSON", "1", b"?")
    commit = run.correlator.step(
        [Batch("mqtt", (line,), b"p1", (reject,)), Batch("mqtt", (b"{}",), b"p2"), Batch("udp", ())], NOON
    )
    assert commit.lines == (line,)
    assert json.loads(commit.additions[0])["place.zone"] == "Z1"
    assert (commit.heads[0].id, commit.heads[0].time, set(commit.heads[0].keys)) == (
        "e",
        NOON,
        {"device:CAM-1", "zone:Z1"},
    )
    assert commit.positions == (("mqtt", b"p2"),)
    assert [one.source for one in commit.rejects] == ["mqtt", "mqtt"]
    assert [one.events for one in commit.alerts] == [("e",)]
    assert [one.id for one in commit.incidents] == [f"inc-{commit.alerts[0].id}"]


def test_an_idle_step_commits_nothing(found: RuleSet) -> None:
    run = Run(setup_of(found))
    assert run.correlator.step([], NOON) == Commit()
    run.feed(*doors(0))
    assert run.correlator.step([], NOON + SECOND).incidents == ()


def test_what_is_delivered_again_is_counted_and_left_out_also_after_a_restart(found: RuleSet) -> None:
    run = Run(setup_of(found))
    assert run.feed(*doors(0, 0, 1)).duplicates == 1
    before = run.state()
    assert (run.feed(*doors(0)).duplicates, run.feed(*doors(0)).lines) == (1, ())
    run.restart()
    assert run.feed(*doors(0, 1)).duplicates == 2
    assert run.state() == before


def test_a_malformed_line_stops_nothing(found: RuleSet) -> None:
    run = Run(setup_of(found))
    good = [json.dumps(one).encode() for one in doors(0, 1)]
    commit = run.correlator.replay_step([Batch("s", (good[0], b"{", b"\xff", b"[" * 10_000, good[1]))], 0)
    assert (commit.lines, len(commit.rejects)) == (tuple(good), 3)


def test_an_event_too_late_is_kept_and_matched_but_enters_no_window(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(*doors(500))
    run.feed(*doors(0, 1, 2))
    assert ("door", "d1") in run.alerted
    assert not [title for title, *_ in run.alerted if title == "doors"]
    assert run.correlator.clock.sources["test"].late == 3


# --- chains and absence


def test_a_correlation_of_correlations_has_the_events_of_all(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(
        event("i", -10, "indicator", **INDICATOR),
        *doors(0, 1, 2),
        event("k", 3, "login", AWAY, **{"source.ip": "203.0.113.77"}),
    )
    assert {("doors", "d0", "d1", "d2"), ("alarm", "d0", "d1", "d2", "k")} < run.alerted
    run.feed(*doors(4))
    assert {("doors", "d0", "d1", "d2", "d4"), ("alarm", "d0", "d1", "d2", "k", "d4")} < run.alerted
    assert run.incidents[0].severity == "critical"


@pytest.mark.parametrize(("at", "absent"), [(240, False), (241, True)])
def test_an_absence_comes_out_at_the_end_of_its_time(found: RuleSet, at: float, absent: bool) -> None:
    run = run_all(setup_of(found), [*doors(0), event("p", at, "patrol")], lambda: 1)
    (alert,) = [one for one in run.alerts.values() if one.title == "unchecked"] or [None]
    assert (alert is not None) is absent
    assert alert is None or (alert.at, alert.absent) == (NOON + 240 * SECOND, ("00000000-0000-4000-8000-000000000003",))


def test_a_late_member_of_an_inner_correlation_is_one_of_the_outer_too(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(event("i", -10, "indicator", **INDICATOR), *doors(0, 1, 3))
    run.feed(event("k", 3, "login", AWAY, **{"source.ip": "203.0.113.77"}))
    run.feed(*doors(2))
    assert ("alarm", "d0", "d1", "d2", "d3", "k") in run.alerted


# --- indicators


def test_an_indicator_counts_for_later_events_also_after_a_restart(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(event("k0", -20, "login", **{"source.ip": "203.0.113.77"}), event("i", -10, "indicator", **INDICATOR))
    run.restart()
    run.feed(event("k1", 0, "login", **{"source.ip": "203.0.113.77"}))
    assert {row for row in run.alerted if row[0] == "known"} == {("known", "k1")}


def test_an_indicator_with_an_end_counts_until_then(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(event("i", 0, "indicator", **INDICATOR, **{"threat.indicator.valid_until": "2027-05-17T12:00:30Z"}))
    run.feed(*(event(f"k{at}", at, "login", **{"source.ip": "203.0.113.77"}) for at in (29, 30)))
    assert {row for row in run.alerted if row[0] == "known"} == {("known", "k29")}


def test_an_indicator_that_arrives_after_an_event_of_its_time_counts_for_it(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(event("k", 0, "login", **{"source.ip": "203.0.113.77"}))
    run.feed(event("i", -10, "indicator", **INDICATOR))
    assert ("known", "k") in run.alerted


# --- what people do


def act(run: Run, verb: str, id: str = "1", **more: str) -> Incident:
    incident, commit = run.correlator.act(Action(id, run.incidents[0].id, "kari", verb, **more), NOON)  # type: ignore[arg-type]
    run.store.commit(commit)
    return incident


@pytest.fixture
def run(found: RuleSet) -> Run:
    run = Run(setup_of(found))
    run.feed(*doors(0))
    return run


def test_actions_are_recorded_and_survive_a_restart(run: Run) -> None:
    assert (act(run, "take").status, act(run, "escalate", "2").status) == ("taken", "escalated")
    run.restart()
    assert act(run, "note", "3", note="calm").owner == "kari"
    run.feed(*doors(10))
    (one,) = run.incidents
    assert ([record.verb for record in one.history], one.status) == (["take", "escalate", "note"], "escalated")


def test_an_action_sent_twice_is_done_once(run: Run) -> None:
    first = act(run, "take")
    assert act(run, "take") == first
    incident, commit = run.correlator.act(Action("1", first.id, "kari", "take"), NOON)
    assert (incident, commit) == (first, Commit())


def test_a_closed_incident_takes_nothing_in_until_it_is_open_again_also_after_a_restart(run: Run) -> None:
    closed = act(run, "close", disposition="benign")
    run.restart()
    run.feed(*doors(10))
    assert {one.events for one in run.incidents} == {("d0",), ("d10",)}
    incident, commit = run.correlator.undo(Undo("u", closed.id, "ola", "1"), NOON)
    run.store.commit(commit)
    assert (incident.status, incident.disposition) == ("open", None)
    run.feed(*doors(20))
    (one,) = run.incidents
    assert (one.id, one.events) == (closed.id, ("d0", "d10", "d20"))


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (Action("1", "inc-none", "kari", "take"), "incident.unknown"),
        (Action("1", "", "kari", "close"), "action.refused"),
        (Action("1", "", " ", "take"), "action.refused"),
        (Action("1", "", "kari", "note"), "action.refused"),
        (Action("1", "", "kari", "reopen"), "action.refused"),
        (Action("1", "", "kari", "delete"), "action.refused"),  # type: ignore[arg-type]
    ],
)
def test_an_action_that_does_not_apply_is_refused_and_changes_nothing(run: Run, action: Action, code: str) -> None:
    before = run.incidents
    wanted = Action(action.id, action.incident or before[0].id, action.actor, action.verb)
    with pytest.raises(ImpetusError) as caught:
        run.correlator.act(wanted, NOON)
    assert (caught.value.code, run.incidents) == (code, before)


@pytest.mark.parametrize("action", ["none", "u"])
def test_only_what_was_done_and_not_undone_can_be_undone(run: Run, action: str) -> None:
    id = act(run, "take").id
    run.store.commit(run.correlator.undo(Undo("u", id, "ola", "1"), NOON)[1])
    for undo in (Undo("v", id, "ola", action), Undo("v", id, "ola", "1")):
        with pytest.raises(ImpetusError) as caught:
            run.correlator.undo(undo, NOON)
        assert caught.value.code == "action.refused"


def test_an_action_on_an_incident_that_is_no_longer_active_is_recorded(run: Run) -> None:
    old = run.incidents[0]
    run.feed(event("x", 2 * 86_400, "other"))
    assert run.correlator.act(Action("1", old.id, "kari", "take"), NOON)[0].owner == "kari"


# --- control records


def test_only_controls_that_are_not_in_force_yet_are_written(found: RuleSet) -> None:
    rules_, city = Control("rules", "1", b""), Control("city", "1", b"")
    setup = setup_of(found, controls=(rules_, city))
    assert controls_of(setup, [Control("rules", "1", b""), Control("city", "0", b"")]) == (city,)
    assert controls_of(setup, [rules_, city, Control("city", "2", b"")]) == (city,)


def test_a_correlator_without_plan_and_model_runs_over_an_empty_store(tmp_path: Path, found: RuleSet) -> None:
    with_file = EmbeddedStore(tmp_path / "impetus.db")
    correlator = Correlator(setup_of(found, city="city: x"), with_file)
    with_file.commit(correlator.replay_step([Batch("s", tuple(json.dumps(one).encode() for one in doors(0, 1, 2)))], 0))
    with_file.commit(correlator.finish())
    assert with_file.counts()["incidents"] == 1
    with_file.close()

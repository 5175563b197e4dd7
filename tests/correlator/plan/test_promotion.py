"""A person takes an explanation back, and what a plan can never take away."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import AWAY, HERE, NOON, Run, correlation, event, rule, rules, run_all, setup_of

from impetus.domain.action import Promotion
from impetus.domain.errors import ImpetusError
from impetus.domain.rule import RuleSet

IN = "from: 2027-05-17T11:57:00Z, to: 2027-05-17T12:06:00Z"
NEAR = "place: {location: {lat: 59.9066, lon: 10.7366}, distance: 400}"
SALUTE = f"expected:\n- {{id: salute, reason: 21 guns, {IN}, {NEAR}, event: {{event.action: impulse}}}}\n"
GUARD = f"expected:\n- {{id: guard, reason: arms, {IN}, {NEAR}, event: {{event.action: firearm}}}}\n"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return rules(
        tmp_path_factory.mktemp("rules"),
        rule("impulse", 1, "event.action: impulse"),
        rule("firearm", 2, "event.action: firearm", "high"),
        rule("noted", 4, "event.action: noted", "low"),
        correlation(
            "shooting",
            10,
            "type: temporal, rules: [impulse, firearm], timespan: 5m, place: {distance: {lte: 200}}",
            "critical",
        ),
    )


def promotion(event: str) -> Promotion:
    return Promotion("p1", event, "kari", "it was no gun")


def promote(run: Run, one: Promotion) -> str | None:
    incident, commit = run.correlator.promote(one, NOON)
    run.commits.append(commit)
    run.store.commit(commit)
    return incident.id if incident is not None else None


def test_a_promoted_event_alerts_as_if_no_plan_explained_it_and_that_is_on_record(found: RuleSet) -> None:
    run = Run(setup_of(found, SALUTE))
    run.feed(event("a", 0), event("b", 5))
    id = promote(run, promotion("a"))
    assert run.explained == {"b": "salute"}
    assert run.alerted == {("impulse", "a")}
    (incident,) = run.incidents
    assert incident.id == id
    (record,) = incident.history
    assert (record.actor, record.at, record.verb, record.id) == ("kari", NOON, "note", "p1")
    assert record.note == "promoted a from the ledger of the plan to an alert: it was no gun"
    (control,) = [control for _, control in run.store.controls() if control.kind == "promotion"]
    assert json.loads(control.body)["promotion"] == {"id": "p1", "event": "a", "actor": "kari", "note": "it was no gun"}


def test_a_promotion_holds_after_a_restart_and_whatever_comes_and_again_changes_nothing(found: RuleSet) -> None:
    run = Run(setup_of(found, SALUTE))
    run.feed(event("a", 0), event("b", 5))
    promote(run, promotion("a"))
    run.restart()
    run.feed(event("c", 10))
    assert promote(run, promotion("a")) is None
    run.finish()
    assert run.explained.keys() == {"b", "c"}
    assert run.alerted == {("impulse", "a")}


def test_what_no_plan_explains_cannot_be_promoted(found: RuleSet) -> None:
    run = Run(setup_of(found, SALUTE))
    run.feed(event("a", 0), event("f", 1, "firearm", AWAY))
    for id in ("f", "unknown"):
        with pytest.raises(ImpetusError) as caught:
            promote(run, promotion(id))
        assert caught.value.code == "action.refused"


def test_a_promoted_event_makes_its_correlation_fire(found: RuleSet) -> None:
    run = Run(setup_of(found, SALUTE.replace("expected:\n", GUARD)))
    run.feed(event("a", 0), event("f", 30, "firearm"))
    assert run.alerted == set()
    promote(run, promotion("a"))
    assert ("shooting", "a", "f") in run.alerted
    assert run.explained == {}


def test_an_entry_explains_nothing_while_its_plan_is_not_valid(found: RuleSet) -> None:
    late = SALUTE.replace("12:06:00Z", "19:00:00Z")
    run = run_all(setup_of(found, late), [event("a", 0), event("b", 6 * 3600 - 1), event("c", 6 * 3600)])
    assert run.explained.keys() == {"a", "b"}


# Within the allowed lateness: what comes later than that is for single events alone.
STREAM = st.lists(
    st.tuples(st.integers(0, 110), st.sampled_from(["impulse", "firearm", "noted"]), st.sampled_from([HERE, HERE, AWAY])),  # noqa: E501
    min_size=2, max_size=9,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(STREAM, st.sampled_from([SALUTE, GUARD]), st.integers(0, 2**32))
def test_a_plan_never_silences_what_two_independent_sources_attest(
    found: RuleSet, stream: list[tuple[int, str, tuple[float, float]]], plan: str, seed: int
) -> None:
    """A sound sensor and a camera are independent. A plan that expects one of them never takes what both attest."""
    draw, domains = random.Random(seed), {"impulse": "iot", "firearm": "physical", "noted": "osint"}
    events = [
        event(f"{number}-{action}", at, action, where, **{"city.domain": domains[action], "device.id": f"S-{action}"})
        for number, (at, action, where) in enumerate(stream)
    ]
    without = run_all(setup_of(found), events)
    shuffled = draw.sample(events, len(events))
    with_plan = run_all(setup_of(found, plan), shuffled, lambda: draw.randint(1, 4))
    attested = {one for one in without.alerted if one[0] == "shooting"}
    assert attested <= with_plan.alerted
    members = {id for one in attested for id in one[1:]}
    assert not members & with_plan.explained.keys()
    held = {id for incident in with_plan.incidents for id in incident.events}
    assert members <= held

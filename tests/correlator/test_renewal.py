"""Indicators in any order of arrival: events are enriched anew, and the end is that of indicators that came first."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planning import NOON, Run, correlation, event, rule, rules, setup_of

from impetus.domain.instant import SECOND, format_instant
from impetus.domain.ports import EventQuery
from impetus.domain.rule import RuleSet

MET = "threat.enrichments.indicator.name"
ADDRESSES = ["203.0.113.77", "203.0.113.78", "10.0.0.1"]
PLAN = f"""
expected:
- id: tested
  reason: A test of the indicators
  from: 2027-05-17T11:00:00Z
  to: 2027-05-17T13:00:00Z
  event: {{event.action: login, {MET}: 203.0.113.78}}
  at_most: 2
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    def unknown(name: str, number: int) -> str:
        met = f"known: {{{MET}|exists: true}}, condition: selection and not known"
        return rule(name, number, "event.action: login").replace("condition: selection", met)

    return rules(
        tmp_path_factory.mktemp("rules"),
        rule("known", 1, f"{MET}|exists: true", "high"),
        unknown("unknown", 2),
        unknown("stranger", 9),
        rule("login", 3, "event.action: login", "low"),
        correlation("by indicator", 4, f"type: event_count, rules: [known], group-by: [{MET}], timespan: 2m, condition: {{gte: 2}}"),  # noqa: E501
        correlation("logins", 5, "type: event_count, rules: [login], group-by: [device.id], timespan: 1m, condition: {gte: 3}"),  # noqa: E501
        correlation("indicators", 6, f"type: value_count, rules: [login], group-by: [device.id], timespan: 2m, condition: {{field: {MET}, gte: 2}}"),  # noqa: E501
        correlation("chain", 7, "type: temporal, rules: [logins, known], timespan: 2m", "critical"),
        correlation("no login", 8, "type: temporal, rules: [known, unknown], group-by: [device.id], timespan: 1m, condition: known and not unknown"),  # noqa: E501
    )  # fmt: skip


def indicator(number: int, address: str, at: float, **more: Any) -> dict[str, Any]:
    fields = {"threat.indicator." + name: value for name, value in more.items()}
    return event(
        f"i{number}", at, "indicator", None,
        **{"logsource.product": "cti", "logsource.category": "indicator", "threat.indicator.type": "ipv4-addr",
           "threat.indicator.name": address, "device.id": None, "place.zone": None, **fields},
    )  # fmt: skip


def login(number: int, at: float, *addresses: str) -> dict[str, Any]:
    return event(f"l{number}", at, "login", **{"source.ip": list(addresses), "device.id": f"NS-{number % 2}"})


def moment(seconds: float) -> str:
    return format_instant(NOON + round(seconds * SECOND))


def outcome(run: Run) -> object:
    """Everything that must not depend on the order: also what the store shows of each event, and finds it by."""
    entities = {id: frozenset(alert.entities) for id, alert in run.alerts.items()}
    stored = {one.id: json.loads(one.addition or b"{}") for one in run.store.events(EventQuery(limit=1_000))}
    met = {id for id, added in stored.items() for one in added.get("threat.enrichments", ())}
    assert {id for address in ADDRESSES for id in _found(run, address)} >= met
    return run.state(), entities, stored


def _found(run: Run, address: str) -> set[str]:
    return {one.id for one in run.store.events(EventQuery(keys=(f"indicator:{address}",), limit=1_000))}


SECONDS = st.integers(0, 110)
LOGINS = st.lists(st.tuples(SECONDS, st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=2)), max_size=8)
VERSIONS = st.fixed_dictionaries(
    {"at": st.integers(-300, 60), "address": st.sampled_from(ADDRESSES)},
    optional={
        "id": st.sampled_from(["x", "y"]), "modified_at": st.integers(0, 3).map(moment),
        "valid_until": st.integers(20, 120).map(moment), "revoked": st.just(True),
    },
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LOGINS, st.lists(VERSIONS, max_size=4), st.booleans(), st.data())
def test_indicators_in_any_order_with_restarts_end_as_if_they_had_come_first(
    found: RuleSet,
    logins: list[tuple[int, list[str]]],
    versions: list[dict[str, Any]],
    planned: bool,
    data: st.DataObject,
) -> None:
    setup = setup_of(found, PLAN if planned else None)
    news = [indicator(number, **version) for number, version in enumerate(versions)]
    seen = [login(number, at, *addresses) for number, (at, addresses) in enumerate(logins)]
    first = Run(setup)
    first.feed(*news)
    first.feed(*sorted(seen, key=lambda one: one["@timestamp"]))
    first.finish()
    run = Run(setup)
    waiting = data.draw(st.permutations(news + seen))
    while waiting:
        size = data.draw(st.integers(1, 4))
        run.feed(*waiting[:size])
        waiting = waiting[size:]
        if data.draw(st.booleans()):
            run.restart()
    run.finish()
    assert outcome(run) == outcome(first)


def test_what_is_final_stays_as_it_was(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(login(0, 0, ADDRESSES[0]))
    run.feed(login(1, 200, ADDRESSES[0]))
    run.feed(indicator(0, ADDRESSES[0], -60))
    assert {row for row in run.alerted if row[0] == "known"} == {("known", "l1")}


def test_an_indicator_that_is_taken_back_takes_its_alert_with_it(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(indicator(0, ADDRESSES[0], -60, id="x", modified_at=moment(0)))
    run.feed(login(0, 0, ADDRESSES[0]))
    assert ("known", "l0") in run.alerted
    run.feed(indicator(1, ADDRESSES[0], -60, id="x", modified_at=moment(5), revoked=True))
    assert {row for row in run.alerted if row[0] in {"known", "stranger"}} == {("stranger", "l0")}
    assert run.store.events(EventQuery(ids=("l0",)))[0].addition == b""


def test_an_alert_that_stands_is_revised_and_keeps_its_id(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(login(0, 0, ADDRESSES[0]))
    (before,) = [alert for alert in run.alerts.values() if alert.title == "login"]
    run.feed(indicator(0, ADDRESSES[0], -60))
    after = run.alerts[before.id]
    assert (before.revision, after.revision) == (1, 2)
    assert [entity.key for entity in after.entities if entity not in before.entities] == [f"indicator:{ADDRESSES[0]}"]


def test_the_log_itself_stays_and_only_what_changed_is_revised(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(login(0, 0, ADDRESSES[0]), login(1, 1, ADDRESSES[1]))
    log = list(run.store.log())
    commit = run.feed(indicator(0, ADDRESSES[0], -60))
    assert [one.id for one in commit.revisions] == ["l0"]
    assert list(run.store.log())[:1] == log


def test_a_revision_for_what_members_carry_is_counted_on_from(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(*(login(2 * number, number, ADDRESSES[0]) for number in range(3)))
    run.feed(indicator(0, ADDRESSES[0], -60))
    run.restart()
    run.feed(login(6, 3, ADDRESSES[0]))
    said = [alert.revision for commit in run.commits for alert in commit.alerts if alert.title == "logins"]
    assert said == [1, 2, 3]


def test_an_alert_that_went_and_came_back_counts_on(found: RuleSet) -> None:
    run = Run(setup_of(found))
    run.feed(indicator(0, ADDRESSES[0], -60, id="x", modified_at=moment(0)))
    run.feed(login(0, 0, ADDRESSES[0]))
    run.feed(indicator(1, ADDRESSES[0], -60, id="x", modified_at=moment(5), revoked=True))
    run.feed(indicator(2, ADDRESSES[0], -60, id="x", modified_at=moment(9)))
    said = [(one.revision, one.gone) for commit in run.commits for one in commit.alerts if one.title == "known"]
    assert said == [(1, False), (2, True), (3, False)]


def test_events_that_are_too_many_to_be_enriched_anew_are_told_of(
    found: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(setup_of(found))
    monkeypatch.setattr(run.correlator._reception._renewal, "_most", 2)
    run.feed(*(login(number, number, ADDRESSES[0]) for number in range(5)))
    commit = run.feed(indicator(0, ADDRESSES[0], -60))
    assert {one.id for one in commit.revisions} == {"l3", "l4"}
    (notice,) = [one for one in run.correlator.notices() if one.code == "indicator.bounded"]
    assert notice.count == 3

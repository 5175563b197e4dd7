"""The Padova day, whose ``expected.yml`` was written from the specification before the day was ever run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from padova import VARIANTS, Expectation, Outcome, expectations, rule_ids, run

Check = Callable[[dict[str, Any], Expectation, Outcome, Expectation], None]

RULES = rule_ids()
SAME = [name for name, variant in VARIANTS.items() if variant["then"].get("same")]
REDRAWN = [name for name, variant in VARIANTS.items() if variant.get("redrawn")]
CHECKED = [name for name in VARIANTS if name not in SAME]
INCIDENTS = [(variant, name) for variant in CHECKED for name in expectations(variant)["incidents"]]
ONE_OF = [(variant, event) for variant in CHECKED for event in expectations(variant)["in_exactly_one"]]
LEFT_OUT = [
    (variant, event)
    for variant in CHECKED
    for event in expectations(variant)["in_no_incident"]
    if variant == "as-it-was" or event in VARIANTS[variant]["then"].get("free", ())
]
ASPECTS = ["members", "severity", "alerts", "context"]
"""What is tested apart of an incident that the variant names; of the others all at once."""
CASES = [
    (variant, name, aspect)
    for variant, name in INCIDENTS
    for aspect in (ASPECTS if variant == "as-it-was" or name in expectations(variant)["changed"] else ["whole"])
]


@pytest.fixture(scope="module")
def outcome_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    known: dict[str, Outcome] = {}

    def outcome(variant: str) -> Outcome:
        if variant not in known:
            known[variant] = run(variant, tmp_path_factory.mktemp(variant))
        return known[variant]

    return outcome


def case(*words: str) -> Any:
    return pytest.param(*words, id="-".join(words))


@pytest.mark.parametrize(("variant", "name", "aspect"), [case(*words) for words in CASES])
def test_incident(outcome_of: Callable[[str], Outcome], variant: str, name: str, aspect: str) -> None:
    outcome, wanted = outcome_of(variant), expectations(variant)
    found = find(outcome, wanted["incidents"][name])
    assert len(found) == 1, [each["title"] for each in found]
    for check in CHECKS[aspect]:
        check(found[0], wanted["incidents"][name], outcome, wanted)


@pytest.mark.parametrize("variant", [case(variant) for variant in CHECKED])
def test_nothing_else(outcome_of: Callable[[str], Outcome], variant: str) -> None:
    outcome, wanted = outcome_of(variant), expectations(variant)
    known = [each["id"] for expected in wanted["incidents"].values() for each in find(outcome, expected)]
    others = [each for each in outcome.incidents if each["kind"] == "incident" and each["id"] not in known]
    assert [(each["title"], each["events"]) for each in others] == []


@pytest.mark.parametrize("variant", [case(variant) for variant in CHECKED])
def test_watches(outcome_of: Callable[[str], Outcome], variant: str) -> None:
    watches = [each for each in outcome_of(variant).incidents if each["kind"] == "watch"]
    assert sorted(event for each in watches for event in each["events"]) == expectations(variant)["watches"]
    assert len(watches) == len(expectations(variant)["watches"])


@pytest.mark.parametrize(("variant", "event"), [case(*pair) for pair in LEFT_OUT])
def test_in_no_incident(outcome_of: Callable[[str], Outcome], variant: str, event: str) -> None:
    assert event in outcome_of(variant).given
    assert [each["title"] for each in outcome_of(variant).incidents if event in each["events"]] == []


@pytest.mark.parametrize(("variant", "event"), [case(*pair) for pair in ONE_OF])
def test_in_exactly_one(outcome_of: Callable[[str], Outcome], variant: str, event: str) -> None:
    holders = [each["id"] for each in outcome_of(variant).incidents if event in each["events"]]
    names = expectations(variant)["in_exactly_one"][event]
    incidents = expectations(variant)["incidents"]
    candidates = [each["id"] for name in names for each in find(outcome_of(variant), incidents[name])]
    assert len(set(candidates)) == len(names)
    assert len(holders) == 1
    assert holders[0] in candidates


@pytest.mark.parametrize("variant", [case(variant) for variant in CHECKED])
def test_explained(outcome_of: Callable[[str], Outcome], variant: str) -> None:
    explained = {line["event"]: line["entry"] for line in outcome_of(variant).ledger}
    assert explained == expectations(variant)["explained"]


@pytest.mark.parametrize("variant", [case(variant) for variant in SAME])
def test_same_end(outcome_of: Callable[[str], Outcome], variant: str) -> None:
    assert end_state(outcome_of(variant)) == end_state(outcome_of("as-it-was"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_end_in_any_arrival(outcome_of: Callable[[str], Outcome], tmp_path: Path, seed: int) -> None:
    assert end_state(run("as-it-was", tmp_path, seed)) == end_state(outcome_of("as-it-was"))


@pytest.mark.parametrize("variant", [case(variant) for variant in REDRAWN])
def test_same_end_of_variants_in_any_arrival(
    outcome_of: Callable[[str], Outcome], tmp_path: Path, variant: str
) -> None:
    assert end_state(run(variant, tmp_path, len(variant))) == end_state(outcome_of(variant))


def end_state(outcome: Outcome) -> dict[str, Any]:
    """Incidents and alerts by their ids, with their members, and the ledger: what must not depend on arrival."""
    lines = sorted((line["event"], line["rule"], line["entry"]) for line in outcome.ledger)
    return {"ledger": lines} | {
        each["id"]: {
            "kind": each["kind"],
            "events": sorted(each["events"]),
            "severity": each["severity"],
            "linked": sorted(each["linked"]),
            "alerts": {
                alert["id"]: (alert["rule"], sorted(alert["events"]), alert["place"], alert["absent"])
                for alert in each["alerts"]
            },
        }
        for each in outcome.incidents
    }


def find(outcome: Outcome, wanted: Expectation) -> list[dict[str, Any]]:
    """The incidents that hold the event, or an alert of the rule, by which an expectation knows its own."""
    incidents = [each for each in outcome.incidents if each["kind"] == "incident"]
    if "found_by" in wanted:
        return [each for each in incidents if alerts_of(each, wanted["found_by"])]
    return [each for each in incidents if wanted["opened_by"] in each["events"]]


def alerts_of(incident: dict[str, Any], rule: str) -> list[dict[str, Any]]:
    return [alert for alert in incident["alerts"] if alert["rule"] == RULES[rule]]


def check_members(incident: dict[str, Any], wanted: Expectation, outcome: Outcome, _: Expectation) -> None:
    held = set(incident["events"]) & outcome.given
    assert held >= set(wanted["must_hold"])
    assert held - set(wanted["must_hold"]) - set(wanted.get("may_hold", ())) == set()
    assert len(incident["events"]) == len(set(incident["events"]))


def check_severity(incident: dict[str, Any], wanted: Expectation, _: Outcome, __: Expectation) -> None:
    assert incident["severity"] == wanted["severity"]


def check_alerts(incident: dict[str, Any], wanted: Expectation, _: Outcome, __: Expectation) -> None:
    for each in wanted.get("alerts", ()):
        of_rule = alerts_of(incident, each["rule"])
        assert any(fits(alert, each) for alert in of_rule), (each, of_rule)
        assert len(of_rule) == each.get("times", len(of_rule))
    for rule in wanted.get("without", ()):
        assert alerts_of(incident, rule) == []


def fits(alert: dict[str, Any], wanted: Expectation) -> bool:
    absent = [RULES[rule] for rule in wanted["absent"]] if "absent" in wanted else alert["absent"]
    return (
        len(alert["events"]) == wanted.get("count", len(alert["events"]))
        and sorted(alert["events"]) == sorted(wanted.get("events", alert["events"]))
        and alert["place"] == wanted.get("place", alert["place"])
        and alert["absent"] == absent
    )


def check_context(incident: dict[str, Any], wanted: Expectation, outcome: Outcome, every: Expectation) -> None:
    linked = [
        each["id"]
        for name in wanted.get("linked", ())
        if name in every["incidents"]
        for each in find(outcome, every["incidents"][name])
    ]
    assert set(incident["linked"]) >= set(linked)
    contested = set(incident["contested"])
    assert contested >= set(wanted.get("contested", ()))
    if "contested" in wanted:
        assert contested <= {*wanted["contested"], *wanted["may_contest"]}
    assert incident["zones"] == wanted.get("zones", incident["zones"])


CHECKS: dict[str, list[Check]] = {
    "members": [check_members],
    "severity": [check_severity],
    "alerts": [check_alerts],
    "context": [check_context],
    "whole": [check_members, check_severity, check_alerts, check_context],
}

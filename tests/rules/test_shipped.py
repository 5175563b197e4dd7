"""The shipped rules do what their pages say, tried with the least that runs rules: matcher and windows."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from correlator import _engine
from impetus.domain.rule import RuleSet
from rules.trial import run

SHIPPED = Path(__file__).resolve().parents[2] / "rules" / "sigma"
TAXONOMY = yaml.safe_load((SHIPPED.parent / "taxonomy.yml").read_text())

LONG_AFTER = 400 * 86_400 * 1_000_000
"""More than any timespan of the shipped rules, in microseconds."""


class Engine:
    """Evaluates samples; keeps the compiled rules from one sample to the next."""

    def __init__(self) -> None:
        self._matchers: dict[str, _engine.Matcher] = {}

    def __call__(self, rules: RuleSet, events: Sequence[bytes]) -> set[str]:
        if rules.version not in self._matchers:
            self._matchers[rules.version] = _engine.Matcher(rules.form)
        windows = _engine.Windows(rules.form, b'{"zones": {}}')
        matches = self._matchers[rules.version].match(events)
        parsed = [json.loads(event) for event in events]
        firings = windows.push([item(parsed[line], rule, windows.fields[rule]) for line, rule in matches])
        firings += windows.advance(max(microseconds(event["@timestamp"]) for event in parsed) + LONG_AFTER)
        fired = {rule for _, rule in matches} | {firing.rule for firing in firings if not firing.gone}
        return {rules.rules[rule].id for rule in fired}


def item(event: dict[str, Any], rule: int, names: Sequence[str]) -> _engine.Item:
    location = value(event, "place.location") or {}
    return _engine.Item(
        rule=rule,
        id=value(event, "event.id"),
        time=microseconds(event["@timestamp"]),
        zone=value(event, "place.zone"),
        latitude=location.get("lat"),
        longitude=location.get("lon"),
        radius=value(event, "place.radius"),
        fields=[(name, text) for name in names for text in texts(value(event, name))],
        explained=False,
    )


def value(event: dict[str, Any], name: str) -> Any:
    found: Any = event
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def texts(found: Any) -> list[str]:
    values = found if isinstance(found, list) else [] if found is None else [found]
    return [each if isinstance(each, str) else json.dumps(each) for each in values]


def microseconds(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp() * 1_000_000)


def test_every_sample_of_every_page():
    outcomes = run([SHIPPED], Engine())
    assert [str(outcome.problem) for outcome in outcomes if not outcome.passed] == []
    assert len({outcome.rule for outcome in outcomes}) >= 25


def test_every_log_source_of_the_city_has_a_rule_that_is_tried_both_ways():
    tried = {
        rule: {outcome.fires for outcome in outcomes}
        for rule, outcomes in groupby(run([SHIPPED], Engine()), lambda outcome: outcome.rule)
    }
    covered = {
        (source.get("product"), source.get("category") or source.get("service"))
        for document in documents()
        if (source := document.get("logsource")) and tried[document["id"]] == {True, False}
    }
    rows = {(product, row) for product, found in TAXONOMY["logsources"].items() for row in found}
    assert rows - covered == set()


def documents() -> list[dict[str, Any]]:
    return [document for file in SHIPPED.rglob("*.yml") for document in yaml.safe_load_all(file.read_text())]

"""The Padova day: its input, what a variant does to it, what the command makes of it, and what must come."""

import copy
import json
import random
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from impetus.app.cli import main

FOLDER = Path(__file__).parent / "padova-13-june"
EXPECTED: dict[str, Any] = yaml.safe_load((FOLDER / "expected.yml").read_text())
VARIANTS: dict[str, dict[str, Any]] = {
    "as-it-was": {"change": {}, "then": {}},
    **{variant["name"]: variant for variant in EXPECTED["variants"]},
}
LATENESS = timedelta(minutes=2)

Event = dict[str, Any]
Expectation = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a replay printed, what it wrote into the ledger, and the ids of the events that it was given."""

    incidents: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    given: frozenset[str]


def rule_ids() -> dict[str, str]:
    """The id of each rule by its name."""
    files = sorted((FOLDER / "rules").glob("*.yml"))
    return {rule["name"]: rule["id"] for file in files for rule in yaml.safe_load_all(file.read_text())}


def expectations(variant: str) -> Expectation:
    """The expectations of the day with those of a variant laid over them."""
    then = VARIANTS[variant]["then"]
    named = {each["name"]: each for each in EXPECTED["incidents"] if each["name"] not in then.get("gone", ())}
    named |= {each["name"]: each for each in then.get("incidents", ())}
    explained = then.get("explained", EXPECTED["explained"]) | then.get("explained_too", {})
    free = [*EXPECTED["in_no_incident"], *then.get("free", ())]
    bound = {event for each in then.get("incidents", ()) for event in each["must_hold"]}
    one_of = {event: names for event, names in EXPECTED["in_exactly_one"].items() if named.keys() >= set(names)}
    return {
        "incidents": named,
        "changed": [each["name"] for each in then.get("incidents", ())],
        "watches": then.get("watches", EXPECTED["watches"]),
        "in_no_incident": [event for event in free if event not in bound],
        "in_exactly_one": one_of,
        "explained": {key: entry for key, entry in explained.items() if key not in then.get("unexplained", ())},
    }


def run(variant: str, scratch: Path, redraw: int | None = None) -> Outcome:
    """Replay the day as the variant changes it, through the command; with a seed, its arrivals drawn anew."""
    change = VARIANTS[variant]["change"]
    events = changed(read_day(), change, redraw)
    source, city, ledger = scratch / "events.ndjson", scratch / "city.yml", scratch / "ledger.ndjson"
    source.write_text("".join(json.dumps(event) + "\n" for event in events))
    city.write_text(_city(change.get("city")))
    plan = [] if change.get("plan") is False else ["--plan", str(FOLDER / "plan.yml")]
    order = ["--order", change.get("order", "arrival")]
    options = ["--json", *order, "--ledger", str(ledger), "--city", str(city), *plan, "--rules", str(FOLDER / "rules")]
    printed = StringIO()
    with redirect_stdout(printed):
        status = main(["replay", *options, str(source)])
    assert status == 0
    given = frozenset(event["event"]["id"] for event in events)
    return Outcome(_lines(printed.getvalue()), _lines(ledger.read_text()), given)


def read_day() -> list[Event]:
    """The events of the day in order of arrival."""
    return _lines((FOLDER / "events.ndjson").read_text())


def changed(events: list[Event], change: dict[str, Any], redraw: int | None = None) -> list[Event]:
    """The events as a variant changes them, in order of their new arrival."""
    left = [event for event in events if event["event"]["id"] not in change.get("remove", ())]
    left += [_copy(left, each) for each in change.get("add", ())]
    for event in left:
        _set(event, change.get("set", {}).get(event["event"]["id"], {}))
    if "beat" in change:
        left += _beats(left, change["beat"])
    if redraw is not None:
        _redraw(left, redraw)
    if change.get("twice"):
        left = [event for event in left for _ in range(2)]
    return sorted(left, key=lambda event: datetime.fromisoformat(event["event"]["created"]))


def _city(swap: dict[str, str] | None) -> str:
    text = (FOLDER / "city.yml").read_text()
    if swap is None:
        return text
    assert swap["from"] in text
    return text.replace(swap["from"], swap["to"])


def _set(event: Event, fields: dict[str, Any]) -> None:
    delay = _delay(event)
    for path, value in fields.items():
        *parents, last = path.split(".")
        node = event
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    if "@timestamp" in fields and "event.created" not in fields:
        _arrive(event, delay)


def _beats(events: Iterable[Event], beat: dict[str, Any]) -> Iterator[Event]:
    pattern = next(event for event in events if event["event"]["id"] == beat["copy"])
    at, end = datetime.fromisoformat(beat["from"]), datetime.fromisoformat(beat["to"])
    number = 0
    while at <= end:
        event, number = copy.deepcopy(pattern), number + 1
        event["@timestamp"] = at.isoformat()
        event["event"]["id"] = f"{beat['copy']}+{number}"
        _arrive(event, timedelta(seconds=1))
        yield event
        at += timedelta(seconds=beat["every"])


def _copy(events: Iterable[Event], new: dict[str, Any]) -> Event:
    event = copy.deepcopy(next(event for event in events if event["event"]["id"] == new["copy"]))
    event["event"]["id"] = new["as"]
    _set(event, new["set"])
    return event


def _redraw(events: Iterable[Event], seed: int) -> None:
    draw = random.Random(seed)
    for event in events:
        if event["event"]["id"] not in EXPECTED["arrives_as_it_does"]:
            _arrive(event, LATENESS * draw.random())


def _delay(event: Event) -> timedelta:
    return datetime.fromisoformat(event["event"]["created"]) - datetime.fromisoformat(event["@timestamp"])


def _arrive(event: Event, delay: timedelta) -> None:
    event["event"]["created"] = (datetime.fromisoformat(event["@timestamp"]) + delay).isoformat()


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]

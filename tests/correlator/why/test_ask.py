"""Questions about recordings in a store: chains, aliases, groups, values, and events that come near to a rule."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from correlator.city import CityModel
from correlator.setup import Setup
from correlator.why.answer import Answer
from correlator.why.ask import ask_event, ask_time
from correlator.why.naming import find_rule
from correlator.why.record import Record
from correlator.worker import Correlator
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError
from impetus.domain.event import Json
from impetus.domain.instant import parse_instant
from impetus.domain.personal import FIELDS
from integrations.embedded.store import EmbeddedStore
from rules.load import load

RULES = """
title: Failed
id: 0a5d0c0e-0000-4000-8000-000000000001
name: failed
logsource: {product: city, category: authentication}
detection: {s: {event.outcome: failure}, t: {auth.tries|gte: 3}, condition: s and t}
---
title: Reached
id: 0a5d0c0e-0000-4000-8000-000000000002
name: reached
logsource: {product: city, category: authentication}
detection: {s: {event.outcome: success}, condition: s}
---
title: Guessing
id: 0a5d0c0e-0000-4000-8000-000000000003
name: guessing
correlation:
  type: event_count
  rules: [failed]
  group-by: [who]
  aliases: {who: {failed: user.name}}
  timespan: 1m
  condition: {gte: 2}
---
title: Guessed
id: 0a5d0c0e-0000-4000-8000-000000000004
correlation:
  type: temporal_ordered
  rules: [guessing, reached]
  group-by: [who]
  aliases: {who: {reached: user.name, guessing: who}}
  timespan: 5m
---
title: Much
id: 0a5d0c0e-0000-4000-8000-000000000005
correlation: {type: value_sum, rules: [reached], timespan: 1m, condition: {field: bytes, gt: 100}}
"""


def event(id: str, clock: str, user: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": f"2027-05-17T{clock}Z",
        "event": {"id": id, "outcome": outcome},
        "logsource": {"product": "city", "category": "authentication"},
        "user": {"name": user},
        "auth": {"tries": 3},
    } | more


EVENTS = [
    event("F1", "10:00:00", "kari", "failure"),
    event("F2", "10:00:30", "kari", "failure"),
    event("F3", "10:01:00", "per", "failure", auth={"tries": 2}),
    event("S1", "10:02:00", "kari", "success", bytes=60),
    event("S2", "10:02:10", "per", "success", bytes="60"),
    event("S3", "10:02:20", "ola", "success", bytes="none"),
]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    file = tmp_path_factory.mktemp("rules") / "rules.yml"
    file.write_text(RULES)
    loaded = load([file])
    assert not loaded.problems
    setup, store = Setup(loaded.rules, CityModel.empty()), EmbeddedStore.in_memory()
    correlator = Correlator(setup, store)
    lines = tuple(json.dumps(one).encode() for one in EVENTS)
    store.commit(correlator.replay_step([Batch("test", lines)], 0))
    store.commit(correlator.finish())
    return Record(setup, store, {})


def masked(event: Mapping[str, Json], field: str | None, value: str) -> str:
    return f"{FIELDS[field]}#{len(value)}" if field in FIELDS else value


def asked(record: Record, name: str, event: str) -> Answer:
    return ask_event(record, find_rule(record.setup.rules, name), event, masked)


def test_alerts_of_a_chain_are_members_and_say_how_to_ask_about_them(record: Record) -> None:
    answer = asked(record, "Guessed", "S1")
    (window,) = answer.windows
    assert answer.fired
    assert [(one.event, one.alert is not None) for one in window.members] == [("F2", True), ("S1", False)]
    assert any("impetus rules why 0a5d0c0e-0000-4000-8000-000000000003" in note for note in answer.notes)


def test_a_group_behind_aliases_and_chains_is_masked_as_the_field_it_comes_from(record: Record) -> None:
    for name, one in (("Guessed", "S1"), ("Guessed", "S2"), ("Guessing", "F2"), ("Guessing", "F1")):
        answer = asked(record, name, one)
        assert answer.windows[0].group == (("who", f"user#{4 if one != 'S2' else 3}"),)
        assert "kari" not in str(answer)


def test_another_group_is_the_only_miss_of_a_candidate(record: Record) -> None:
    (window,) = asked(record, "Guessed", "S2").windows
    assert not window.fired
    near = next(one for one in window.candidates if one.alert is not None)
    assert [part.text for part in near.relations if not part.holds] == ["who user#4 instead of user#3"]


def test_an_event_that_a_clause_kept_from_the_rule_is_a_candidate(record: Record) -> None:
    (window,) = asked(record, "Guessing", "F2").windows
    assert window.fired
    answer = asked(record, "Guessing", "F3")
    assert [one.misses for one in answer.events] == [1]
    assert "matched none of the rules" in answer.outcome


def test_a_measure_says_what_it_came_to_and_what_has_no_value_is_no_member(record: Record) -> None:
    answer = asked(record, "Much", "S2")
    (window,) = answer.windows
    assert window.requirements[0].text == "the sum of bytes is 120, > 100 asked"
    assert answer.fired
    near = next(one for one in window.candidates if one.event == "S3")
    assert "it has no bytes that can be counted" in [part.text for part in near.relations]
    lacking = asked(record, "Much", "S3")
    assert "it lacks a field that the correlation groups by or measures" in lacking.notes


def test_a_time_asks_for_the_last_window_before_it_and_a_firing_goes_first(record: Record) -> None:
    rule = find_rule(record.setup.rules, "Guessing")
    answer = ask_time(record, rule, parse_instant("2027-05-17T10:01:00Z"), masked)
    assert (answer.fired, answer.windows[0].newest.event) == (True, "F2")
    assert answer.notes[0] == "1 more window ends within the timespan before; the last with: F1"
    assert "it raises no alert of its own" in answer.notes[1]
    nothing = ask_time(record, rule, parse_instant("2027-05-17T10:05:00Z"), masked)
    assert not nothing.windows
    assert [one.event for one in nothing.events][:1] == ["F2"]


def test_rules_are_found_by_id_title_and_file_and_unknown_ones_name_the_nearest(record: Record) -> None:
    for name in ("0a5d0c0e-0000-4000-8000-000000000003", "guessing", "GUESSING"):
        assert find_rule(record.setup.rules, name).title == "Guessing"
    with pytest.raises(ImpetusError, match="Guessing") as caught:
        find_rule(record.setup.rules, "Gessing")
    assert caught.value.code == "rule.unknown"


def test_an_unknown_event_is_an_error(record: Record) -> None:
    with pytest.raises(ImpetusError) as caught:
        asked(record, "Much", "NONE")
    assert caught.value.code == "event.unknown"


def test_pages_of_the_recording_stay_as_they_are(record: Record, tmp_path: Path) -> None:
    before = record.store.counts(), list(record.store.log())
    asked(record, "Guessed", "S1")
    assert (record.store.counts(), list(record.store.log())) == before

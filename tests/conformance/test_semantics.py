"""What every modifier, kind of value and form of condition of Sigma 2.1 means on an event, from the rule to the match.

Each is tried by the fast path and by the explaining one, on nested and on flat events.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from correlator import _engine
from rules.load import load

Events = list[Any]
Case = tuple[Any, Events, Events]
Held = Callable[[Any, Any], bool]

PLACEHOLDERS = {
    "name": "placeholders",
    "priority": 10,
    "vars": {"admins": ["root", "adm*"], "nets": ["10.", "192.168."]},
    "transformations": [{"id": "values", "type": "value_placeholders"}],
}


@pytest.fixture
def held(tmp_path: Path) -> Held:
    """Whether a detection holds on an event; the pipeline gives placeholders their values."""
    pipeline = tmp_path / "pipeline.yml"
    pipeline.write_text(yaml.safe_dump(PLACEHOLDERS), encoding="utf-8")

    def _held(detection: Any, event: Any) -> bool:
        document = {"title": "t", "logsource": {"product": "p"}, "detection": detection}
        rule = tmp_path / "rule.yml"
        rule.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
        loaded = load([rule], [pipeline])
        assert loaded.problems == ()
        matcher = _engine.Matcher(loaded.rules.form)
        line = json.dumps(event).encode()
        found = matcher.match_all([line]) == [(0, 0)]
        assert json.loads(matcher.explain(line, 0))["held"] is found
        return found

    return _held


def encoded(text: str, before: str = "", after: str = "", coding: str = "utf-8") -> str:
    return base64.b64encode((before + text + after).encode(coding)).decode()


def at(*times: str) -> Events:
    return [{"f": f"2026-{time}"} for time in times]


TEXT: list[Case] = [
    ({"f": "Cmd"}, [{"f": "cmd"}, {"f": "CMD"}, {"f": ["x", "cmd"]}], [{"f": "cmd "}, {"f": ""}, {"g": "cmd"}, {}]),
    ({"f": "straße"}, [{"f": "STRAßE"}, {"f": "Straße"}], [{"f": "strasse"}]),
    ({"f": "ÄÖΣЯ"}, [{"f": "äöσя"}], [{"f": "aoσя"}]),
    ({"f": ""}, [{"f": ""}], [{"f": " "}, {"f": None}, {}]),
    ({"f": "a*c"}, [{"f": "ac"}, {"f": "abbc"}, {"f": "a\nc"}], [{"f": "acb"}]),
    ({"f": "a?c"}, [{"f": "abc"}, {"f": "aéc"}, {"f": "a\nc"}], [{"f": "ac"}, {"f": "abbc"}]),
    ({"f": r"a\*c"}, [{"f": "a*c"}], [{"f": "abc"}]),
    ({"f": r"a\\*"}, [{"f": "a\\"}, {"f": "a\\b"}], [{"f": "a*"}]),
    ({"f": r"a\\\*"}, [{"f": r"a\*"}], [{"f": "a\\b"}]),
    ({"f": r"C:\Temp\n"}, [{"f": r"c:\temp\N"}], [{"f": "c:\temp\n"}]),
    ({"f": "*"}, [{"f": ""}, {"f": "x"}, {"f": 0}], [{}, {"f": None}]),
    ({"f|contains": "ab"}, [{"f": "xABy"}, {"f": "ab"}], [{"f": "a b"}, {}]),
    ({"f|contains": "*"}, [{"f": "x"}], [{}]),
    ({"f|contains": "(.+)["}, [{"f": "x(.+)[y"}], [{"f": "xab"}]),
    ({"f|startswith": "ab"}, [{"f": "ABc"}], [{"f": "xab"}]),
    ({"f|endswith": "ab"}, [{"f": "xAB"}], [{"f": "abx"}]),
    ({"f|contains": ["a", "b"]}, [{"f": "xa"}, {"f": "bx"}], [{"f": "c"}]),
    ({"f|contains|all": ["a", "b"]}, [{"f": "bxa"}], [{"f": "a"}, {"f": "b"}]),
    ({"f|all": ["*a*", "*b*"]}, [{"f": "ba"}], [{"f": "a"}]),
    ({"f|cased": "Ab"}, [{"f": "Ab"}], [{"f": "ab"}, {"f": "AB"}]),
    ({"f|contains|cased": "Ab"}, [{"f": "xAby"}], [{"f": "xaby"}]),
    ({"f|startswith|cased": "Ab"}, [{"f": "Abc"}], [{"f": "abc"}]),
    ({"f|endswith|cased": "Ab"}, [{"f": "xAb"}], [{"f": "xab"}]),
    ({"f|neq": "a"}, [{"f": "b"}, {}, {"f": None}], [{"f": "A"}]),
    ({"f|neq": ["a", "b"]}, [{"f": "c"}], [{"f": "a"}, {"f": "b"}]),
    ({"f|contains|neq": "a"}, [{"f": "b"}], [{"f": "xax"}]),
    ({"f|windash|contains": " -x"}, [{"f": f"a {dash}X"} for dash in "-/–—―"], [{"f": "a x"}, {"f": "a +x"}]),
    ({"f|windash|contains|all": [" -x", " -y"]}, [{"f": " /y -x"}], [{"f": " /y"}]),
]

ENCODED: list[Case] = [
    ({"f|base64": "foobar"}, [{"f": encoded("foobar")}], [{"f": "foobar"}, {"f": encoded("foobar", "x")}]),
    ({"f|base64|contains": "foo"}, [{"f": f"x{encoded('foo')}y"}], [{"f": encoded("foo", "x")}]),
    (
        {"f|base64offset|contains": "foobar"},
        [{"f": encoded("foobar", before, after)} for before in ("", "x", "xy") for after in ("", "x", "xy")],
        [{"f": "foobar"}, {"f": encoded("fobar")}],
    ),
    (
        {"f|wide|base64offset|contains": "cmd"},
        [{"f": encoded("cmd", before, " /c", "utf-16-le")} for before in ("", "a", "ab")],
        [{"f": encoded("cmd")}],
    ),
    ({"f|utf16le|base64": "cmd"}, [{"f": encoded("cmd", coding="utf-16-le")}], [{"f": encoded("cmd")}]),
    ({"f|utf16be|base64": "cmd"}, [{"f": encoded("cmd", coding="utf-16-be")}], [{"f": encoded("cmd")}]),
    ({"f|utf16|base64": "cmd"}, [{"f": encoded("\ufeffcmd", coding="utf-16-le")}], [{"f": encoded("cmd")}]),
    (
        {"f|base64offset|contains": "é"},
        [{"f": encoded("é", before, "xyz")} for before in ("", "a", "ab")],
        [{"f": "é"}],
    ),
    ({"f|wide": "é"}, [{"f": "\xe9\0"}], [{"f": "é"}]),
    ({"f|wide|base64": "é"}, [{"f": encoded("é", coding="utf-16-le")}], [{"f": encoded("é")}]),
]

PATTERNS: list[Case] = [
    ({"f|re": "^a.+c$"}, [{"f": "abc"}], [{"f": "ABC"}, {"f": "a\nc"}, {"f": "xabc"}]),
    ({"f|re": "b"}, [{"f": "abc"}, {"f": ["x", "b"]}], [{"f": "B"}, {}]),
    ({"f|re": "[0-9]{2,3}(a|b)?"}, [{"f": 123}], [{"f": "1a"}]),
    ({"f|re|i": "^é.c$"}, [{"f": "Ébc"}], [{"f": "Éb"}]),
    ({"f|re|m": "^b$"}, [{"f": "a\nb\nc"}], [{"f": "a b c"}]),
    ({"f|re|s": "^a.c$"}, [{"f": "a\nc"}], [{"f": "a\n\nc"}]),
    ({"f|re|i|m|s": "^B.C$"}, [{"f": "a\nb\nc"}], [{"f": "a"}]),
    ({"f|re": ["a$", "b$"]}, [{"f": "xa"}, {"f": "xb"}], [{"f": "xc"}]),
    ({"f|re|all": ["a", "b"]}, [{"f": "ba"}], [{"f": "a"}]),
]

NUMBERS: list[Case] = [
    ({"f": 9}, [{"f": 9}, {"f": "9"}, {"f": 9.0}, {"f": [1, 9]}], [{"f": 90}, {"f": "9a"}, {"f": True}]),
    ({"f": "9"}, [{"f": 9}, {"f": "9"}], [{"f": 9.5}]),
    ({"f": -1.5}, [{"f": -1.5}, {"f": "-1.5"}], [{"f": 1.5}]),
    ({"f": 9007199254740993}, [{"f": 9007199254740993}], [{"f": 9007199254740992}]),
    ({"f": -9007199254740993}, [{"f": -9007199254740993}], [{"f": -9007199254740992}]),
    ([1 << 62, (1 << 62) + 1], [{"x": (1 << 62) + 1}], [{"x": (1 << 62) + 2}]),
    ({"f|lt": 5}, [{"f": 4}, {"f": "4.9"}], [{"f": 5}, {"f": "x"}, {}]),
    ({"f|lte": 5}, [{"f": 5}], [{"f": 5.1}]),
    ({"f|gt": 5}, [{"f": 5.1}, {"f": "10"}], [{"f": 5}]),
    ({"f|gte": 5}, [{"f": 5}], [{"f": 4}]),
    ({"f|neq": 5}, [{"f": 6}, {}], [{"f": 5}, {"f": "5"}]),
    ({"f|gte": 1, "g|lt": 9}, [{"f": 1, "g": 8}], [{"f": 1, "g": 9}]),
    ({"f": True}, [{"f": True}, {"f": "True"}], [{"f": False}, {"f": "yes"}, {}]),
]

TIMES: list[Case] = [
    ({"f|minute": 5}, at("01-02T03:05:00Z"), at("01-02T05:03:05Z")),
    ({"f|hour|gte": 22}, at("01-02T22:00:00+02:00"), at("01-02T21:59:00Z")),
    ({"f|day": [1, 2]}, at("01-01T00:00:00Z", "03-02T00:00:00Z"), at("01-03T00:00:00Z")),
    ({"f|week": 1}, at("01-01T00:00:00Z"), at("01-05T00:00:00Z")),
    ({"f|month|lt": 3}, at("02-28T23:59:59.999Z"), at("03-01T00:00:00Z")),
    ({"f|year": 2026}, at("01-01T00:00:00Z"), [{"f": "2025-12-31T23:59:59Z"}, {"f": "yesterday"}, {"f": 2026}]),
]

OTHERS: list[Case] = [
    ({"f|cidr": "10.0.0.0/8"}, [{"f": "10.1.2.3"}], [{"f": "11.0.0.1"}, {"f": "10.1"}, {"f": "x10.1.2.3"}]),
    ({"f|cidr": "2001:db8::/32"}, [{"f": "2001:DB8:0::1"}], [{"f": "2001:db9::1"}, {"f": "10.0.0.1"}]),
    ({"f|cidr": ["10.0.0.0/8", "::1/128"]}, [{"f": "10.0.0.1"}, {"f": "::1"}], [{"f": "::2"}]),
    ({"f|exists": True}, [{"f": ""}, {"f": None}, {"f": []}], [{"g": 1}]),
    ({"f|exists": False}, [{"g": 1}], [{"f": 0}, {"f": None}]),
    ({"f": None}, [{"f": None}, {}], [{"f": ""}, {"f": 0}]),
    ({"f|fieldref": "g"}, [{"f": "A", "g": "a"}, {"f": 1, "g": "1"}], [{"f": "a", "g": "b"}, {"f": "a"}, {}]),
    ({"f|fieldref|neq": "g"}, [{"f": "a", "g": "b"}], [{"f": "a", "g": "A"}]),
    ({"f|cased|fieldref": "g"}, [{"f": "a", "g": "a"}], [{"f": "A", "g": "a"}]),
    ({"f|fieldref|startswith": "g"}, [{"f": "abc", "g": "AB"}], [{"f": "ab", "g": "abc"}]),
    ({"f|fieldref|endswith": "g"}, [{"f": "abc", "g": "BC"}], [{"f": "abc", "g": "ab"}]),
    ({"f|fieldref|contains": "g"}, [{"f": "abc", "g": "B"}], [{"f": "abc", "g": "x"}]),
    ({"f|expand": "%admins%"}, [{"f": "ROOT"}, {"f": "admin"}], [{"f": "bob"}, {"f": "%admins%"}]),
    ({"f|startswith|expand": "%nets%"}, [{"f": "10.0.0.1"}], [{"f": "11.0.0.1"}]),
    ({"f|expand": "x-%admins%"}, [{"f": "x-root"}], [{"f": "root"}]),
    ({"a.b": "x"}, [{"a": {"b": "x"}}, {"a.b": "x"}, {"a": [{"b": "y"}, {"b": "x"}]}], [{"a": "x"}, {"b": "x"}]),
    ([{"f": "a"}, {"g": "b", "h": "c"}], [{"f": "a"}, {"g": "b", "h": "c"}], [{"g": "b"}, {"h": "c"}]),
]

KEYWORDS: list[Case] = [
    (["evil", 4688], [{"x": "so EVIL!"}, {"x": {"y": ["evil"]}}, {"z": 4688}], [{"evil": 1}, {"x": "e vil"}]),
    ({"|all": ["a1", "b2"]}, [{"x": "a1", "y": "b2"}, {"x": "b2a1"}], [{"x": "a1"}]),
    (["a*c"], [{"x": "xabcx"}], [{"x": "a", "y": "c"}]),
    ({"|re": "a[0-9]c"}, [{"x": "xa5cx"}], [{"x": "xaBcx"}]),
    ({"|cased": "Evil"}, [{"x": "so Evil"}], [{"x": "so evil"}]),
    ({"|contains|all": ["a1", "b2"]}, [{"x": "a1", "y": "b2"}], [{"x": "a1"}]),
]

TABLE = [*TEXT, *ENCODED, *PATTERNS, *NUMBERS, *TIMES, *OTHERS, *KEYWORDS]


@pytest.mark.parametrize("case", TABLE, ids=[json.dumps(case[0], ensure_ascii=True) for case in TABLE])
def test_modifiers_and_values(held: Held, case: Case) -> None:
    selection, events, others = case
    detection = {"s": selection, "condition": "s"}
    assert [event for event in events if not held(detection, event)] == []
    assert [event for event in others if held(detection, event)] == []


SELECTIONS = {"sel_a": {"a": 1}, "sel_b": {"b": 1}, "filter_c": {"c": 1}, "_hidden": {"d": 1}}

CONDITIONS: list[tuple[Any, list[str], list[str]]] = [
    ("sel_a", ["a"], ["b"]),
    ("sel_a and sel_b", ["ab"], ["a", "b", ""]),
    ("sel_a or sel_b", ["a", "b"], ["", "c"]),
    ("not sel_a", ["", "b"], ["a"]),
    ("sel_a or sel_b and not filter_c", ["a", "ac", "b"], ["bc"]),
    ("(sel_a or sel_b) and not filter_c", ["a", "b"], ["ac", "bc"]),
    ("1 of sel_*", ["a", "b"], ["c", "d"]),
    ("any of sel_*", ["a", "b"], ["c"]),
    ("all of sel_*", ["ab"], ["a", "b"]),
    ("all of *_a and 1 of *_c", ["ac"], ["a", "c"]),
    ("1 of them", ["a", "c"], ["", "d"]),
    ("any of them", ["b"], ["d"]),
    ("all of them", ["abc", "abcd"], ["ab"]),
    ("not 1 of filter_*", ["", "a"], ["c"]),
    ("not (sel_a and not sel_b)", ["", "ab", "b"], ["a"]),
    ("1 of _*", ["d"], ["a"]),
    ("1 of sel_* and not 1 of filter_*", ["a"], ["ac"]),
    (["sel_a and sel_b", "filter_c"], ["ab", "c"], ["a"]),
]


@pytest.mark.parametrize(("condition", "holds", "not_holds"), CONDITIONS, ids=[str(case[0]) for case in CONDITIONS])
def test_conditions(held: Held, condition: Any, holds: list[str], not_holds: list[str]) -> None:
    detection = {**SELECTIONS, "condition": condition}
    for fields in (*holds, *not_holds):
        assert held(detection, dict.fromkeys(fields, 1)) is (fields in holds), fields


FILTERED = """
title: rule
id: 11111111-1111-4111-8111-111111111111
name: the_rule
logsource: {product: windows, category: process_creation}
detection: {selection: {Image|endswith: cmd.exe}, condition: selection}
---
title: filter
logsource: {product: windows%s}
filter:
  rules: %s
  selection: {User: svc}
  selection_host: {Host|startswith: lab-}
  condition: %s
"""

FILTERS = [
    ("", "any", "not selection", ["svc"]),
    ("", "[the_rule]", "not selection", ["svc"]),
    ("", "[11111111-1111-4111-8111-111111111111]", "not 1 of selection*", ["svc", "lab"]),
    ("", "[the_rule]", "not (selection and selection_host)", []),
    (", category: process_creation", "any", "not selection", ["svc"]),
    (", category: file_event", "any", "not selection", []),
]


@pytest.mark.parametrize(("source", "rules", "condition", "silent"), FILTERS)
def test_filters(tmp_path: Path, source: str, rules: str, condition: str, silent: list[str]) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(FILTERED % (source, rules, condition), encoding="utf-8")
    loaded = load([path], raw=True)
    assert loaded.problems == ()
    users = {"svc": {"User": "svc"}, "lab": {"Host": "LAB-1"}, "other": {"User": "bob"}}
    lines = [json.dumps({"Image": r"C:\cmd.exe", **fields}).encode() for fields in users.values()]
    found = [list(users)[line] for line, _ in _engine.Matcher(loaded.rules.form).match_all(lines)]
    assert found == [name for name in users if name not in silent]

"""The native matcher through its Python interface: batches, refusals, log sources, explanations, hostile input."""

import json
import threading
from typing import Any

import pytest

from correlator._engine import Matcher

LOGSOURCE = {"product": None, "category": None, "service": None}


def rule(condition: dict[str, Any], **logsource: str) -> dict[str, Any]:
    return {"id": "r", "logsource": LOGSOURCE | logsource, "condition": condition}


def form(*rules: dict[str, Any], version: int = 1) -> bytes:
    return json.dumps({"version": version, "rules": rules, "correlations": []}).encode()


def match(field: str, *parts: str | int, cased: bool = False) -> dict[str, Any]:
    return {"op": "match", "field": field, "parts": list(parts), "cased": cased}


def refusals(text: bytes) -> list[dict[str, str]]:
    with pytest.raises(ValueError) as caught:
        Matcher(text)
    refused: list[dict[str, str]] = json.loads(str(caught.value))
    return refused


def holds(condition: dict[str, Any], event: str) -> bool:
    """By both paths, which have to agree."""
    matcher = Matcher(form(rule(condition)))
    held = matcher.match_all([event.encode()]) == [(0, 0)]
    assert json.loads(matcher.explain(event.encode(), 0))["held"] is held
    return held


def test_pairs_are_ordered_by_line_then_rule() -> None:
    matcher = Matcher(form(rule(match("a", "x")), rule(match("a", 0)), rule(match("b", "y"))))
    lines = [b'{"a":"X","b":"y"}', b"no JSON", b"[1]", b'{"a":1}', b""]
    expected = [(0, 0), (0, 1), (0, 2), (3, 1)]
    assert matcher.rules == 3
    assert matcher.match(lines) == expected
    assert matcher.match_all(lines) == expected
    assert matcher.match_buffer(b"\n".join(lines)) == expected


def test_blank_lines_of_a_buffer_count() -> None:
    assert Matcher(form(rule(match("a", 0)))).match_buffer(b'\n\n{"a":1}\r\n\n{"a":2}\n') == [(2, 0), (4, 0)]


LOGSOURCES = [
    ('{"logsource":{"product":"Windows","category":["registry_event","registry_set"]}}', [0, 1, 2, 3]),
    ('{"logsource.product":"windows","logsource":{"category":"registry_set"}}', [0, 1, 2, 3]),
    ('{"logsource":{"product":"windows"},"category":"registry_set"}', [0, 1]),
    ('{"product":"WINDOWS","category":"registry_set"}', [0, 1, 2, 3]),
    ('{"product":"linux","category":"registry_set"}', [0, 2]),
    ("{}", [0]),
]


@pytest.mark.parametrize(("event", "expected"), LOGSOURCES)
def test_rules_apply_by_log_source(event: str, expected: list[int]) -> None:
    always = {"op": "and", "of": []}
    rules = [
        rule(always),
        rule(always, product="windows"),
        rule(always, category="Registry_Set"),
        rule(always, product="windows", category="registry_set"),
        rule(always, product="windows", service="security"),
    ]
    matcher = Matcher(form(*rules))
    assert [found for _, found in matcher.match([event.encode()])] == expected
    assert [found for _, found in matcher.match_all([event.encode()])] == [0, 1, 2, 3, 4]


def test_log_sources_without_end_stay_right() -> None:
    """More mixtures of log sources than plans are kept."""
    rules = [rule(match("a", "x"), category=f"c{number}") for number in range(12)]
    matcher = Matcher(form(*rules))
    wanted = [[bit for bit in range(12) if number >> bit & 1] for number in range(1, 1024)]
    lines = [json.dumps({"category": [f"c{bit}" for bit in bits], "a": "x"}).encode() for bits in wanted]
    assert matcher.match(lines) == [(line, bit) for line, bits in enumerate(wanted) for bit in bits]


HOLDS = [
    (match("a.b", "cmd", 0, ".EXE"), '{"a":{"b":"CMD/x.exe"}}', True),
    (match("a.b", "cmd", 0, ".EXE", cased=True), '{"a.b":"cmd.exe"}', False),
    (match("a.b.c", "1"), '{"a.b":{"c":1}}', True),
    (match("a.b.c", "1"), '{"a":{"b.c":1}}', True),
    (match("a.b", "x"), '{"a":[{"b":1},{"b":["y","x"]}]}', True),
    (match("a", "x"), '{"a":"y","a":"x"}', True),
    (match("a", "true"), '{"a":true}', True),
    (match("a", "1e2"), '{"a":100}', False),
    (match("a"), '{"a":""}', True),
    (match("a", 0), "{}", False),
    (match("a", 0), '{"a":null}', False),
    (match("a", "å", 1), '{"a":"\\u00C5\\ud83d\\ude00"}', True),
    ({"op": "keyword", "parts": ["needle"], "cased": False}, '{"x":[{"y":"a NEEDLE b"}]}', True),
    ({"op": "keyword", "parts": ["needle"], "cased": False}, '{"needle":"x"}', False),
    ({"op": "keyword", "parts": ["needle"], "cased": False}, '{"x":"\\u006eeedle"}', True),
    ({"op": "number", "field": "a", "cmp": "eq", "value": 9}, '{"a":"9"}', True),
    ({"op": "number", "field": "a", "cmp": "gt", "value": 9007199254740992}, '{"a":9007199254740993}', True),
    ({"op": "number", "field": "a", "cmp": "lt", "value": 2**64}, '{"a":18446744073709551615}', True),
    ({"op": "number", "field": "a", "cmp": "lte", "value": 0.5}, '{"a":"x"}', False),
    ({"op": "bool", "field": "a", "value": True}, '{"a":"true"}', True),
    ({"op": "bool", "field": "a", "value": False}, '{"a":0}', False),
    ({"op": "null", "field": "a"}, '{"a":null}', True),
    ({"op": "null", "field": "a"}, "{}", True),
    ({"op": "null", "field": "a"}, '{"a":{}}', False),
    ({"op": "exists", "field": "a", "value": True}, '{"a":null}', True),
    ({"op": "exists", "field": "a", "value": True}, '{"a":[]}', True),
    ({"op": "exists", "field": "a.b", "value": False}, '{"a":{"c":1}}', True),
    ({"op": "re", "field": "a", "pattern": "^b.c$", "flags": "ims"}, '{"a":"x\\nB\\nC"}', True),
    ({"op": "re", "field": "a", "pattern": "B", "flags": ""}, '{"a":"b"}', False),
    ({"op": "re_keyword", "pattern": "b+c", "flags": "i"}, '{"x":{"y":"aBBc"}}', True),
    ({"op": "cidr", "field": "a", "network": "10.0.0.0/8"}, '{"a":["x","10.9.8.7"]}', True),
    ({"op": "cidr", "field": "a", "network": "2001:db8::/32"}, '{"a":"2001:DB8:1::1"}', True),
    ({"op": "cidr", "field": "a", "network": "10.0.0.0/8"}, '{"a":"10.0.0"}', False),
    ({"op": "fieldref", "field": "a", "other": "b", "how": "eq", "cased": False}, '{"a":"X","b":"x"}', True),
    ({"op": "fieldref", "field": "a", "other": "b", "how": "endswith", "cased": True}, '{"a":"yX","b":"X"}', True),
    ({"op": "fieldref", "field": "a", "other": "b", "how": "contains", "cased": False}, '{"a":"x"}', False),
    (
        {"op": "time", "field": "t", "part": "hour", "cmp": "gte", "value": 22},
        '{"t":"2026-01-01T23:00:00+05:00"}',
        True,
    ),
    ({"op": "time", "field": "t", "part": "week", "cmp": "eq", "value": 53}, '{"t":"2021-01-03T00:00:00Z"}', True),
    ({"op": "time", "field": "t", "part": "year", "cmp": "eq", "value": 2021}, '{"t":"2021"}', False),
    ({"op": "not", "of": match("a", "x")}, "{}", True),
    ({"op": "or", "of": []}, "{}", False),
]


@pytest.mark.parametrize(("condition", "event", "expected"), HOLDS)
def test_an_op_holds_as_the_form_says(condition: dict[str, Any], event: str, expected: bool) -> None:
    assert holds(condition, event) is expected


def test_everything_that_cannot_be_done_is_named_at_once() -> None:
    condition = {
        "op": "and",
        "of": [
            {"op": "near", "of": []},
            {"op": "re", "field": "a", "pattern": "(?=x)", "flags": ""},
            {"op": "re", "field": "a", "pattern": "x", "flags": "x"},
            {"op": "re", "field": "a", "pattern": "(a{1000}){1000}", "flags": ""},
            {"op": "number", "field": "a", "cmp": "eq", "value": "1"},
            {"op": "number", "field": "a", "cmp": "neq", "value": 1},
            {"op": "cidr", "field": "a", "network": "10.0.0.0/33"},
            {"op": "null", "field": "a", "value": True},
            {"op": "match", "field": "a", "parts": [2], "cased": False},
            {"op": "fieldref", "field": "a", "other": "b", "how": "near", "cased": False},
            {"op": "not", "of": []},
            {"field": "a"},
        ],
    }
    refused = refusals(form(rule(condition), rule(match("a", "x"))))
    ops = ["near", "re", "re", "re", "number", "number", "cidr", "null", "match", "fieldref", "condition", "condition"]
    assert [each["op"] for each in refused] == ops
    assert {each["rule"] for each in refused} == {"r"}
    assert all(each["what"] for each in refused)


def test_another_form_is_refused_by_name() -> None:
    assert "version 2" in refusals(form(version=2))[0]["what"]
    for text in [b"", b"[]", b'{"version":1}', b'{"version":1,"rules":[],"correlations":[],"x":1}', b"\xff"]:
        assert [each["op"] for each in refusals(text)] == ["form"]
    assert refusals(form({"id": "r", "condition": match("a", 0), "tags": []}))[0]["rule"] == "r"


def test_a_condition_nested_too_deep_is_refused() -> None:
    condition = match("a", "x")
    for _ in range(100):
        condition = {"op": "not", "of": condition}
    assert "deeper" in refusals(form(rule(condition)))[0]["what"]


def test_an_explanation_says_what_was_asked_and_met() -> None:
    condition = {"op": "and", "of": [match("a.b", "x", 0), {"op": "not", "of": {"op": "null", "field": "c"}}]}
    explained = json.loads(Matcher(form(rule(condition))).explain(b'{"a":{"b":["y","Xz"]}}', 0))
    first, second = explained["of"]
    assert (explained["held"], explained["op"]) == (False, "and")
    assert first == {"held": True, "op": "match", "field": "a.b", "expected": '"x*"', "actual": ["y", "Xz"]}
    assert (second["held"], second["of"][0]["actual"]) == (False, None)


def test_an_explanation_of_no_event_or_no_rule() -> None:
    matcher = Matcher(form(rule(match("a", 0))))
    assert json.loads(matcher.explain(b'{"a":1', 0))["op"] == "event"
    with pytest.raises(IndexError):
        matcher.explain(b"{}", 1)


HOSTILE = [
    b'{"a":' * 100_000,
    b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
    b'{"a":[' + b'"x",' * 200_000 + b'"x"]}',
    b'{"a":"' + b"\\" * 999_999,
    b'{"a":"' + b"\\u" * 200_000 + b'"}',
    b"{" + b",".join(b'"k%d":1' % number for number in range(100_000)) + b"}",
    b'{"a":"\xff\xfe\\ud800"}',
    b'{"a":1' + b"0" * 1_000_000 + b"e999999999999999999999}",
    bytes(range(256)) * 100,
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_lines_cost_no_more_than_their_length(line: bytes) -> None:
    conditions = [
        match("a", 0, "xa", 0, 1, "b"),
        match("a", "\N{REPLACEMENT CHARACTER}" * 2, 0),
        {"op": "keyword", "parts": ["needle"], "cased": False},
        {"op": "number", "field": "a", "cmp": "gt", "value": 1},
        {"op": "fieldref", "field": "a", "other": "a", "how": "contains", "cased": False},
        {"op": "re", "field": "a", "pattern": "(x+x+)+y", "flags": "i"},
    ]
    matcher = Matcher(form(*map(rule, conditions)))
    found = matcher.match([line, b'{"a":"needle"}'])
    assert (1, 2) in found
    assert all(number < 2 for number, _ in found)


def test_damaged_text_is_still_seen() -> None:
    """A value does not hide behind bytes that are no UTF-8, or half a surrogate pair."""
    matcher = Matcher(form(rule(match("a", 0, "evil", 0))))
    assert matcher.match([b'{"a":"\xffevil"}', b'{"a":"\\ud800evil"}', b'{"b":"\xff","a":"evil"}']) == [
        (0, 0),
        (1, 0),
        (2, 0),
    ]


def test_one_matcher_serves_several_threads() -> None:
    matcher = Matcher(form(rule(match("a", "x", 0)), rule(match("b", 0, "y"))))
    lines = [json.dumps({"a": f"x{number}" if number % 3 else "", "b": "zy"}).encode() for number in range(5000)]
    expected = matcher.match(lines)
    results: list[list[tuple[int, int]]] = []
    threads = [threading.Thread(target=lambda: results.append(matcher.match(lines))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_numbers_of_an_explanation_lose_no_digit() -> None:
    matcher = Matcher(form(rule(match("a", "x"))))
    explained = json.loads(matcher.explain(b'{"a":[1,123456789012345678901234567890]}', 0))
    assert explained["actual"] == [1, "123456789012345678901234567890"]

"""``impetus match`` as people and benchmarks run it."""

import json
import subprocess
import sys
from codecs import BOM_UTF8
from pathlib import Path

import pytest

RULES = """
title: one
id: 11111111-1111-4111-8111-111111111111
logsource: {product: windows, category: process_creation}
detection: {s: {process.name: Evil}, condition: s}
---
title: two
id: 22222222-2222-4222-8222-222222222222
logsource: {product: linux}
detection: {s: {process.name|contains: vi}, condition: s}
---
title: unusable
id: 33333333-3333-4333-8333-333333333333
logsource: {product: linux}
detection: {s: {process.name|re: '(?=a)b'}, condition: s}
---
title: many
id: 44444444-4444-4444-8444-444444444444
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  group-by: [user.name]
  timespan: 1m
  condition: {gte: 3}
"""
ONE, TWO = (f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "12")

EVENTS = [
    b'{"logsource": {"product": "windows", "category": "process_creation"}, "process": {"name": "EVIL"}}',
    b'{"logsource.product": "linux", "process.name": "evil"}',
    b"",
    b'{"product": "windows", "category": "process_creation", "process.name": "evil"}',
    b'{"product": "windows", "process": {"name": "evil"}}',
    b"no event",
    b'{"process.name": "evil"}',
]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yml"
    path.write_text(RULES, encoding="utf-8")
    return path


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\n".join(EVENTS))
    return path


def run(*words: object, given: bytes = b"") -> tuple[int, list[str], str]:
    """Exit status, lines on standard output, standard error."""
    command = [sys.executable, "-m", "impetus.app", "match", *map(str, words)]
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def test_each_match_is_a_line_and_what_is_wrong_is_named(rules, events):
    status, out, err = run("--rules", rules, events)
    assert status == 0
    assert out == [f'{{"line": {line}, "rule": "{rule}"}}' for line, rule in ((1, ONE), (2, TWO), (4, ONE))]
    assert f"{rules}:15" in err
    assert "look-around" in err
    assert "1 correlations" in err
    assert f"{events}:6: no JSON object" in err


def test_a_byte_order_mark_hides_no_event(rules, events):
    expected = run("--rules", rules, events, events)
    events.write_bytes(BOM_UTF8 + events.read_bytes())
    assert run("--rules", rules, events, events) == expected


def test_all_log_sources_try_every_rule_and_count_only_counts(rules, events):
    status, out, _ = run("--rules", rules, "--all-logsources", "--count", events)
    figures = json.loads("".join(out))
    assert (status, figures["events"], figures["matches"]) == (0, 5, 10)
    assert figures["bytes"] == len(b"\n".join(EVENTS))
    assert figures["seconds"] >= 0


def test_files_and_standard_input_count_on_and_workers_keep_the_order(rules, events, tmp_path):
    more = tmp_path / "more.ndjson"
    more.write_bytes((b" " * 4000 + EVENTS[1] + b"\n") * 2000)
    expected = [(1, ONE), (2, TWO), (4, ONE), (8, TWO), *((line, TWO) for line in range(9, 2009))]
    for workers in (1, 3):
        status, out, err = run("--rules", rules, "--workers", workers, events, "-", more, given=EVENTS[1])
        assert status == 0
        assert [(found["line"], found["rule"]) for found in map(json.loads, out)] == expected, err


def test_rules_and_pipelines_may_be_many(rules, events, tmp_path):
    pipeline = tmp_path / "pipeline.yml"
    mapping = {"process.name": "proc"}
    transformation = {"id": "m", "type": "field_name_mapping", "mapping": mapping}
    pipeline.write_text(json.dumps({"name": "p", "priority": 1, "transformations": [transformation]}), encoding="utf-8")
    other = tmp_path / "other.yml"
    other.write_text(RULES.replace("11111111-1111-4111-8111-111111111111", "other").split("---")[0], encoding="utf-8")
    given = b'{"product":"windows","category":"process_creation","proc":"evil","EventID":1}'
    _, out, _ = run("--rules", rules, other, "--pipeline", pipeline, "-", given=given)
    assert [json.loads(line)["rule"] for line in out] == [ONE, "other"]
    mapped = ("--rules", rules, "--pipeline", "sysmon", "--pipeline", pipeline, "--all-logsources", "-")
    assert [json.loads(line)["rule"] for line in run(*mapped, given=given)[1]] == [ONE, TWO]
    assert [json.loads(line)["rule"] for line in run(*mapped, given=given.replace(b"1}", b"3}"))[1]] == [TWO]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rules", "{rules}", "absent.ndjson"), "absent.ndjson"),
        (("--rules", "absent.yml", "{events}"), "absent.yml"),
        (("--rules", "{rules}", "--pipeline", "nowhere", "{events}"), "'nowhere'"),
        (("--rules", "{rules}"), "no file of events is named"),
        (("--rules", "{rules}", "--workers", "0", "{events}"), "between 1 and 256"),
    ],
)
def test_what_cannot_be_read_is_status_2(rules, events, words, said):
    status, out, err = run(*(word.format(rules=rules, events=events) for word in words))
    assert (status, out) == (2, [])
    assert said in err
    assert "Traceback" not in err


def test_a_line_without_end_is_bounded_and_what_follows_is_matched(rules, tmp_path):
    path = tmp_path / "long.ndjson"
    with path.open("wb") as file:
        file.write(b'{"x": "')
        for _ in range(66):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + EVENTS[1] + b"\n")
    status, out, err = run("--rules", rules, path)
    assert (status, [json.loads(line)["line"] for line in out]) == (0, [2])
    assert f"{path}:1: no JSON object, or over 64 MiB" in err

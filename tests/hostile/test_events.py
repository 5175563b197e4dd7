"""Events at their bounds and beyond, on every way that an event takes."""

import json
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from bending import few, long

from collectors.draft import Draft
from collectors.normalise import native
from collectors.normalise.finish import count_values
from collectors.recording import Source
from correlator._engine import Matcher
from correlator.arrival import read_arrival
from impetus.app.matching import Matching, Rules, Tally
from impetus.domain.errors import ImpetusError
from impetus.domain.event import MAX_BYTES, MAX_DEPTH, MAX_VALUES

NOW = 1_800_000_000_000_000
HEAD = b'{"@timestamp":"2027-05-17T10:00:00Z","event":{"id":"e","created":"2027-05-17T10:00:01Z","provider":"p"},"x":'
OWN = 6
"""Values of the head: three members, three more inside."""

RULE = """
title: any
id: 11111111-1111-4111-8111-111111111111
logsource: {category: any}
detection: {named: {x|contains: z}, anywhere: [nowhere], condition: named or anywhere}
"""


def event(value: bytes) -> bytes:
    return HEAD + value + b"}"


def elements(count: int) -> bytes:
    return b"[" + b",".join([b"0"] * count) + b"]"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def long_text(line: int) -> bytes:
    return b'"' + b"x" * (line - len(HEAD) - 3) + b'"'


BOUNDS = {
    "bytes": (long_text(MAX_BYTES), long_text(MAX_BYTES + 1), "bytes"),
    "depth": (nested(MAX_DEPTH - 1), nested(MAX_DEPTH), "nested"),
    "elements": (elements(MAX_VALUES - OWN), elements(MAX_VALUES - OWN + 1), "values"),
    "members": (
        json.dumps({f"k{i}": 0 for i in range(MAX_VALUES - OWN)}).encode(),
        json.dumps({f"k{i}": 0 for i in range(MAX_VALUES - OWN + 1)}).encode(),
        "values",
    ),
    "one key over and over": (
        b"{" + b",".join([b'"k":0'] * (MAX_VALUES - OWN)) + b"}",
        b"{" + b",".join([b'"k":0'] * (MAX_VALUES - OWN + 1)) + b"}",
        "values",
    ),
}
LARGE = {
    "tiny fields": b"{" + b",".join(b'"%x":0' % i for i in range(90_000)) + b"}",
    "one key a million times": b"{" + b",".join([b'"":0'] * 200_000) + b"}",
    "depth": nested(500_000),
    "escapes": b'"' + rb"\u212a" * 170_000 + b'"',
    "backslashes": b'"' + b"\\\\" * 500_000 + b'"',
    "digits": b"9" * 1_000_000,
    "an exponent": b"1e" + b"9" * 1_000_000,
    "white space": b" " * 1_000_000 + b"0",
    "a long key above many": b'{"' + b"k" * 500_000 + b'":' + elements(9000) + b"}",
}


def taken(*lines: bytes) -> tuple[list[bytes], list[str]]:
    """What a collector of JSON lines makes of lines."""
    draft = Draft("door", Source(), native.normalise, lambda: NOW)
    for number, line in enumerate(lines):
        draft.add_json(line, b"%d" % number, f"file:{number}")
    batch = draft.batch()
    return list(batch.lines), [reject.what for reject in batch.rejects]


def read(line: bytes) -> str | None:
    """Why the correlator refuses a line, if it does."""
    try:
        read_arrival(line, "source")
    except ImpetusError as error:
        return error.what
    return None


@pytest.mark.parametrize("name", BOUNDS)
def test_just_inside_passes_and_just_outside_is_a_reject_that_stops_nothing(name: str) -> None:
    inside, outside, said = BOUNDS[name]
    lines, rejects = taken(event(outside), event(inside), event(b"0"))
    assert lines == [event(inside), event(b"0")]
    assert len(rejects) == 1
    assert said in rejects[0]
    assert read(event(inside)) is None
    assert said in str(read(event(outside)))


@pytest.mark.parametrize("name", BOUNDS)
def test_what_a_record_becomes_has_the_same_bounds(name: str) -> None:
    """Without an id the long way is taken, which writes the event anew."""
    _, outside, _ = BOUNDS[name]
    if name == "one key over and over":
        pytest.skip("a record that is written anew has each key once")
    lines, rejects = taken(event(outside).replace(b'"id":"e",', b""), event(b"0"))
    assert (lines, len(rejects)) == ([event(b"0")], 1)


def test_values_are_counted_in_text_as_in_the_event() -> None:
    for text, values in [(b"{}", 0), (b'{"a":[]}', 1), (b'{"a":[1, 2,[3]]}', 5), (rb'{"a":"[\",{","a":{ }}', 2)]:
        assert count_values(text) == values


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    (tmp_path / "rule.yml").write_text(RULE, encoding="utf-8")
    return Rules.load([tmp_path / "rule.yml"], [])


@pytest.mark.parametrize("name", LARGE)
def test_a_large_event_is_read_matched_and_explained(name: str, rules: Rules) -> None:
    line = event(LARGE[name])
    read(line)
    taken(line)
    rules.matcher.match_all([line])
    rules.matcher.explain(line, 0)


def test_matching_counts_what_is_beyond_its_bounds_and_goes_on(rules: Rules, tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(b'{"x":[' + b"0," * 1_000_000 + b'"z"]}\n{"x":"z"}\n')
    matching = Matching(rules, every=True)
    with events.open("rb") as file:
        matching.run([(str(events), file)], None)
    tally: Tally = matching.tally
    assert (tally.events, tally.matches, tally.malformed_total) == (1, 1, 1)
    assert "values" in tally.malformed[0].what


def bend_events(draws: Iterable[random.Random], matcher: Matcher) -> None:
    seeds = [event(value[0] if len(value[0]) < 400 else b'["a",{"b":null},-1.5e3,true]') for value in BOUNDS.values()]
    for draw in draws:
        line = bytearray(draw.choice(seeds))
        for _ in range(draw.randint(1, 5)):
            at = draw.randrange(len(line))
            line[at : at + draw.randint(0, 3)] = draw.choice(
                [b'"', b"\\", b"{", b"]", b",", b"\xff", b"1e999", b"\\ud800"]
            )
        bent = bytes(line)
        lines, rejects = taken(bent)
        assert len(lines) + len(rejects) == 1
        assert all(read(made) is None for made in lines), "what a collector takes the correlator reads"
        read(bent)
        matcher.match_all([bent])


def test_bent_events_are_events_or_rejects(rules: Rules) -> None:
    bend_events(few(2000), rules.matcher)


@pytest.mark.soak
def test_events_bent_for_long_are_events_or_rejects(rules: Rules) -> None:
    bend_events(long(), rules.matcher)

"""What the benchmark of the engine counts and compares; with the corpus beside the repository, a slice of a lane."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.corpus import BENCH
from benchmarks.differences import GENERIC, OPEN, compare
from benchmarks.engine import callgrind, ecs
from benchmarks.engine.batches import cut, match_buffers, match_lines
from benchmarks.engine.loads import Loads
from correlator._engine import Matcher

ROOT = Path(__file__).resolve().parents[2]

corpus = pytest.mark.skipif(not BENCH.is_dir(), reason="needs shared/bench beside the repository")

PROFILE = """events: Ir
ob=(1) /opt/program
fl=(1) /work/correlator/engine/matcher/src/walk.rs
fn=(1) walk
10 5
fi=(2) /rustc/5980/library/core/src/slice/iter.rs
+2 7
fe=(3) /root/.cargo/registry/src/index-1/aho-corasick-1.1.5/src/dfa.rs
* 11
cfi=(4) ./malloc/malloc.c
cob=(2) /usr/lib/libc.so.6
cfn=(2) malloc
calls=1 30
13 1000
ob=(2)
fl=(4)
fn=(2)
30 13
"""


def test_instructions_count_where_they_were_written() -> None:
    counts = callgrind.read(PROFILE.splitlines(keepends=True))
    assert counts == {"matcher walk": 12, "aho-corasick": 11, "libc.so.6": 13}


def test_pairs_that_differ_have_a_reason(tmp_path: Path) -> None:
    rule = "title: t\nid: {}\nlogsource: {{category: {}}}\ndetection: {{a: {{b: c}}, condition: a}}\n"
    ids = [f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2)]
    for id, category in zip(ids, ("registry_event", "file_event"), strict=True):
        (tmp_path / f"{category}.yml").write_text(rule.format(id, category))
    events = tmp_path / "events.ndjson"
    events.write_text('{"category":"file_event"}\n{"logsource":{"category":["registry_event","registry_set"]}}\n')
    ours = [{"line": 2, "rule": ids[0]}, {"line": 1, "rule": ids[1]}, {"line": 2, "rule": ids[1]}]

    def say(pairs: list[dict[str, object]]) -> list[str]:
        return ["echo", "\n".join(msgspec.json.encode(pair).decode() for pair in pairs)]

    found = compare(say(ours), say(ours[1:2]), tmp_path, events, "0")
    assert found.reasons == {GENERIC: {ids[0]: [2]}, OPEN: {ids[1]: [2]}}
    assert "3 ours, 1 of X, 1 in both; 2 ours alone, 0 theirs alone" in found.say("X")


@corpus
def test_drawn_rules_are_among_the_more_that_are_drawn(tmp_path: Path) -> None:
    loads = Loads(tmp_path, 1)
    names = [{path.name for path in loads.drawn(number)[0].iterdir()} for number in (5, 20)]
    assert [len(each) for each in names] == [5, 20]
    assert names[0] < names[1]


@corpus
def test_python_matches_a_slice_of_the_corpus_alike_in_both_ways(tmp_path: Path) -> None:
    loads = Loads(tmp_path, 400)
    _, form = loads.drawn(200)
    chunks = cut(loads.events.read_bytes())
    assert b"".join(chunks) == loads.events.read_bytes()
    matcher = Matcher(form.read_bytes())
    ways = [match(matcher, chunks) for match in (match_buffers, match_lines)]
    assert ways[0].events == 400
    assert (ways[0].events, ways[0].bytes, ways[0].matches) == (ways[1].events, ways[1].bytes, ways[1].matches)


@corpus
def test_narrow_events_are_what_rules_name(tmp_path: Path) -> None:
    found = list(ecs.events(50))
    form = b'{"rules":[{"condition":{"field":"event.code"}}]}'
    lines = ecs.write_narrow(tmp_path / "narrow.ndjson", found, form, 2).read_bytes().splitlines()
    assert len(lines) == 2 * len(found) > 60
    narrow = msgspec.json.decode(lines[0])
    assert narrow["event"] == {"code": found[0]["event"]["code"], "id": found[0]["event"]["id"]}
    assert set(narrow) == {"@timestamp", "event", "logsource"}


@corpus
@pytest.mark.soak
def test_every_lane_runs_on_a_slice() -> None:
    command = [sys.executable, "-m", "benchmarks.engine", "--events", "300", "--runs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.count("# Engine: ") >= 8

"""The lane against one box: the same rounds, merged from partitions in any interleaving, make the same commits."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laning import (
    CODEC,
    PARTITIONS,
    Rounds,
    Topic,
    by_kind,
    followed,
    in_order,
    lane_of,
    logs_of,
    match_logs,
    one_box,
    partition_of,
    travelling,
)
from msgspec.structs import replace

from correlator.city import CityModel
from correlator.cluster.lane import SPACE, Lane
from correlator.cluster.rounds import MatchedRound
from correlator.document import read_file
from correlator.matched import MatchedBatch
from correlator.plan.day import DayPlan
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.engine import load_rules
from impetus.domain.batch import Batch, Commit
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import SECOND, parse_instant
from impetus.domain.ports import IncidentQuery
from impetus.domain.run import Written
from integrations.embedded.store import EmbeddedStore
from integrations.kafka.rows import MemoryRows
from integrations.kafka.store import LaneStore

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "examples" / "demo" / "oslo-17-may"


@pytest.fixture(scope="module")
def setup() -> Setup:
    rules = load_rules([ROOT / "rules" / "sigma"]).rules
    city, plan = (read_file(DEMO / f"{kind}.yml", kind) for kind in ("city", "plan"))
    made = Setup(rules, CityModel.parse(city, "city"), DayPlan.parse(plan, "plan"))
    return travelling(made, plan)


@pytest.fixture(scope="module")
def rounds() -> list[tuple[int, list[Batch]]]:
    """The Oslo day as one sender brings it: every 20 s of the day the events that came, by source."""
    events = [json.loads(line) for line in (DEMO / "events.ndjson").read_bytes().splitlines()]
    events.sort(key=lambda event: parse_instant(event["event"]["created"]))
    by_clock: dict[int, dict[str, list[bytes]]] = {}
    for event in events:
        clock = (parse_instant(event["event"]["created"]) // (20 * SECOND) + 1) * 20 * SECOND
        sources = by_clock.setdefault(clock, {})
        sources.setdefault(event["event"]["provider"], []).append(json.dumps(event).encode())
    return [(clock, [Batch(s, tuple(lines)) for s, lines in sources.items()]) for clock, sources in by_clock.items()]


def planless(setup: Setup) -> Setup:
    """Another set-up: nobody planned anything."""
    return replace(setup, plan=None, controls=tuple(one for one in setup.controls if one.kind != "plan"))


@pytest.fixture(scope="module")
def expected(setup: Setup, rounds: list[tuple[int, list[Batch]]]) -> list[str]:
    return [canonical(commit) for commit in one_box(setup, rounds)]


@pytest.fixture(scope="module")
def beside() -> Topic:
    return Topic()


@pytest.fixture(scope="module")
def records(setup: Setup, rounds: list[tuple[int, list[Batch]]], beside: Topic) -> list[list[bytes]]:
    return match_logs(logs_of(rounds), lambda _: by_kind(setup), beside)


def canonical(commit: Commit) -> str:
    """A digest of all of a commit, the order of the pieces of state aside."""
    return sha256(msgspec.json.encode(in_order(commit))).hexdigest()


def interleave(records: list[list[bytes]], draw: Iterator[int]) -> Iterator[bytes]:
    """The records of all partitions, each partition in order."""
    at = [0] * len(records)
    while any(place < len(log) for place, log in zip(at, records, strict=True)):
        partition = next(draw) % len(records)
        if at[partition] < len(records[partition]):
            yield records[partition][at[partition]]
            at[partition] += 1


def run(setup: Setup, beside: Topic, arriving: Iterator[bytes], restarts: Iterator[bool]) -> list[str]:
    """Let a lane take records in; where ``restarts`` says so, another takes over. What it committed."""
    controls = by_kind(setup)
    rows = MemoryRows()
    lane = lane_of(rows, lambda number: controls, beside)
    found = []
    for raw in arriving:
        found += [canonical(followed(outcome, beside)) for outcome in lane.take(raw)]
        if next(restarts):
            lane = lane_of(rows, lambda number: controls, beside)
    store = LaneStore(rows, beside.fetch)
    assert [one for one in store.state(SPACE) if one[0]] == []
    assert len([one for one in store.incidents(IncidentQuery()) if one.kind == "incident"]) == 3
    return found


@settings(max_examples=5)
@given(seed=st.integers(0, 1 << 32))
def test_any_interleaving_of_partitions_makes_the_steps_of_one_box(
    setup: Setup, records: list[list[bytes]], beside: Topic, expected: list[str], seed: int
) -> None:
    random = Random(seed)
    draw, never = iter(lambda: random.randrange(PARTITIONS), None), iter(lambda: False, None)
    assert run(setup, beside, interleave(records, draw), never) == expected


def test_whoever_takes_the_lane_over_goes_on_as_if_it_had_not_changed_hands(
    setup: Setup, rounds: list[tuple[int, list[Batch]]], records: list[list[bytes]], beside: Topic, expected: list[str]
) -> None:
    random = Random(5)
    draw = iter(lambda: random.randrange(PARTITIONS), None)
    restarts = iter(lambda: random.random() < 0.05, None)
    controls = by_kind(setup)
    rows = MemoryRows()
    lane = lane_of(rows, lambda number: controls, beside)
    found: dict[str, object] = {}
    for raw in interleave(records, draw):
        for outcome in lane.take(raw):
            found |= {incident.id: incident for incident in outcome.commit.incidents}
        if next(restarts):
            lane = lane_of(rows, lambda number: controls, beside)
    assert found == {one.id: one for commit in one_box(setup, rounds) for one in commit.incidents}


def test_what_was_matched_with_a_former_set_up_is_matched_anew(
    setup: Setup, rounds: list[tuple[int, list[Batch]]]
) -> None:
    """Senders change over at different rounds: the lane does at the first, and looks again at what came behind it."""
    second = planless(setup)
    at = len(rounds) // 2
    logs = logs_of(rounds)
    for partition, log in enumerate(logs):
        first = at if partition == 1 else at + 3 + partition
        log[first:] = [replace(one, setup=2) for one in log[first:]]
    setups = {1: by_kind(setup), 2: by_kind(second)}
    beside = Topic()
    records, lane = match_logs(logs, setups.__getitem__, beside), lane_of(MemoryRows(), setups.__getitem__, beside)
    random = Random(1)
    draw = iter(lambda: random.randrange(PARTITIONS), None)
    found = [canonical(followed(outcome, beside)) for raw in interleave(records, draw) for outcome in lane.take(raw)]
    assert found == [canonical(commit) for commit in one_box(setup, rounds, {at: second})]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_the_lane_goes_on_with_what_one_box_left(
    setup: Setup, rounds: list[tuple[int, list[Batch]]], part: float
) -> None:
    before, after = rounds[: int(len(rounds) * part)], rounds[int(len(rounds) * part) :]
    with closing(EmbeddedStore.in_memory()) as store:
        deque(one_box(setup, before, store=store), 0)
        since = msgspec.msgpack.decode(dict(store.state("clock"))[b""], type=int)
        left = [CODEC.encode(MatchedRound(0, -1, 0, 0, inherited=one)) for one in store.holdings(1_000, since)]
        beside, find = Topic(), lambda _: by_kind(setup)
        lane = lane_of(MemoryRows(), find, beside)
        assert [outcome for raw in left for outcome in lane.take(raw)] == []
        arriving = interleave(match_logs(logs_of(after), find, beside), count())
        found = [canonical(followed(outcome, beside)) for raw in arriving for outcome in lane.take(raw)]
        # What comes again is known: the ids came along.
        again = match_logs(logs_of([(after[-1][0] + SECOND, before[-1][1])]), find, beside)
        assert [
            len(followed(outcome, beside).lines)
            for raw in interleave([[CODEC.encode(_at(raw, len(after))) for raw in log] for log in again], count())
            for outcome in lane.take(raw)
        ] == [0]
        assert found == [canonical(commit) for commit in one_box(setup, after, store=store)]


def _at(raw: bytes, offset: int) -> MatchedRound:
    return replace(CODEC.decode(raw, MatchedRound), offset=offset)


def test_a_record_that_cannot_be_read_and_one_that_comes_again_are_left_out(
    setup: Setup, records: list[list[bytes]], beside: Topic
) -> None:
    lane = Lane(LaneStore(MemoryRows(), beside.fetch), lambda _: by_kind(setup), 1, beside.fetch)
    assert list(lane.take(b"no record")) == list(lane.take(CODEC.encode({"no": "round"}))) == []
    assert list(lane.take(records[0][0]))
    assert list(lane.take(records[0][0])) == []


def test_an_event_that_fails_is_rejected_and_stops_nothing(
    setup: Setup, records: list[list[bytes]], beside: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: Correlator, batches: Sequence[Batch], heard: int) -> Commit:
        if any("O-M04" in batch.packed.traits.ids for batch in batches if isinstance(batch, MatchedBatch)):
            raise RuntimeError("a defect")
        if any(b'"O-M04"' in line for batch in batches for line in batch.lines):
            raise RuntimeError("a defect")
        return step_whole(self, batches, heard)

    step_whole = Correlator.step
    monkeypatch.setattr(Correlator, "step", step)
    lane = lane_of(MemoryRows(), lambda _: by_kind(setup), beside)
    arriving = interleave(records, (number % PARTITIONS for number in count()))
    commits = [followed(one, beside) for raw in arriving for one in lane.take(raw)]
    assert [reject.code for commit in commits for reject in commit.rejects] == ["event.malformed"]
    ids = [head.id for commit in commits for head in commit.heads if head.id.startswith("O-")]
    assert len(ids) == len(set(ids)) == 52


def changing_over(setup: Setup, rounds: Rounds, beside: Topic) -> tuple[Lane, list[list[bytes]]]:
    """A lane, and what it gets: one partition goes over to another set-up a round before the others."""
    logs = logs_of(rounds)
    for partition, log in enumerate(logs):
        first = 1 if partition == 1 else 2
        log[first:] = [replace(one, setup=2) for one in log[first:]]
    find = {1: by_kind(setup), 2: by_kind(planless(setup))}.__getitem__
    return lane_of(MemoryRows(), find, beside), match_logs(logs, find, beside)


def two_rounds(rounds: Rounds) -> Rounds:
    """Of one source two rounds, in the first partition."""
    source = next(source for source in ("a", "b", "c") if partition_of(source) == 0)
    lines = [line for _, batches in rounds for batch in batches for line in batch.lines]
    return [(clock, [Batch(source, (line,), b"1")]) for (clock, _), line in zip(rounds[:2], lines, strict=False)]


def test_events_that_are_gone_when_they_have_to_be_read_again_are_on_record(setup: Setup, rounds: Rounds) -> None:
    beside = Topic()
    lane, records = changing_over(setup, two_rounds(rounds), beside)
    beside.records = {}
    outcomes = [one for those in zip(*records, strict=True) for raw in those for one in lane.take(raw)]
    (commit,) = [one.commit for one in outcomes if one.commit.rejects]
    assert [(one.source, one.code) for one in commit.rejects] == [(commit.positions[0][0], "cluster.record")]
    assert commit.positions[0][1] == b"1"


def test_while_the_brokers_do_not_answer_nothing_is_rejected(setup: Setup, rounds: Rounds) -> None:
    class Away(Topic):
        def fetch(self, partition: int, offset: int) -> Sequence[Written]:
            raise ImpetusError("cluster.unavailable", "away")

    lane, records = changing_over(setup, two_rounds(rounds), Away())
    with pytest.raises(ImpetusError, match="away"):
        assert not [one for those in zip(*records, strict=True) for raw in those for one in lane.take(raw)]

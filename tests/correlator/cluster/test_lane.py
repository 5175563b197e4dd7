"""The lane against one box: the same rounds, merged from partitions in any interleaving, make the same commits."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from correlator.city import CityModel
from correlator.cluster.lane import SPACE, Lane
from correlator.cluster.matching import RoundMatcher
from correlator.cluster.rounds import Codec, MatchedRound, Round
from correlator.control import document_control, limits_control, rules_control
from correlator.document import read_file
from correlator.plan.day import DayPlan
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.engine import load_rules
from impetus.domain.batch import Batch, Commit, Control
from impetus.domain.instant import SECOND, parse_instant
from impetus.domain.ports import IncidentQuery
from integrations.embedded.store import EmbeddedStore
from integrations.kafka.store import LaneStore

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "examples" / "demo" / "oslo-17-may"
PARTITIONS = 3
CODEC = Codec()


@pytest.fixture(scope="module")
def setup() -> Setup:
    rules = load_rules([ROOT / "rules" / "sigma"]).rules
    city, plan = (read_file(DEMO / f"{kind}.yml", kind) for kind in ("city", "plan"))
    made = Setup(rules, CityModel.parse(city, "city"), DayPlan.parse(plan, "plan"))
    kinds = [rules_control(rules), document_control("city", made.city.document), document_control("plan", plan)]
    return replace(made, controls=(*kinds, limits_control(made)))


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


class MemoryRows:
    """Rows in a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self._rows.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted((key, value) for key, value in self._rows.items() if key.startswith(prefix)))


def partition_of(source: str) -> int:
    return sum(source.encode()) % PARTITIONS


def logs_of(rounds: Sequence[tuple[int, list[Batch]]], setup: int = 1) -> list[list[Round]]:
    """The partitions as their sender wrote them."""
    logs: list[list[Round]] = [[] for _ in range(PARTITIONS)]
    for clock, batches in rounds:
        for partition, log in enumerate(logs):
            mine = tuple(batch for batch in batches if partition_of(batch.source) == partition)
            log.append(Round(clock, setup, mine))
    return logs


def matched(logs: list[list[Round]], setup: Setup) -> list[list[bytes]]:
    controls = by_kind(setup)
    matcher = RoundMatcher(lambda number: controls)
    return [
        [CODEC.encode(matcher.match(partition, offset, one)) for offset, one in enumerate(log)]
        for partition, log in enumerate(logs)
    ]


def by_kind(setup: Setup) -> dict[str, Control]:
    return {control.kind: control for control in setup.controls}


def planless(setup: Setup) -> Setup:
    """Another set-up: nobody planned anything."""
    return replace(setup, plan=None, controls=tuple(one for one in setup.controls if one.kind != "plan"))


def one_box(
    setup: Setup,
    rounds: Sequence[tuple[int, list[Batch]]],
    reloads: Mapping[int, Setup] = MappingProxyType({}),
    store: EmbeddedStore | None = None,
) -> list[Commit]:
    """The same rounds on one box; within a round the batches come in the order of the partitions."""
    with nullcontext(store) if store is not None else closing(EmbeddedStore.in_memory()) as store:
        correlator = Correlator(setup, store)
        commits = [correlator.begin()]
        store.commit(commits[0])
        for number, (clock, batches) in enumerate(rounds):
            if number in reloads:
                correlator = correlator.succeed(reloads[number])
                commits.append(correlator.begin())
                store.commit(commits[-1])
            ordered = sorted(batches, key=lambda batch: partition_of(batch.source))
            commits.append(correlator.step(ordered, clock))
            store.commit(commits[-1])
            correlator.committed()
        return commits


@pytest.fixture(scope="module")
def expected(setup: Setup, rounds: list[tuple[int, list[Batch]]]) -> list[str]:
    return [canonical(commit) for commit in one_box(setup, rounds)]


@pytest.fixture(scope="module")
def records(setup: Setup, rounds: list[tuple[int, list[Batch]]]) -> list[list[bytes]]:
    return matched(logs_of(rounds), setup)


def canonical(commit: Commit) -> str:
    """A digest of all of a commit, the order of the pieces of state aside."""
    state = sorted(commit.state, key=lambda pair: pair[0])
    return sha256(msgspec.json.encode(replace(commit, state=tuple(state)))).hexdigest()


def interleave(records: list[list[bytes]], draw: Iterator[int]) -> Iterator[bytes]:
    """The records of all partitions, each partition in order."""
    at = [0] * len(records)
    while any(place < len(log) for place, log in zip(at, records, strict=True)):
        partition = next(draw) % len(records)
        if at[partition] < len(records[partition]):
            yield records[partition][at[partition]]
            at[partition] += 1


def run(setup: Setup, arriving: Iterator[bytes], restarts: Iterator[bool]) -> list[str]:
    """Let a lane take records in; where ``restarts`` says so, another takes over. What it committed."""
    controls = by_kind(setup)
    rows = MemoryRows()
    lane = Lane(LaneStore(rows), lambda number: controls, PARTITIONS)
    found = []
    for raw in arriving:
        found += [canonical(outcome.commit) for outcome in lane.take(raw)]
        if next(restarts):
            lane = Lane(LaneStore(rows), lambda number: controls, PARTITIONS)
    store = LaneStore(rows)
    assert [one for one in store.state(SPACE) if one[0]] == []
    assert len([one for one in store.incidents(IncidentQuery()) if one.kind == "incident"]) == 3
    return found


@settings(max_examples=5)
@given(seed=st.integers(0, 1 << 32))
def test_any_interleaving_of_partitions_makes_the_steps_of_one_box(
    setup: Setup, records: list[list[bytes]], expected: list[str], seed: int
) -> None:
    random = Random(seed)
    draw, never = iter(lambda: random.randrange(PARTITIONS), None), iter(lambda: False, None)
    assert run(setup, interleave(records, draw), never) == expected


def test_whoever_takes_the_lane_over_goes_on_as_if_it_had_not_changed_hands(
    setup: Setup, rounds: list[tuple[int, list[Batch]]], records: list[list[bytes]], expected: list[str]
) -> None:
    random = Random(5)
    draw = iter(lambda: random.randrange(PARTITIONS), None)
    restarts = iter(lambda: random.random() < 0.05, None)
    controls = by_kind(setup)
    rows = MemoryRows()
    lane = Lane(LaneStore(rows), lambda number: controls, PARTITIONS)
    found: dict[str, object] = {}
    for raw in interleave(records, draw):
        for outcome in lane.take(raw):
            found |= {incident.id: incident for incident in outcome.commit.incidents}
        if next(restarts):
            lane = Lane(LaneStore(rows), lambda number: controls, PARTITIONS)
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
    matcher = RoundMatcher(setups.__getitem__)
    lane = Lane(LaneStore(MemoryRows()), setups.__getitem__, PARTITIONS)
    records = [
        [CODEC.encode(matcher.match(partition, offset, one)) for offset, one in enumerate(log)]
        for partition, log in enumerate(logs)
    ]
    random = Random(1)
    draw = iter(lambda: random.randrange(PARTITIONS), None)
    found = [canonical(outcome.commit) for raw in interleave(records, draw) for outcome in lane.take(raw)]
    assert found == [canonical(commit) for commit in one_box(setup, rounds, {at: second})]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_the_lane_goes_on_with_what_one_box_left(
    setup: Setup, rounds: list[tuple[int, list[Batch]]], part: float
) -> None:
    before, after = rounds[: int(len(rounds) * part)], rounds[int(len(rounds) * part) :]
    with closing(EmbeddedStore.in_memory()) as store:
        one_box(setup, before, store=store)
        since = msgspec.msgpack.decode(dict(store.state("clock"))[b""], type=int)
        left = [CODEC.encode(MatchedRound(0, -1, 0, 0, inherited=one)) for one in store.holdings(1_000, since)]
        lane = Lane(LaneStore(MemoryRows()), lambda _: by_kind(setup), PARTITIONS)
        assert [outcome for raw in left for outcome in lane.take(raw)] == []
        arriving = interleave(matched(logs_of(after), setup), count())
        found = [canonical(outcome.commit) for raw in arriving for outcome in lane.take(raw)]
        # What comes again is known: the ids came along.
        again = matched(logs_of([(after[-1][0] + SECOND, before[-1][1])]), setup)
        assert [
            len(outcome.commit.lines)
            for raw in interleave([[CODEC.encode(_at(raw, len(after))) for raw in log] for log in again], count())
            for outcome in lane.take(raw)
        ] == [0]
        assert found == [canonical(commit) for commit in one_box(setup, after, store=store)]


def _at(raw: bytes, offset: int) -> MatchedRound:
    return replace(CODEC.decode(raw, MatchedRound), offset=offset)


def test_a_record_that_cannot_be_read_and_one_that_comes_again_are_left_out(
    setup: Setup, records: list[list[bytes]]
) -> None:
    lane = Lane(LaneStore(MemoryRows()), lambda _: by_kind(setup), 1)
    assert list(lane.take(b"no record")) == list(lane.take(CODEC.encode({"no": "round"}))) == []
    assert list(lane.take(records[0][0]))
    assert list(lane.take(records[0][0])) == []


def test_an_event_that_fails_is_rejected_and_stops_nothing(
    setup: Setup, records: list[list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: Correlator, batches: Sequence[Batch], heard: int) -> Commit:
        if any(arrival.id == "O-M04" for batch in batches for arrival in getattr(batch, "arrivals", ())):
            raise RuntimeError("a defect")
        if any(b'"O-M04"' in line for batch in batches for line in batch.lines):
            raise RuntimeError("a defect")
        return whole(self, batches, heard)

    whole = Correlator.step
    monkeypatch.setattr(Correlator, "step", step)
    lane = Lane(LaneStore(MemoryRows()), lambda _: by_kind(setup), PARTITIONS)
    commits = [o.commit for raw in interleave(records, (n % PARTITIONS for n in count())) for o in lane.take(raw)]
    assert [reject.code for commit in commits for reject in commit.rejects] == ["event.malformed"]
    ids = [head.id for commit in commits for head in commit.heads if head.id.startswith("O-")]
    assert len(ids) == len(set(ids)) == 52

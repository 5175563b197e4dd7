"""Lines beside the lane, and one box: commit by commit the same, whatever comes in whatever order."""

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laning import (
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
    travelling,
)
from msgspec.structs import replace
from planning import NOON, PLAN, correlation, event, rule, rules, setup_of

from correlator.setup import Setup
from impetus.domain.batch import Batch, Commit, Reject
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import SECOND, format_instant
from impetus.domain.run import Written
from integrations.kafka.rows import MemoryRows

MET = "threat.enrichments.indicator.name"
ADDRESSES = ["203.0.113.77", "203.0.113.78", "10.0.0.1", "10.0.0.9"]
CITY = """
city: Oslo
zones:
- {id: Z1}
devices:
- {id: S-1, kind: sensor, zone: Z1, location: {lat: 59.9, lon: 10.7}, radius: 15, addresses: [10.0.0.2], heartbeat: {every: 30s, silent_after: 60s}}
- {id: S-2, kind: sensor, zone: Z1, heartbeat: {every: 30s, silent_after: 90s}}
- {id: D-1, kind: door, zone: Z1}
"""  # noqa: E501
DAY = """
expected:
- {id: shown, reason: a test, from: 2027-05-17T11:00:00Z, to: 2027-05-17T13:00:00Z, event: {event.action: opened}, at_most: 2}
"""  # noqa: E501
KINDS = {"tick": 30, "flow": 20, "login": 9, "alive": 9, "opened": 3, "tag": 1, "indicator": 2, "odd": 2}
"""Kinds of events, and how often each comes."""
PACE = 10
"""Seconds from round to round."""


@pytest.fixture(scope="module")
def setups(tmp_path_factory: pytest.TempPathFactory) -> tuple[Setup, Setup]:
    documents = [
        rule("known", 1, f"{MET}|exists: true", "high"),
        rule("root", 2, "event.action: login, user.name: root"),
        rule("opened", 3, "event.action: opened", "low").replace("product: city", "product: city, category: door"),
        rule("patrol", 4, "event.action: tag").replace("product: city", "product: city, category: patrol"),
        rule("silent", 5, "event.action: silent"),
        correlation("guessed", 6, "type: event_count, rules: [root], group-by: [source.ip], timespan: 1m, condition: {gte: 2}"),  # noqa: E501
        correlation("unchecked", 7, "type: temporal, rules: [opened, patrol], timespan: 1m, condition: opened and not patrol"),  # noqa: E501
        correlation("met", 8, f"type: event_count, rules: [known], group-by: [{MET}], timespan: 2m, condition: {{gte: 2}}"),  # noqa: E501
    ]  # fmt: skip
    found = rules(tmp_path_factory.mktemp("rules"), *documents)
    fewer = rules(tmp_path_factory.mktemp("fewer"), *documents[:5])
    return travelling(setup_of(found, DAY, CITY), (PLAN + DAY).encode()), travelling(setup_of(fewer, city=CITY))


class Drawn:
    """Rounds drawn at random: mostly what concerns nobody, and now and then everything else that there is."""

    def __init__(self, random: Random) -> None:
        self._random, self._number = random, 0
        self._past: list[tuple[str, bytes]] = []

    def rounds(self, count: int) -> Iterator[tuple[int, list[Batch]]]:
        for number in range(count):
            at = number * PACE
            drawn = [self._batch(source, at) for source in ("north", "south", "west", "east") if self._is(0.7)]
            yield NOON + at * SECOND, drawn

    def _is(self, chance: float) -> bool:
        return self._random.random() < chance

    def _batch(self, source: str, at: int) -> Batch:
        lines = [json.dumps(self._event(source, at)).encode() for _ in range(self._random.randrange(12))]
        if self._past and self._is(0.15):
            lines += [line for _, line in self._random.sample(self._past, min(3, len(self._past)))]
        if lines and self._is(0.1):
            lines.append(lines[0])
        if self._is(0.1):
            lines.insert(0, b"{")
        self._random.shuffle(lines)
        self._past += [(source, line) for line in lines]
        rejects = (Reject(source, "event.malformed", "no", "", b"x"),) if self._is(0.05) else ()
        return Batch(source, tuple(lines), str(self._number).encode(), rejects, shed=int(self._is(0.05)))

    def _event(self, source: str, at: int) -> dict[str, Any]:
        self._number += 1
        time = at - self._random.uniform(0, PACE)
        if self._is(0.02):
            time -= self._random.choice([100, 130, 400, 9000])
        ahead = self._is(0.005)
        made = self._made(time + (4000 if ahead else 0))
        made["event.provider"] = self._random.choice([source, f"{source}-2"]) if self._is(0.97) else "heartbeat"
        if ahead:
            made["event.created"] = format_instant(NOON + round(time * SECOND))
        return made

    def _made(self, time: float) -> dict[str, Any]:
        id, random = f"e{self._number}", self._random
        address = random.choice(ADDRESSES)
        alive = time % 200 < 100
        bare: dict[str, Any] = {"device.id": None, "place.zone": None}
        match random.choices(list(KINDS), list(KINDS.values()))[0]:
            case "flow":
                return event(
                    id, time, "flow", None, **bare, **{"source.ip": "10.0.0.2" if alive and self._is(0.1) else address}
                )
            case "login":
                name = random.choice(["root", "kari", "ola"])
                return event(id, time, "login", None, **bare, **{"source.ip": [address], "user.name": name})
            case "alive":
                names = ["S-2", "D-1", *(["S-1"] if alive else [])]
                return event(id, time, "reading", None, **{"device.id": random.choice(names)})
            case "opened":
                return event(id, time, "opened", **{"logsource.category": "door", "device.id": "D-1"})
            case "tag":
                return event(id, time, "tag", None, **{"logsource.category": "patrol", "device.id": "D-1"})
            case "indicator":
                return self._indicator(id, time, address)
            case "odd":
                return event(
                    id, time, "odd", None, **{"logsource.category": ["door", "x"], "device.id": [7, True, None]}
                )
        return event(id, time, "tick", None, **bare)

    def _indicator(self, id: str, time: float, address: str) -> dict[str, Any]:
        now, fields = format_instant(NOON + round(time * SECOND)), dict[str, Any]()
        if self._is(0.5):
            fields |= {"id": f"i-{address}", "modified_at": now}
        if self._is(0.2):
            fields["revoked"] = True
        start = time - self._random.choice([0, 20, 200])
        return event(id, start, "indicator", None, **{
            "logsource.product": "cti", "logsource.category": "indicator", "threat.indicator.type": "ipv4-addr",
            "threat.indicator.name": address, "device.id": None, "place.zone": None,
            "event.created": now,
            **{f"threat.indicator.{name}": value for name, value in fields.items()},
        })  # fmt: skip


def cluster(
    first: Setup, second: Setup, rounds: Rounds, reload: int | None, restarts: set[int], beside: Topic
) -> list[Commit]:
    """What who follows commits; the sender goes over to the second set-up at a round, others two rounds later."""
    find = {1: by_kind(first), 2: by_kind(second)}.__getitem__
    logs = logs_of(rounds)
    if reload is not None:
        for partition, log in enumerate(logs):
            start = reload + (2 if partition else 0)
            log[start:] = [replace(one, setup=2) for one in log[start:]]
    records, rows, found = match_logs(logs, find, beside), MemoryRows(), []
    lane = lane_of(rows, find, beside)
    for number in range(len(rounds)):
        if number in restarts:
            lane = lane_of(rows, find, beside)
        for partition in range(PARTITIONS):
            found += [in_order(followed(one, beside)) for one in lane.take(records[partition][number])]
    return found


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    reload=st.none() | st.integers(1, 35),
    restarts=st.sets(st.integers(1, 39), max_size=3),
)
def test_commits_are_those_of_one_box(
    setups: tuple[Setup, Setup], seed: int, reload: int | None, restarts: set[int]
) -> None:
    first, second = setups
    rounds = list(Drawn(Random(seed)).rounds(40))
    found = cluster(first, second, rounds, reload, restarts, Topic())
    expected = list(one_box(first, rounds, {reload: second} if reload is not None else {}, restarts))
    assert len(found) == len(expected)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one == other, number


def test_what_is_drawn_holds_everything(setups: tuple[Setup, Setup]) -> None:
    """The test above means little if indicators, late events and silences never come."""
    rounds = list(Drawn(Random(5)).rounds(120))
    commits = list(one_box(setups[0], rounds))
    assert {one.title for commit in commits for one in commit.alerts} == {
        "known", "root", "opened", "silent", "guessed", "unchecked", "met",
    }  # fmt: skip
    assert sum(commit.duplicates for commit in commits) > 10
    assert any(commit.revisions for commit in commits)
    assert any(commit.ledger for commit in commits)


def test_lines_are_fetched_only_for_events_that_meet_an_indicator(setups: tuple[Setup, Setup]) -> None:
    quiet = {"device.id": None, "place.zone": None, "event.provider": "north"}
    ticks = [event(f"t{number}", number, "tick", None, **quiet) for number in range(30)]
    rounds = [(NOON + at * SECOND, [Batch("north", (json.dumps(tick).encode(),))]) for at, tick in enumerate(ticks)]
    beside, find = Topic(), lambda _: by_kind(setups[0])
    lane = lane_of(MemoryRows(), find, beside)
    records = zip(*match_logs(logs_of(rounds), find, beside), strict=True)
    outcomes = [one for those in records for raw in those for one in lane.take(raw)]
    assert beside.fetched == 0
    assert not any(outcome.commit.lines for outcome in outcomes)
    assert [head.id for one in outcomes for head in followed(one, beside).heads] == [tick["event.id"] for tick in ticks]


def test_events_that_meet_an_indicator_and_are_gone_are_on_record(setups: tuple[Setup, Setup]) -> None:
    class Gone(Topic):
        def fetch(self, partition: int, offset: int) -> Sequence[Written]:
            raise ImpetusError("cluster.record", "gone")

    rounds, beside, find = list(Drawn(Random(5)).rounds(60)), Gone(), lambda _: by_kind(setups[0])
    lane = lane_of(MemoryRows(), find, beside)
    records = zip(*match_logs(logs_of(rounds), find, beside), strict=True)
    commits = [one.commit for those in records for raw in those for one in lane.take(raw)]
    expected = list(one_box(setups[0], rounds))
    lost = [reject for commit in commits for reject in commit.rejects if reject.code == "cluster.record"]
    met = {event for commit in expected for alert in commit.alerts if alert.title == "known" for event in alert.events}
    assert 0 < len(lost) <= len(met)
    assert _positions(commits) == _positions(expected)
    assert any(commit.runs for commit in commits), "what meets none goes on"


def _positions(commits: Sequence[Commit]) -> dict[str, bytes]:
    return {source: position for commit in commits for source, position in commit.positions}

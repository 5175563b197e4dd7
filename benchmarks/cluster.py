"""The cluster: what each stage costs an event, how fast 1 and 2 workers are over a real broker, and whether their
incidents are those of one box.

    python -m deploy.devstack start kafka
    python -m benchmarks.cluster --brokers 127.0.0.1:41935 --events 40000 --write

Processor time is that of the stage alone, in one process; the rates are of processes that share the machine with the
broker and with each other, from the first event sent to the last outcome, while all workers are up.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import msgspec

from benchmarks.pipeline import Case, Keeping, cases
from benchmarks.results import commit as commit_name
from benchmarks.results import processor, write_section
from collectors.logs.json_lines import JsonLines, JsonLinesSettings
from correlator.cluster.lane import Lane
from correlator.cluster.matching import RoundMatcher
from correlator.cluster.rounds import Codec, EnrichedRound, MatchedRound, Outcome, Round
from correlator.control import document_control, limits_control, rules_control, setup_of
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.cluster.access import make_access, make_layout
from impetus.app.cluster.follower import Follower
from impetus.app.cluster.place import Place
from impetus.app.cluster.processes import Processes
from impetus.app.cluster.rounds import Extra, RoundMaker
from impetus.app.cluster.setups import Setups
from impetus.app.reloading import collect
from impetus.app.settings import read_settings
from impetus.app.tally import Tally
from impetus.app.wiring import wall_clock
from impetus.domain.batch import Batch
from impetus.domain.ports import IncidentQuery, Store
from impetus.domain.run import Fetch, Written, whole
from integrations.embedded.store import EmbeddedStore
from integrations.kafka.rows import MemoryRows
from integrations.kafka.sending import Sender, Sending
from integrations.kafka.store import LaneStore
from integrations.kafka.topics import make_topics

PARTITIONS = 4
SOURCES = 8
"""The events of a case are brought as if by so many sources."""
SIZE = 60
"""Events of one source in one round: few enough that a round is not cut, which would be steps of its own."""
PACE = 250_000
"""µs from the clock of one round to that of the next."""
SETTLING = 20.0
"""Seconds in which the workers that were started last take their place."""
WANTED = ("City events, shipped rules", "Windows events, shipped and SigmaHQ rules")


class Cost(msgspec.Struct):
    """µs of processor time an event."""

    one_box: float
    send: float
    match: float
    lane: float
    follow: float


def rounds_of(case: Case) -> list[list[Batch]]:
    """The events of a case as collectors hand them on, by round."""
    keeping = Keeping()
    settings = JsonLinesSettings(path=case.file, format=case.format, recorded=True)
    asyncio.run(JsonLines("bench", settings, keeping, wall_clock).run())
    lines = [line for batch in keeping.batches for line in batch.lines]
    parts = [tuple(lines[start : start + SIZE]) for start in range(0, len(lines), SIZE)]
    batches = [Batch(f"source-{number % SOURCES}", part) for number, part in enumerate(parts)]
    return [batches[start : start + SOURCES] for start in range(0, len(batches), SOURCES)]


def recorded(setup: Setup) -> Setup:
    """A set-up that travels: with its control records."""
    controls = [rules_control(setup.rules), document_control("city", setup.city.document)]
    return msgspec.structs.replace(setup, plan=None, controls=(*controls, limits_control(setup)))


def remembering(read: Callable[[int], Sequence[Written]]) -> Fetch:
    """Gives the events beside the lane, of each partition the last record from memory, as over the broker."""
    last: dict[int, tuple[int, Sequence[Written]]] = {}

    def fetch(partition: int, offset: int) -> Sequence[Written]:
        if last.get(partition, (-1,))[0] != offset:
            last[partition] = offset, read(offset)
        return last[partition][1]

    return fetch


def timed(call: Callable[[], object], events: int) -> float:
    before = time.process_time()
    call()
    return (time.process_time() - before) / events * 1e6


def outcome(store: Store) -> dict[str, object]:
    return {one.id: one for one in store.incidents(IncidentQuery(limit=1_000_000))}


def one_box(setup: Setup, rounds: list[list[Batch]], began: int, store: Store) -> Iterator[None]:
    """The rounds on one box, in the order in which the lane takes the batches of a round; a step at a time."""
    correlator = Correlator(setup, store)
    store.commit(correlator.begin())
    return steps_of(correlator, rounds, began, store)


def steps_of(correlator: Correlator, rounds: list[list[Batch]], began: int, store: Store) -> Iterator[None]:
    maker = RoundMaker(PARTITIONS)
    for number, batches in enumerate(rounds):
        ordered = sorted(batches, key=lambda batch: maker.partition_of(batch.source))
        store.commit(correlator.step(ordered, began + number * PACE))
        correlator.committed()
        yield


def sendings(rounds: list[list[Batch]], began: int, setup: int) -> list[Sending]:
    maker = RoundMaker(PARTITIONS)
    return [
        sending
        for number, batches in enumerate(rounds)
        for sending in maker.make(batches, Extra(), began + number * PACE, setup)
    ]


def measure_stages(setup: Setup, rounds: list[list[Batch]], events: int, folder: Path) -> tuple[Cost, bool]:
    """What each stage costs, one after the other in this process; and whether the incidents are those of one box."""
    began, codec, controls = wall_clock(), Codec(), {control.kind: control for control in setup.controls}
    beside: list[bytes] = []
    fetch = remembering(lambda place: codec.decode(beside[place], EnrichedRound).batches)
    lane = Lane(LaneStore(MemoryRows(), fetch), lambda _: controls, PARTITIONS, fetch)
    matcher = RoundMatcher(lambda _: controls)
    sent: list[Sending] = []
    matched: list[bytes] = []
    made: list[bytes] = []
    box, followed = EmbeddedStore(folder / "box.db"), EmbeddedStore(folder / "followed.db")

    def match() -> None:
        for offset, sending in enumerate(sent, 1):
            for partition, record in enumerate(sending.rounds):
                one, events = matcher.match(partition, offset, codec.decode(record, Round))
                if events is not None:
                    one = msgspec.structs.replace(one, beside=len(beside))
                    beside.append(codec.encode(events))
                matched.append(codec.encode(one))

    def step() -> None:
        for record in matched:
            made.extend(codec.encode(each) for each in lane.take(record))

    def follow() -> None:
        for record in made:
            followed.commit(whole(codec.decode(record, Outcome).commit, fetch))

    # The engine is compiled before anything is timed, in the lane by a first round without events.
    matcher.match(0, 0, Round(0, 1, (Batch("warm", ()),)))
    for partition in range(PARTITIONS):
        first = codec.encode(MatchedRound(partition, 0, began - PACE, 1))
        made.extend(codec.encode(each) for each in lane.take(first))
    steps = one_box(setup, rounds, began, box)
    collect()
    cost = Cost(
        timed(lambda: deque(steps, 0), events),
        timed(lambda: sent.extend(sendings(rounds, began, 1)), events),
        timed(match, events),
        timed(step, events),
        timed(follow, events),
    )
    with contextlib.closing(box), contextlib.closing(followed):
        return cost, outcome(box) == outcome(followed)


class Run(msgspec.Struct):
    """A run over the broker."""

    workers: int
    rate: float
    incidents: int
    equal: bool


def measure_cluster(brokers: str, setup: Setup, rounds: list[list[Batch]], workers: int, folder: Path) -> Run:
    """Let workers take in what lies ready."""
    folder.mkdir()
    (folder / "impetus.toml").write_text(
        f'[log]\nlevel = "warning"\n[cluster]\nbroker.hosts = ["{brokers}"]\nname = "bench-{uuid4().hex[:8]}"\n'
        f"partitions = {PARTITIONS}\n"
    )
    settings = read_settings(folder / "impetus.toml")
    access = make_access(settings)
    make_topics(access, make_layout(settings))
    sender, began = Sender(access, "bench"), wall_clock()
    number = Setups(access).publish(setup.controls, sender)
    ready = sendings(rounds, began, number)
    store, last = EmbeddedStore(folder / "followed.db"), began + (len(ready) - 1) * PACE
    follower = Follower(access, store, Place(""), Tally(store, wall_clock))
    seconds, events = asyncio.run(
        drain(Processes(settings, [str(n) for n in range(workers)]), sender, ready, follower, store, last)
    )
    follower.close()
    box = EmbeddedStore.in_memory()
    deque(one_box(setup_of({control.kind: control for control in setup.controls}), rounds, began, box), 0)
    with contextlib.closing(box), contextlib.closing(store):
        return Run(workers, events / seconds, len(outcome(store)), outcome(box) == outcome(store))


async def drain(  # noqa: PLR0913, PLR0917 - the parts of a cluster
    workers: Processes, sender: Sender, ready: list[Sending], follower: Follower, store: Store, last: int
) -> tuple[float, int]:
    """Seconds from the sending of all rounds but the first to the last outcome, and the events of them.

    The first round comes through before, and all workers are up by then.
    """
    task, loop = asyncio.create_task(workers.run()), asyncio.get_running_loop()
    await asyncio.to_thread(sender.send, ready[0])
    while not follower.heard:
        await asyncio.to_thread(follower.step)
    await asyncio.sleep(SETTLING)
    began, first = loop.time(), store.counts()["events"]
    sending = asyncio.create_task(asyncio.to_thread(lambda: deque(map(sender.send, ready[1:]), 0)))
    while follower.heard < last:
        await asyncio.to_thread(follower.step)
    seconds = loop.time() - began
    await sending
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return seconds, store.counts()["events"] - first


def report(results: list[tuple[str, int, Cost, bool, list[Run]]]) -> str:
    """The section of ``RESULTS.md``."""
    lines = [
        "# Cluster: Kafka and several workers",
        "",
        f"{len(os.sched_getaffinity(0))} cores, {processor()}, {time.strftime('%Y-%m-%d')}, commit {commit_name()}; "
        f"beside other work (load {os.getloadavg()[1]:.1f}). Broker, workers and follower share these cores, so the "
        "rates say little of a cluster; the processor time of a stage does.",
        "",
        "    python -m deploy.devstack start kafka",
        "    python -m benchmarks.cluster --brokers 127.0.0.1:PORT --write",
        "",
        "| events | one box: step and commit | send | match | lane | follow | stages: incidents as on one box |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, events, cost, equal, _ in results:
        figures = " | ".join(f"{value:.1f}" for value in msgspec.structs.astuple(cost))
        lines.append(f"| {name} ({events:,}) | {figures} | {'yes' if equal else 'NO'} |")
    lines += [
        "",
        "Processor time, µs an event.",
        "",
        "| events | workers | events/s | incidents | as on one box |",
        "|---|---|---|---|---|",
    ]
    for name, _, _, _, runs in results:
        for run in runs:
            equal = "yes" if run.equal else "NO"
            lines.append(f"| {name} | {run.workers} | {run.rate:,.0f} | {run.incidents:,} | {equal} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", help="HOST:PORT; without it only the stages are measured")
    parser.add_argument("--events", type=int, default=20_000, help="Windows events; twice as many city events")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-cluster-"))
    results = []
    try:
        for case in cases(folder, options.events):
            if case.name not in WANTED:
                continue
            setup, rounds = recorded(case.setup), rounds_of(case)
            events = sum(len(batch.lines) for batches in rounds for batch in batches)
            place = folder / case.name.replace(" ", "-")
            place.mkdir()
            cost, equal = measure_stages(setup, rounds, events, place)
            runs = [
                measure_cluster(options.brokers, setup, rounds, workers, place / f"workers-{workers}")
                for workers in ((1, 2) if options.brokers else ())
            ]
            results.append((case.name, events, cost, equal, runs))
    finally:
        shutil.rmtree(folder)
    text = report(results)
    sys.stdout.write(text)
    if options.write:
        write_section(text)


if __name__ == "__main__":
    main()

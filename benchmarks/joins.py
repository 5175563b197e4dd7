"""How fast alerts join incidents, and whether that or its memory grows.

Alerts as detection makes them, from 100,000 entities: most about one account and one device, repeats of a few noisy
devices, correlations over earlier events of the same, and one in ten through a gateway. Two loads: a day of
them, and 5,000 a second. One in twenty arrives late, by 90 seconds or a quarter of the run.
A progress line says rate, memory and the store's time of each tenth. ``--alerts 200000`` is the quick form, two
million a whole day; ``--write`` puts the results in RESULTS.md.

The lower bound is a union-find over the same names: no order, no history, no expiry, no records.
"""

import argparse
import gc
import os
import random
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from benchmarks import results
from correlator.city import CityModel
from correlator.incidents.joins import Joins
from correlator.incidents.limits import Limits
from impetus.app.reloading import collect
from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Key
from impetus.domain.entity import Entity
from impetus.domain.incident import Incident
from impetus.domain.instant import SECOND
from impetus.domain.ports import Store
from impetus.domain.rule import Level
from integrations.embedded.store import EmbeddedStore

START = 1_810_000_000 * SECOND
LATE = 120 * SECOND
BATCH = 2_000
ENTITIES = 100_000
GATEWAY = "gateway"

State = tuple[tuple[Key, bytes | None], ...]


def make_alerts(count: int, span: int, seed: int = 7) -> Iterator[Alert]:
    """So many alerts over a span (µs) of event time, in the order in which they arrive."""
    draw, delay = random.Random(seed), min(LATE * 3 // 4, span // 4)
    waiting: deque[Alert] = deque()
    recent: dict[str, list[str]] = {}
    for number in range(count):
        at = START + span * number // count
        alert = _make(draw, number, at, recent)
        if draw.random() < 0.05:
            waiting.append(alert)
        else:
            yield alert
        if waiting and at - waiting[0].at > delay:
            yield waiting.popleft()
    yield from waiting


def _make(draw: random.Random, number: int, at: int, recent: dict[str, list[str]]) -> Alert:
    kind, rule = draw.random(), draw.randrange(60)
    level: Level = "low" if kind < 0.4 else "medium"
    subject = f"user:u{draw.randrange(ENTITIES // 2)}" if kind < 0.6 else f"device:d{draw.randrange(ENTITIES // 2)}"
    if kind > 0.95:
        subject, rule = f"device:noisy{draw.randrange(20)}", 1
    entities = (subject, f"address:{GATEWAY}") if draw.random() < 0.1 else (subject,)
    correlation = draw.random() < 0.02
    events = (*recent.get(subject, ())[-2:], f"e{number}") if correlation else (f"e{number}",)
    recent[subject] = [*recent.get(subject, ())[-1:], f"e{number}"]
    return Alert(
        f"{number:026d}", f"rule-{rule}", f"Rule {rule}", "high" if correlation else level, at, at, events,
        (at,) * len(events), entities=tuple(Entity(*key.split(":")) for key in entities), domains=("cyber",),
        zones=(f"Z{number % 40}",), correlation=correlation,
    )  # fmt: skip


class Measured(msgspec.Struct):
    """One run, by tenths of it: alerts/s and resident bytes, and CPU seconds that the commits of the store took."""

    name: str
    alerts: int
    seconds: float
    rates: list[float]
    memory: list[int]
    stored: list[float] = []
    incidents: int = 0
    written: int = 0
    largest: int = 0


def join(name: str, alerts: int, span: int, store: Store) -> Measured:
    """Alerts through the joins as the worker calls them: apply, expire, take the changes of state, commit, let go."""
    limits = Limits(settles=LATE + 900 * SECOND, horizon=LATE + 900 * SECOND)
    joins = Joins(CityModel.empty(), store.incident, limits=limits)
    joins.restore(store, None)
    measured = Measured(name, alerts, 0.0, [], [])
    newest, part = 0, max(BATCH, alerts // 10)
    tenth, stored, done = 0.0, 0.0, 0
    for batch in _batches(make_alerts(alerts, span)):
        newest = max(newest, *(alert.at for alert in batch))
        begin = time.process_time()
        changed = joins.apply(batch, "new evidence")
        joins.expire(newest - LATE)
        state = tuple(joins.changes())
        tenth += time.process_time() - begin
        stored += commit(store, batch, changed, state)
        begin = time.process_time()
        joins.committed()
        tenth += time.process_time() - begin
        measured.written += len(changed)
        measured.largest = max(measured.largest, *(one.alerts for one in changed))
        done += len(batch)
        if done % part < BATCH:
            measured.rates.append(part / tenth)
            measured.memory.append(resident())
            measured.stored.append(stored)
            progress = f"{name}: {done:,} alerts, {part / tenth:,.0f}/s, {resident() >> 20:,} MiB, store {stored:.1f} s"
            print(progress, flush=True)
            measured.seconds, tenth, stored = measured.seconds + tenth, 0.0, 0.0
    measured.seconds += tenth
    measured.incidents = joins.active
    return measured


def commit(store: Store, alerts: list[Alert], changed: list[Incident], state: State) -> float:
    """CPU seconds that a commit takes, which is the store's part and no joining."""
    begin = time.process_time()
    newest = {one.id: one for one in changed}
    store.commit(Commit(alerts=tuple(alerts), incidents=tuple(newest.values()), state=state))
    return time.process_time() - begin


def group(alerts: int, span: int) -> float:
    """Seconds that a union-find over the same names takes."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        root = name
        while (above := parent.setdefault(root, root)) != root:
            root = above
        parent[name] = root
        return root

    spent = 0.0
    for batch in _batches(make_alerts(alerts, span)):
        begin = time.process_time()
        for alert in batch:
            first = find(f"event:{alert.events[0]}")
            for name in (*alert.events[1:], *(entity.key for entity in alert.entities)):
                parent[find(name)] = first
        spent += time.process_time() - begin
    return spent


def _batches(alerts: Iterator[Alert]) -> Iterator[list[Alert]]:
    batch: list[Alert] = []
    for alert in alerts:
        batch.append(alert)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def resident() -> int:
    """Memory of this process now, in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def report(measured: Sequence[Measured], bound: float, alerts: int) -> str:
    """The section of the results."""
    heads = ("", "alerts", "alerts/s", "slowest tenth", "CPU seconds", "incidents", "written", "largest")
    tenths = ("by tenths", *("" for _ in range(10)))
    lines = [
        "# Joining alerts to incidents",
        "",
        f"`python -m benchmarks.joins --write` at {results.commit()}: synthetic alerts of {ENTITIES:,} entities,",
        "two in five low, one in fifty a correlation, one in ten through a shared gateway, one in twenty late. Apply,",
        "expire, state, and what follows a commit; rates are by CPU time of one core, without the store's commits.",
        "The goal is 5,000 alerts/s at that rate, and a day of two million in ten minutes.",
        f"Load average {os.getloadavg()[2]:.1f} when it ended: over 1, what ran beside it slowed it.",
        "The second load uses the memory again that the first one left to the process.",
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
    ]
    for one in measured:
        lines.append(
            f"| {one.name} | {one.alerts:,} | **{one.alerts / one.seconds:,.0f}** | {min(one.rates):,.0f} "
            f"| {one.seconds:,.0f} | {one.incidents:,} | {one.written:,} | {one.largest:,} |"
        )
    union = f"{alerts:,} | {alerts / bound:,.0f} | | {bound:,.0f}"
    lines += [f"| union-find over the same names (lower bound) | {union} | | | |", ""]
    lines += [f"| {' | '.join(tenths)} |", "|---" * len(tenths) + "|"]
    for one in measured:
        lines += [
            _by_tenth(f"{one.name}: alerts/s", (f"{rate:,.0f}" for rate in one.rates)),
            _by_tenth(f"{one.name}: resident MiB", (f"{size >> 20:,}" for size in one.memory)),
            _by_tenth(f"{one.name}: CPU seconds of the store", (f"{spent:,.1f}" for spent in one.stored)),
        ]
    return "\n".join(lines)


def _by_tenth(name: str, values: Iterable[str]) -> str:
    return f"| {name} | {' | '.join(values)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=2_000_000)
    parser.add_argument("--rate", type=int, default=5_000, help="alerts a second of event time in the second load")
    parser.add_argument("--only", choices=("day", "rate"))
    parser.add_argument("--write", action="store_true", help="put the results into RESULTS.md")
    options = parser.parse_args()
    collect()  # as ``impetus run`` does
    loads = {"a day": 86_400 * SECOND, f"{options.rate:,} a second": options.alerts * SECOND // options.rate}
    chosen = {"day": [0], "rate": [1], None: [0, 1]}[options.only]
    measured = []
    for at in chosen:
        name, span = list(loads.items())[at]
        with tempfile.TemporaryDirectory() as folder:
            store = EmbeddedStore(Path(folder) / "store", durable=False)
            measured.append(join(name, options.alerts, span, store))
            store.close()
        gc.collect()
    text = report(measured, group(options.alerts, 86_400 * SECOND), options.alerts)
    print(text)
    if options.write:
        results.write_section(text)


if __name__ == "__main__":
    main()

"""Events per second from a file to stored and matched, by the way of a running Impetus, and the limits beside it.

    make bench            python -m benchmarks.pipeline --events 50000 --runs 3

The way: the collector of JSON lines, the runner, the correlator, and the embedded store on disk, every commit synced.
Beside it, in the same process and on the same events, what no such program can be faster than: JSON decoded by msgspec,
the engine alone, the store alone, the collector alone. Each figure is the median of the runs; each run makes all of
them, so that other load on the machine meets them alike.
"""

import argparse
import asyncio
import gc
import itertools
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.city_events import OSLO, city_events
from benchmarks.corpus import BENCH, read_events, unpack_rules
from benchmarks.results import processor
from benchmarks.stages import STAGES, Stopwatch
from collectors.logs.json_lines import JsonLines, JsonLinesSettings
from correlator._engine import Matcher
from correlator.city import CityModel
from correlator.plan.day import DayPlan
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.engine import load_rules
from impetus.app.reloading import collect
from impetus.app.runner import Runner
from impetus.app.tally import Tally
from impetus.app.wiring import shipped_rules, wall_clock
from impetus.domain.batch import Batch, Commit
from impetus.domain.ports import Store
from integrations.embedded.store import EmbeddedStore


class Case(msgspec.Struct):
    """One load: a file of a format, and what the correlator works with."""

    name: str
    file: Path
    format: str
    setup: Setup
    events: int


class Keeping:
    """An intake that keeps the batches, so that the collector runs alone."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    async def accept(self, batch: Batch) -> None:
        self.batches.append(batch)

    def position(self, source: str) -> bytes | None:
        return None


class Recording(EmbeddedStore):
    """The store, remembering what it committed."""

    commits: list[Commit]

    def commit(self, commit: Commit) -> int:
        self.commits.append(commit)
        return super().commit(commit)


def run_whole(case: Case, folder: Path, watch: Stopwatch) -> tuple[float, list[Commit]]:
    """The whole way once; its wall seconds, and what was committed."""
    path = folder / "run.db"
    store = Recording(path)
    store.commits = []

    def make(behind: Store) -> Correlator:
        correlator = Correlator(case.setup, behind)
        watch.watch_matcher(correlator)
        return correlator

    async def run() -> float:
        runner = Runner(make, store, wall_clock, Tally(store, wall_clock))
        settings = JsonLinesSettings(path=case.file, format=case.format, recorded=True)
        began = time.perf_counter()
        loop = asyncio.create_task(runner.run())
        await JsonLines("bench", settings, runner, wall_clock).run()
        spent = time.perf_counter() - began
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        runner.close()
        return spent

    collect()  # as ``impetus run`` does
    with watch.watching():
        spent = asyncio.run(run())
    gc.unfreeze()
    store.close()
    for left in folder.glob("run.db*"):
        left.unlink()
    return spent, store.commits


def limits(case: Case, folder: Path, commits: Sequence[Commit]) -> dict[str, Callable[[], object]]:
    """What is measured beside the whole, each alone: name → one run of it."""
    lines = [line for commit in commits for line in commit.lines]
    buffer = b"\n".join(lines)
    decode, matcher = msgspec.json.Decoder().decode, Matcher(case.setup.rules.form)
    stored = [
        Commit(lines=commit.lines, additions=commit.additions, heads=commit.heads, positions=commit.positions)
        for commit in commits
    ]

    def collect() -> None:
        settings = JsonLinesSettings(path=case.file, format=case.format, recorded=True)
        asyncio.run(JsonLines("bench", settings, Keeping(), wall_clock).run())

    def store() -> None:
        alone = EmbeddedStore(folder / "alone.db")
        for commit in stored:
            alone.commit(commit)
        alone.close()
        for left in folder.glob("alone.db*"):
            left.unlink()

    return {
        "msgspec decoding alone": lambda: [decode(line) and None for line in lines],
        "engine alone (Matcher.match_buffer)": lambda: matcher.match_buffer(buffer),
        "collector alone": collect,
        "store alone": store,
    }


def measure(case: Case, runs: int, folder: Path) -> None:
    """All figures of a case, as rows of tables."""
    whole: list[float] = []
    alone: dict[str, list[float]] = {}
    stages: dict[str, list[float]] = {}
    commits: list[Commit] = []
    for _ in range(runs):
        watch = Stopwatch()
        spent, commits = run_whole(case, folder, watch)
        whole.append(spent)
        for stage in STAGES:
            stages.setdefault(stage, []).append(watch.spent[stage])
        stages.setdefault("(waiting for the disk)", []).append(watch.commit_wall - watch.spent["commit"])
        for name, call in limits(case, folder, commits).items():
            began = time.perf_counter()
            call()
            alone.setdefault(name, []).append(time.perf_counter() - began)
    report(case, commits, whole, alone, stages)


def report(
    case: Case,
    commits: Sequence[Commit],
    whole: list[float],
    alone: dict[str, list[float]],
    stages: dict[str, list[float]],
) -> None:
    """Print a case as Markdown."""
    events = sum(len(commit.lines) for commit in commits)
    size = sum(len(line) for commit in commits for line in commit.lines) / events
    alerts = len({alert.id for commit in commits for alert in commit.alerts})
    incidents = len({incident.id for commit in commits for incident in commit.incidents})
    rules = len(case.setup.rules.rules)
    rejected = sum(len(commit.rejects) for commit in commits)
    say(f"\n### {case.name}\n")
    say(
        f"{rules:,} rules; {events:,} events of {size:,.0f} bytes (and {rejected:,} refused); "
        f"{alerts:,} alerts, {incidents:,} incidents.\n"
    )
    rate = events / statistics.median(whole)
    say("| | events/s | runs | ratio |\n|---|---|---|---|")
    say(f"| **file to stored and matched** | **{rate:,.0f}** | {spread(events, whole)} | 1 |")
    for name, seconds in alone.items():
        limit = events / statistics.median(seconds)
        say(f"| {name} | {limit:,.0f} | {spread(events, seconds)} | {rate / limit:.2f} |")
    total = sum(statistics.median(stages[stage]) for stage in STAGES)
    say("\n| stage | µs/event (CPU) | share |\n|---|---|---|")
    for stage, seconds in stages.items():
        spent = statistics.median(seconds)
        share = f"{spent / total:.0%}" if stage in STAGES else ""
        say(f"| {stage} | {spent / events * 1e6:.1f} | {share} |")


def spread(events: int, seconds: list[float]) -> str:
    """Least and most of the runs."""
    return f"{events / max(seconds):,.0f} to {events / min(seconds):,.0f}"


def cases(folder: Path, count: int) -> Iterator[Case]:
    """The loads: those of the shipped samples, and where it is, the corpus beside the repository."""
    city, plan = CityModel.read(OSLO.with_name("city.yml")), DayPlan.read(OSLO.with_name("plan.yml"))
    file = folder / "city.ndjson"
    with file.open("wb") as out:
        out.writelines(city_events(count * 2))
    shipped = load_rules([shipped_rules()]).rules
    yield Case("City events, shipped rules", file, "impetus", Setup(shipped, city, plan), count * 2)
    if not BENCH.is_dir():
        say("\n(The Windows corpus is not beside the repository: the other cases are left out.)")
        return
    windows = folder / "windows.ndjson"
    with windows.open("wb") as out:
        out.writelines(windows_events(count))
    yield Case("Windows events, shipped rules", windows, "windows", Setup(shipped, city, plan), count)
    both = load_rules([shipped_rules(), unpack_rules(folder)]).rules
    yield Case("City events, shipped and SigmaHQ rules", file, "impetus", Setup(both, city, plan), count * 2)
    yield Case("Windows events, shipped and SigmaHQ rules", windows, "windows", Setup(both, city, plan), count)


def windows_events(count: int) -> Iterator[bytes]:
    """The first Windows events of the corpus."""
    return itertools.islice((line for line in read_events() if b'"product":"windows"' in line), count)


def machine() -> str:
    """What it ran on."""
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return (
        f"{len(os.sched_getaffinity(0))} of {os.cpu_count()} cores, {processor()}, {memory / 2**20:.0f} GiB; "
        f"Python {platform.python_version()}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=50_000, help="Windows events; twice as many city events")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    say(f"{machine()}; load when it began {os.getloadavg()[0]:.1f}")
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        for case in cases(folder, options.events):
            if options.only in case.name:
                measure(case, options.runs, folder)
    finally:
        shutil.rmtree(folder)
    say(f"\nLoad when it ended {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()

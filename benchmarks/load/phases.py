"""The loads: steady, rising until it breaks, far too much of a file, and far too much of a source that cannot wait."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks.load.source import Corpus, Log, flood, marker
from benchmarks.load.target import FILE, GATE, Site, Target, Watch

TICK = 0.02
"""Seconds between two portions of the load."""
MARKERS = 0.25
"""Seconds between two markers."""
LOOK = 0.5
"""Seconds between two looks at what is taken in."""
WARM = 5.0
"""Seconds before the first stage, in which what is made once is made."""
RISE = 1.25
"""Each stage brings so many times the events of the one before."""
TOO_LATE = 1.0
"""p99 from arrival to incident (s) beyond which a stage counts as broken."""
TIMES = 10
"""How much too much."""

Row = tuple[str, str]


class Phase(msgspec.Struct):
    """A load under way."""

    target: Target
    log: Log
    watch: Watch
    markers: int = 0
    memory: list[float] = []
    """Resident size (MiB), as often as was looked."""

    def play(self, rate: int, seconds: float) -> None:
        """Write to the log at a rate, with markers among it."""
        began, before, next_marker, next_look = time.monotonic(), self.log.written, 0.0, 0.0
        while (passed := time.monotonic() - began) < seconds:
            more = b""
            if passed >= next_marker:
                user, more = marker(self.markers)
                self.watch.begun[user] = time.monotonic()
                self.markers, next_marker = self.markers + 1, next_marker + MARKERS
            self.log.write(max(0, int(passed * rate) - (self.log.written - before) - bool(more)), more)
            if passed >= next_look:
                self.memory.append(self.target.memory())
                self.log.forget(self.target.taken())
                next_look = passed + LOOK
            time.sleep(TICK)

    def settle(self) -> float:
        """Wait until all is taken in; the seconds that it took."""
        lagging = self.target.wait_until_taken(self.log.written)
        self.watch.finish()
        return lagging


@contextmanager
def running(corpus: Corpus, site: Site) -> Iterator[Phase]:
    """An Impetus of its own, in folders that are gone afterwards."""
    made = [TemporaryDirectory(prefix="load-", dir=of, ignore_cleanup_errors=True) for of in (None, site.logs)]
    with made[0] as folder, made[1] as logs:
        target = Target(Path(folder), Path(logs, "wec.ndjson"), site.rules)
        log, watch = Log(target.log, corpus), Watch(target.path)
        watch.start()
        try:
            yield Phase(target, log, watch)
        finally:
            watch.stopping.set()
            log.close()
            target.close()


def steady(corpus: Corpus, site: Site, rate: int, seconds: float) -> list[Row]:
    """A rate for a time."""
    with running(corpus, site) as phase:
        began, spent, threads = time.monotonic(), phase.target.cpu(), phase.target.threads()
        phase.play(rate, seconds)
        lagging = phase.settle()
        wall, busy, after = time.monotonic() - began, phase.target.cpu() - spent, phase.target.threads()
        shares = sorted((after[thread] - threads.get(thread, 0.0) for thread in after), reverse=True)
        passage, stopped = phase.target.passage(FILE), phase.target.stop()
    return [
        ("lines written", f"{phase.log.written:,}"),
        ("stored, rejected, delivered again", f"{passage.stored:,}, {passage.rejected:,}, {passage.duplicates:,}"),
        ("seconds, of which behind the last line", f"{wall:.1f}, {lagging:.1f}"),
        ("events/s", f"{phase.log.written / wall:,.0f}"),
        ("µs of processor time an event (all threads)", f"{busy / phase.log.written * 1e6:.0f}"),
        ("of the busiest threads", ", ".join(f"{share / phase.log.written * 1e6:.0f}" for share in shares[:4])),
        ("from arrival to incident, s (p50, p99, most)", quantiles(phase.watch.took)),
        ("markers without an incident", f"{len(phase.watch.begun)} of {phase.markers}"),
        ("memory, MiB, at tenths of the time (of ten minutes: by the minute)", course(phase.memory)),
        ("graceful stop, s", f"{stopped:.1f}"),
    ]


def rising(corpus: Corpus, site: Site, rate: int, seconds: float) -> list[Row]:
    """Stages of more and more, until incidents come too late; and on what it broke."""
    rows, broken = [], False
    with running(corpus, site) as phase:
        phase.play(rate, WARM)
        phase.target.wait_until_taken(phase.log.written)
        while not broken:
            took, threads, spent = len(phase.watch.took), phase.target.threads(), phase.target.cpu()
            began = time.monotonic()
            phase.play(rate, seconds)
            played = time.monotonic() - began
            behind = phase.log.written - phase.target.taken()
            busy = (phase.target.cpu() - spent) / played
            after = phase.target.threads()
            busiest = max(after[thread] - threads.get(thread, 0.0) for thread in after) / played
            phase.target.wait_until_taken(phase.log.written)
            time.sleep(LOOK)
            late = phase.watch.took[took:]
            broken = len(late) < 2 or statistics.quantiles(late, n=100, method="inclusive")[98] > TOO_LATE
            rows.append(
                (f"{rate:,} events/s", f"{quantiles(late)} s; {behind:,} behind at the end; {busy:.2f} cores, "
                 f"{busiest:.0%} of one by its busiest thread")
            )  # fmt: skip
            rate = int(rate * RISE)
    return [("stage", "from arrival to incident (p50, p99, most)"), *rows]


def tenfold(corpus: Corpus, site: Site, rate: int, seconds: float) -> list[Row]:
    """Ten times the rate in a file: it waits, and nothing of it is lost."""
    with running(corpus, site) as phase:
        began = time.monotonic()
        while phase.log.written < rate * TIMES * seconds:
            phase.log.write(2_000)
        written = time.monotonic() - began
        lagging = phase.settle()
        wall, memory = time.monotonic() - began, phase.target.memory()
        passage = phase.target.passage(FILE)
    return [
        ("lines written, in s", f"{phase.log.written:,}, {written:.1f}"),
        ("stored, rejected, delivered again", f"{passage.stored:,}, {passage.rejected:,}, {passage.duplicates:,}"),
        ("in = stored + rejected + delivered again", "yes: or this table would not be here"),
        ("taken in, events/s; behind the last line, s", f"{phase.log.written / wall:,.0f}; {lagging:.1f}"),
        ("memory at the end, MiB", f"{memory:.0f}"),
    ]


def besieged(corpus: Corpus, site: Site, rate: int, seconds: float) -> list[Row]:
    """A tenth of the rate in the log, beside ten times the rate in datagrams: the log is served, all is counted."""
    with running(corpus, site) as phase:
        command = [sys.executable, "-m", flood.__module__, str(phase.target.port), str(rate * TIMES), str(seconds)]
        sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        phase.play(rate // TIMES, seconds)
        sent = int(sender.communicate()[0])
        lagging = phase.settle()
        memory, _ = phase.target.memory(), phase.target.stop()
        gate, log = phase.target.passage(GATE), phase.target.passage(FILE)
    came = gate.stored + gate.duplicates + gate.rejected + gate.shed
    assert came == sent, f"{sent} datagrams sent, {came} counted: {gate}"
    return [
        ("datagrams sent, a second", f"{sent:,}, {sent / seconds:,.0f}"),
        ("stored, rejected, shed", f"{gate.stored:,}, {gate.rejected:,}, {gate.shed:,}"),
        ("in = stored + rejected + shed", "yes: or this table would not be here"),
        ("lines of the log beside it, stored", f"{phase.log.written:,}, {log.stored:,}"),
        ("of the log: from arrival to incident, s (p50, p99, most)", quantiles(phase.watch.took)),
        ("markers without an incident", f"{len(phase.watch.begun)} of {phase.markers}"),
        ("log behind its last line, s", f"{lagging:.1f}"),
        ("memory at the end, MiB", f"{memory:.0f}"),
    ]


def quantiles(took: Sequence[float]) -> str:
    """p50, p99 and the most."""
    if len(took) < 2:
        return "none"
    hundred = statistics.quantiles(took, n=100, method="inclusive")
    return f"{hundred[49]:.2f}, {hundred[98]:.2f}, {max(took):.2f}"


def course(values: Sequence[float]) -> str:
    """Ten of many values, evenly spread, and the last."""
    return ", ".join(f"{values[len(values) * at // 10]:.0f}" for at in range(10)) + f", {values[-1]:.0f}"

"""A load on a running Impetus: real Windows events at a given rate, followed in a file, all rules, every commit synced.

    python -m benchmarks.load                                   half a minute at 5,000 events/s
    python -m benchmarks.load --rate 20000 --minutes 10 --write the whole, into RESULTS.md
    python -m benchmarks.load --flood 200000                    beyond what it can do: nothing may be lost

It drives ``impetus run`` as a process of its own. The events of the corpus are written to the log that it follows, with
the time of writing as their own. Once a second one of them is a marker that only a rule of this script matches, each of
another user. **From arrival to incident** is from before a marker is appended to when a reader of the store finds the
incident with that user, polling every 10 ms; so it includes following the file, and the sync to the disk. Memory is the
resident size of the process. Of a flood, lines written must equal events stored and records rejected.
"""

import argparse
import contextlib
import itertools
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.corpus import BENCH, unpack_rules
from benchmarks.pipeline import machine, windows_events
from benchmarks.results import commit, write_section
from impetus.domain.errors import ImpetusError
from integrations.embedded.store import EmbeddedStore

TICK = 0.05
"""Seconds between two portions of the load."""
ROTATE = 256 << 20
"""The log is rotated at so many bytes."""
KEPT = 8
"""So many rotated files are kept: some 800,000 events. Who falls further behind loses some, and the count says so."""
POLL = 0.01
PATIENCE = 600.0
"""Seconds in which what was written must be taken in."""
MARKER = "impetus-load-marker"
RULE = f"""title: Marker of the load
id: 6f0f6d5e-8f4e-4d0c-9d53-6a1f6d1a2b11
status: stable
logsource: {{product: windows, category: process_creation}}
detection:
    marker: {{CommandLine|contains: {MARKER}}}
    condition: marker
level: high
"""
_TIMES = re.compile(rb'("(?:UtcTime|SystemTime|TimeCreated|@timestamp|EventTime)":")[^"]*(")')


class Log:
    """The log that is followed, written in portions and rotated."""

    def __init__(self, path: Path, corpus: Sequence[list[bytes]]) -> None:
        self.path, self.written = path, 0
        self._corpus = itertools.cycle(corpus)
        self._rotations = 0
        self._file = path.open("ab", buffering=0)

    def write(self, count: int, more: bytes = b"") -> None:
        """Append so many events of the corpus, as of now, and further lines."""
        now = stamp()
        self._file.write(b"".join(now.join(parts) for parts in itertools.islice(self._corpus, count)) + more)
        self.written += count + more.count(b"\n")
        if self._file.tell() > ROTATE:
            self._rotate()

    def _rotate(self) -> None:
        self._file.close()
        self._rotations += 1
        self.path.rename(self.path.with_name(f"{self.path.name}.{self._rotations:06}"))
        self.path.with_name(f"{self.path.name}.{self._rotations - KEPT:06}").unlink(missing_ok=True)
        self._file = self.path.open("ab", buffering=0)

    def close(self) -> None:
        self._file.close()


class Watch(threading.Thread):
    """Finds the incidents of markers in the store, as any reader would."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self.begun: dict[str, float] = {}
        self.took: list[float] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        store, cursor = EmbeddedStore(self._path), 0
        while not self.stopping.wait(POLL):
            for moved, incident in store.changes(cursor, 10_000):
                cursor = moved
                for name in (entity.value for entity in incident.entities if entity.kind == "user"):
                    begun = self.begun.pop(name, None)
                    if begun is not None:
                        self.took.append(time.monotonic() - begun)
        store.close()


class Service:
    """``impetus run`` in a folder."""

    def __init__(self, folder: Path, rules: Sequence[Path]) -> None:
        self.store, config = folder / "impetus.db", folder / "impetus.toml"
        (folder / "marker.yml").write_text(RULE)
        paths = ", ".join(f'"{path}"' for path in ("shipped", "marker.yml", *rules))
        config.write_text(
            f'[rules]\npaths = [{paths}]\n[api]\nlisten = "unix:i.sock"\n[log]\nlevel = "warning"\n'
            '[[source]]\nname = "wec"\nkind = "json_lines"\npath = "wec.ndjson"\nformat = "windows"\nfollow = true\n'
        )
        command = [sys.executable, "-m", "impetus.app", "run", "--config", str(config)]
        self.process = subprocess.Popen(command, cwd=folder)

    def wait_until_ready(self, folder: Path) -> None:
        deadline = time.monotonic() + 120
        while not (folder / "i.sock").exists() or not self.store.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, "impetus run did not start"
            time.sleep(0.1)

    def memory(self) -> float:
        """Resident size (MiB)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> float:
        """Stop it; the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - began


def stamp() -> bytes:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def marker(number: int) -> tuple[str, bytes]:
    """A marker: the user whom it names, and its line."""
    user = f"load-{number}"
    record = {
        "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "UtcTime": stamp().decode(), "User": user,
        "CommandLine": MARKER, "Computer": f"host-{number}", "Image": "C:\\marker.exe",
    }  # fmt: skip
    return user, msgspec.json.encode(record) + b"\n"


def play(log: Log, watch: Watch, service: Service, rate: int, seconds: float) -> Iterator[tuple[float, float]]:
    """Write at a rate; gives seconds and memory (MiB) about ten times."""
    began, next_marker, next_look, number = time.monotonic(), 0.0, 0.0, 0
    while (passed := time.monotonic() - began) < seconds:
        more = b""
        if passed >= next_marker:
            user, more = marker(number)
            watch.begun[user] = time.monotonic()
            number, next_marker = number + 1, next_marker + 1
        due = int(passed * rate) - log.written
        log.write(max(0, due - bool(more)), more)
        if passed >= next_look:
            yield passed, service.memory()
            next_look += seconds / 10
        time.sleep(TICK)


def wait_until_taken(store: EmbeddedStore, written: int) -> float:
    """Wait until all that was written is stored or rejected; the seconds that it took."""
    began = time.monotonic()
    while (taken := in_all(store)) < written and time.monotonic() < began + PATIENCE:
        time.sleep(0.1)
    assert taken == written, f"{written} lines written, {taken} stored or rejected"
    return time.monotonic() - began


def in_all(store: EmbeddedStore) -> int:
    counts = store.counts()
    return counts["events"] + counts["rejected"] + counts["duplicates"]


def load(options: argparse.Namespace, folder: Path) -> list[tuple[str, str]]:
    """One load; what was measured, as rows."""
    corpus = [_TIMES.sub(rb"\1\0\2", line.rstrip() + b"\n").split(b"\0") for line in windows_events(options.corpus)]
    log = Log(folder / "wec.ndjson", corpus)
    service = Service(folder, [] if options.shipped else [unpack_rules(folder)])
    service.wait_until_ready(folder)
    watch, store = Watch(service.store), EmbeddedStore(service.store)
    watch.start()
    began, spent, memory = time.monotonic(), service.cpu(), [(0.0, service.memory())]
    if options.flood:
        for _ in range(0, options.flood, 1000):
            log.write(1000)
    else:
        memory += play(log, watch, service, options.rate, options.minutes * 60)
    lagging = wait_until_taken(store, log.written)
    wall, busy = time.monotonic() - began, service.cpu() - spent
    memory.append((wall, service.memory()))
    time.sleep(2)
    watch.stopping.set()
    watch.join()
    counts, stopped = store.counts(), service.stop()
    store.close()
    log.close()
    return [
        ("lines written", f"{log.written:,}"),
        ("events stored, records rejected", f"{counts['events']:,}, {counts['rejected']:,}"),
        ("seconds, of which behind the last line", f"{wall:.1f}, {lagging:.1f}"),
        ("events/s", f"{log.written / wall:,.0f}"),
        ("µs of processor time an event (all threads)", f"{busy / log.written * 1e6:.0f}"),
        ("from arrival to incident, s (p50, p99, most)", quantiles(watch.took)),
        ("markers without an incident", f"{len(watch.begun)} of {len(watch.begun) + len(watch.took)}"),
        ("memory, MiB (start, middle, end)", ", ".join(f"{memory[at][1]:.0f}" for at in (0, len(memory) // 2, -1))),
        ("graceful stop, s", f"{stopped:.1f}"),
    ]


def quantiles(took: Sequence[float]) -> str:
    if len(took) < 2:
        return "none"
    hundred = statistics.quantiles(took, n=100, method="inclusive")
    return f"{hundred[49]:.2f}, {hundred[98]:.2f}, {max(took):.2f}"


def report(options: argparse.Namespace, rows: Sequence[tuple[str, str]]) -> str:
    what = f"a flood of {options.flood:,}" if options.flood else f"{options.rate:,} events/s, {options.minutes:g} min"
    rules = "the shipped rules" if options.shipped else "the shipped and all 3,141 SigmaHQ rules"
    head = (
        f"# Load: {what}\n\n`python -m benchmarks.load` at {commit()}, {datetime.now(UTC):%Y-%m-%d}: real Windows "
        f"events through `impetus run` with {rules}.\n{machine()}; the writer of the log and the reader of the store "
        f"run beside it on the same cores. Load average {os.getloadavg()[0]:.1f} when it ended.\n"
    )
    return head + "\n| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=5_000, help="events a second")
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--flood", type=int, default=0, help="so many events at once instead, as fast as they can come")
    parser.add_argument("--corpus", type=int, default=20_000, help="so many different events")
    parser.add_argument("--shipped", action="store_true", help="without the SigmaHQ rules")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    if not BENCH.is_dir():
        sys.exit("The corpus is not beside the repository.")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    folder = Path(tempfile.mkdtemp(prefix="load-"))
    try:
        text = report(options, load(options, folder))
    except ImpetusError as error:
        sys.exit(str(error))
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
    sys.stdout.write(text)
    if options.write:
        write_section(text)


if __name__ == "__main__":
    main()

"""The correlation windows alone: rate, memory and what a flood does to them, beside what RSigma is known for.

    python -m benchmarks.windows [--core 1] [--write]

Builds and runs ``correlator/engine/windows/examples/floods.rs``, and measures what the Python boundary adds.
The section of ``benchmarks/RESULTS.md`` goes to standard output, with ``--write`` into the file in place of the last.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from benchmarks.results import ROOT, commit, processor, write_section
from correlator._engine import Item, Windows

ENGINE = ROOT / "correlator" / "engine"
HEADING = "# The correlation windows"

PEER = {"bytes": 299.0, "keys": 495_000.0, "values": 11_000.0}
"""RSigma 0.26: bytes a key, events/s with a million keys, events/s where a key has 5,000 distinct values."""

EVENTS, USERS, BATCH = 200_000, 50_000, 10_000
SECOND = 1_000_000


def main() -> None:
    """Build, measure, report."""
    arguments = _arguments()
    os.sched_setaffinity(0, {arguments.core})
    lines = list(_floods())
    report = _report(lines, _boundary(), arguments.core)
    sys.stdout.write(report)
    if arguments.write:
        write_section(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the correlation windows.")
    parser.add_argument("--core", type=int, default=0, help="the core to run on (default 0)")
    parser.add_argument("--write", action="store_true", help="put the section into benchmarks/RESULTS.md")
    return parser.parse_args()


def _floods() -> Iterator[tuple[str, str]]:
    """Each measurement of the example with its figures."""
    cargo = ["cargo", "run", "--quiet", "--release", "--manifest-path", str(ENGINE / "Cargo.toml")]
    command = [*cargo, "-p", "impetus-windows", "--example", "floods"]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        name, _, figures = line.partition(": ")
        yield name, figures


def _boundary() -> tuple[float, float]:
    """Processor time (µs) per item to make it in Python, and to push it."""
    condition = {"cmp": [["gte", 100]]}
    rule = {"id": "c", "type": "event_count", "rules": [0], "group_by": ["user.name"], "timespan": 300 * SECOND}
    form = {"version": 1, "rules": [{"id": "a"}], "correlations": [rule | {"condition": condition}]}
    windows = Windows(json.dumps(form).encode(), b'{"zones":{}}')
    making = pushing = 0.0
    for start in range(0, EVENTS, BATCH):
        began = time.process_time()
        items = [_item(number) for number in range(start, start + BATCH)]
        made = time.process_time()
        windows.push(items)
        pushing += time.process_time() - made
        making += made - began
    return making / EVENTS * 1e6, pushing / EVENTS * 1e6


def _item(number: int) -> Item:
    fields = [("user.name", f"user-{number * 7919 % USERS:08}")]
    return Item(0, f"e{number:025}", number * 200, None, None, None, None, fields, False)


def _report(lines: Sequence[tuple[str, str]], boundary: tuple[float, float], core: int) -> str:
    making, pushing = boundary
    rows = [f"| {name} | {figures} |" for name, figures in lines]
    ratios = [f"| {what} | {ours:,.0f} | {theirs:,.0f} | {ratio:.2f} |" for what, ours, theirs, ratio in _ratios(lines)]
    text = [
        HEADING,
        "",
        "The windows alone, without matcher, store and Python: `examples/floods.rs`. Rates are per second of processor",
        "time; resident bytes are the growth of the process, everything included. Rerun it with",
        "",
        "    .venv/bin/python -m benchmarks.windows --write",
        "",
        "| | |",
        "|---|---|",
        f"| date | {datetime.now(UTC):%Y-%m-%d} |",
        f"| commit | {commit()} |",
        f"| machine | {processor()}, core {core}, {_output('rustc', '--version')} |",
        f"| Python | {platform.python_version()} |",
        f"| load beside it | load average {os.getloadavg()[0]:.1f} when it ended |",
        "",
        "| | ours | RSigma | ratio (above 1: ours is better) |",
        "|---|---|---|---|",
        *ratios,
        "",
        "RSigma's figures are reference figures for version 0.26 as given to us, not taken in this run.",
        "",
        "| measurement | figures |",
        "|---|---|",
        *rows,
        "",
        f"What Python adds: {making:.2f} µs to make an `Item`, {pushing:.2f} µs to push it (windows included).",
        "",
    ]
    return "\n".join(text)


def _ratios(lines: Sequence[tuple[str, str]]) -> Iterator[tuple[str, float, float, float]]:
    """What is compared: ours, theirs, and how many times better ours is."""
    figures = dict(lines)
    rest = figures["keys, a million at rest"]
    held = _number(r"(\d+) resident", rest)
    yield "resident bytes a key, a million keys", held, PEER["bytes"], PEER["bytes"] / held
    for what, pattern in (("new", r"new: (\d+)"), ("known", r"known: (\d+)")):
        rate = _number(pattern, rest)
        yield f"events/s, {what} keys, up to a million", rate, PEER["keys"], rate / PEER["keys"]
    rate = _number(r"(\d+) items/s", figures["values, 5,000 distinct in a key"])
    yield "events/s, 5,000 distinct values in a key", rate, PEER["values"], rate / PEER["values"]


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"no {pattern} in {text!r}")
    return float(found[1])


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()

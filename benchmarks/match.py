"""``impetus match`` beside RSigma: the same rules, bytes and core, in the same run; and every difference.

    python -m benchmarks.match --runs 3 --core 1 [--write]

Wants ``shared/bench`` beside the repository, a nightly Rust toolchain for the peer, and 1 GB for what it unpacks.
The section of ``benchmarks/RESULTS.md`` goes to standard output, with ``--write`` into the file in place of the last.
What the engine alone does is measured by ``benchmarks.engine``.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.corpus import unpack_events, unpack_rules
from benchmarks.differences import Comparison, compare
from benchmarks.programs import build_peer, rsigma_name, run_pinned
from benchmarks.results import commit, processor, write_section

HEADING = "# `impetus match` beside RSigma"


@dataclass
class Engine:
    """A command that matches, and what its runs took."""

    name: str
    command: Callable[[Path], list[str]]
    """For a file of events; to count, ``--count`` is added."""
    rates: list[float] = field(default_factory=list)
    """Events per second of each run, without loading the rules."""
    cpu_rates: list[float] = field(default_factory=list)
    """Events per CPU second of each run, less the CPU time of a run without events."""
    memory: float = 0.0
    """Most memory held, in MB."""


def main() -> None:
    """Unpack, build, run, compare, report."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        rules, events = unpack_rules(Path(folder)), unpack_events(Path(folder))
        engines = [_ours(rules), _peer(rules)]
        began = os.getloadavg()[0]
        for run in range(arguments.runs):
            for engine in engines if run % 2 == 0 else reversed(engines):
                _time(engine, events, str(arguments.core))
        ours, theirs = (engine.command(events) for engine in engines)
        comparison = compare(ours, theirs, rules, events, str(arguments.core))
        report = _report(engines, comparison, began, arguments)
    sys.stdout.write(report)
    if arguments.write:
        write_section(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def _ours(rules: Path) -> Engine:
    command = [sys.executable, "-m", "impetus.app", "match", "--rules", str(rules)]
    return Engine("Impetus", lambda events: [*command, "--", str(events)])


def _peer(rules: Path) -> Engine:
    program = build_peer("rsigma", "nightly")
    return Engine(rsigma_name(), lambda events: [program, str(rules), str(events)])


def _time(engine: Engine, events: Path, core: str) -> None:
    loading = run_pinned(_counting(engine, Path(os.devnull)), core)
    done = run_pinned(_counting(engine, events), core)
    figures = json.loads(done.output)
    engine.rates.append(figures["events"] / figures["seconds"])
    engine.cpu_rates.append(figures["events"] / (done.cpu - loading.cpu))
    engine.memory = max(engine.memory, done.memory)


def _counting(engine: Engine, events: Path) -> list[str]:
    command = engine.command(events)
    at = command.index("match") + 1 if "match" in command else 1
    return [*command[:at], "--count", *command[at:]]


def _report(engines: list[Engine], comparison: Comparison, began: float, arguments: argparse.Namespace) -> str:
    first, second = (statistics.median(engine.rates) for engine in engines)
    lines = [
        HEADING,
        "",
        f"3,141 SigmaHQ rules, 326,842 events (820 MB), core {arguments.core} of {os.cpu_count()}, median of"
        f" {arguments.runs} runs in turn; reading, parsing, choosing by log source and matching,"
        " without loading the rules. Rerun with",
        "",
        "    .venv/bin/python -m benchmarks.match --write",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}, {processor()}, {platform.system()}, Python"
        f" {platform.python_version()}; load average {began:.1f} when it began, {os.getloadavg()[0]:.1f} when it ended,"
        " so read the ratio and the CPU time.",
        "",
        "| engine | events/s | runs | events per CPU second | most memory, MB |",
        "|---|---|---|---|---|",
        *(_row(engine) for engine in engines),
        "",
        f"Ratio {first / second:.2f} by the clock, "
        f"{statistics.median(engines[0].cpu_rates) / statistics.median(engines[1].cpu_rates):.2f} by CPU time.",
        "",
        "RSigma as `benchmarks/peers` sets it up, in what proved its fastest settings there.",
        "",
        "## Differences",
        "",
        comparison.say(engines[1].name),
        "",
        *comparison.tables(),
    ]
    return "\n".join(lines)


def _row(engine: Engine) -> str:
    runs = f"{min(engine.rates):,.0f} to {max(engine.rates):,.0f}"
    cpu = statistics.median(engine.cpu_rates)
    return f"| {engine.name} | {statistics.median(engine.rates):,.0f} | {runs} | {cpu:,.0f} | {engine.memory:,.0f} |"


if __name__ == "__main__":
    main()

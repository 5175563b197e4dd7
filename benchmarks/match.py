"""``impetus match`` beside RSigma: the same rules, bytes and core, in the same run; and every difference.

    python -m benchmarks.match --runs 3 --core 1 [--write]

Wants ``shared/bench`` beside the repository, a nightly Rust toolchain for the peer, and 1 GB for what it unpacks.
The section of ``benchmarks/RESULTS.md`` goes to standard output, with ``--write`` into the file in place of the last.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import zstandard
from sigma.rule import SigmaRule

from benchmarks.results import ROOT, commit, processor, write_section
from rules.load import read

BENCH = ROOT.parent / "shared" / "bench"
PEER = ROOT / "benchmarks" / "peers" / "rsigma"
HEADING = "# `impetus match` beside RSigma"

REGISTRY = {"registry_add", "registry_delete", "registry_rename", "registry_set"}
REASONS = {
    "A rule for registry_event, an event of a narrower category": (
        "We are right. The taxonomy of Sigma 2.1 gives `registry_event` the Sysmon events 12, 13 and 14, which are"
        " `registry_add` and `registry_delete`, `registry_set`, `registry_rename`; RSigma compares only the names of"
        " categories."
    ),
    "Not explained": "Open.",
}
GENERIC, OPEN = REASONS


Pair = tuple[int, str]
"""Line of the event, id of the rule."""


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
        rules, events = _unpack(Path(folder))
        engines = [_ours(rules), _peer(rules)]
        began = os.getloadavg()[0]
        for run in range(arguments.runs):
            for engine in engines if run % 2 == 0 else reversed(engines):
                _time(engine, events, arguments.core)
        ours, theirs = (_pairs(engine, events, arguments.core) for engine in engines)
        reasons = _explain(ours ^ theirs, rules, events)
        report = _report(engines, (ours, theirs), reasons, began, arguments)
    sys.stdout.write(report)
    if arguments.write:
        write_section(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def _unpack(folder: Path) -> tuple[Path, Path]:
    events = folder / "events.ndjson"
    with (BENCH / "windows-zeek-327k.ndjson.zst").open("rb") as packed, events.open("wb") as unpacked:
        zstandard.ZstdDecompressor(max_window_size=1 << 27).copy_stream(packed, unpacked)
    with (
        (BENCH / "sigmahq-rules-3141.tar.zst").open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        archive.extractall(folder / "rules", filter="data")
    return folder / "rules", events


def _ours(rules: Path) -> Engine:
    command = [sys.executable, "-m", "impetus.app", "match", "--rules", str(rules)]
    return Engine("Impetus", lambda events: [*command, "--", str(events)])


def _peer(rules: Path) -> Engine:
    subprocess.run(["cargo", "+nightly", "build", "--release", "--quiet", "--locked"], cwd=PEER, check=True)
    program = PEER / "target" / "release" / "impetus-peer-rsigma"
    lock = (PEER / "Cargo.lock").read_text(encoding="utf-8")
    version = re.search(r'name = "rsigma-eval"\nversion = "(.*)"', lock)
    name = f"RSigma {version[1] if version else '?'}"
    return Engine(name, lambda events: [str(program), str(rules), str(events)])


def _time(engine: Engine, events: Path, core: int) -> None:
    _, loading, _ = _run(_counting(engine, Path(os.devnull)), core)
    output, cpu, memory = _run(_counting(engine, events), core)
    figures = json.loads(output)
    engine.rates.append(figures["events"] / figures["seconds"])
    engine.cpu_rates.append(figures["events"] / (cpu - loading))
    engine.memory = max(engine.memory, memory)


def _counting(engine: Engine, events: Path) -> list[str]:
    command = engine.command(events)
    at = command.index("match") + 1 if "match" in command else 1
    return [*command[:at], "--count", *command[at:]]


def _run(command: Sequence[str], core: int) -> tuple[bytes, float, float]:
    """Output, CPU seconds and megabytes of a command on one core."""
    with subprocess.Popen(["taskset", "-c", str(core), *command], stdout=subprocess.PIPE, cwd=ROOT) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return output, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _pairs(engine: Engine, events: Path, core: int) -> set[Pair]:
    output, _, _ = _run(engine.command(events), core)
    return {(match["line"], match["rule"]) for match in map(json.loads, output.splitlines())}


def _explain(pairs: set[Pair], rules: Path, events: Path) -> dict[str, dict[str, list[int]]]:
    """Pairs on which the engines differ, by reason and rule: the lines."""
    parsed, _ = read([rules])
    categories = {each.id: each.says.logsource.category for each in parsed if isinstance(each.says, SigmaRule)}
    wanted = {line for line, _ in pairs}
    with events.open("rb") as file:
        met = {number: json.loads(line).get("category") for number, line in enumerate(file, 1) if number in wanted}
    found: dict[str, dict[str, list[int]]] = {}
    for line, rule in sorted(pairs):
        generic = categories.get(rule) == "registry_event" and met[line] in REGISTRY
        found.setdefault(GENERIC if generic else OPEN, {}).setdefault(rule, []).append(line)
    return found


def _report(
    engines: list[Engine],
    pairs: tuple[set[Pair], set[Pair]],
    reasons: dict[str, dict[str, list[int]]],
    began: float,
    arguments: argparse.Namespace,
) -> str:
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
        "RSigma as `benchmarks/peers/rsigma` sets it up: routed by product (`evaluate_pruned`), mimalloc, fat LTO."
        " Its Bloom filter and its index over all rules are off, as by default: both were slower here.",
        "",
        "## Differences",
        "",
        f"Pairs of event and rule: {len(pairs[0]):,} ours, {len(pairs[1]):,} of {engines[1].name},"
        f" {len(pairs[0] & pairs[1]):,} in both; {len(pairs[0] - pairs[1])} ours alone,"
        f" {len(pairs[1] - pairs[0])} theirs alone.",
        "",
        *_differences(reasons),
    ]
    return "\n".join(lines)


def _row(engine: Engine) -> str:
    runs = f"{min(engine.rates):,.0f} to {max(engine.rates):,.0f}"
    cpu = statistics.median(engine.cpu_rates)
    return f"| {engine.name} | {statistics.median(engine.rates):,.0f} | {runs} | {cpu:,.0f} | {engine.memory:,.0f} |"


def _differences(reasons: dict[str, dict[str, list[int]]]) -> Iterator[str]:
    for reason, rules in sorted(reasons.items()):
        yield from (f"### {reason}", "", REASONS[reason], "", "| rule | pairs | lines |", "|---|---|---|")
        for rule, lines in sorted(rules.items(), key=lambda item: -len(item[1])):
            yield f"| `{rule}` | {len(lines)} | {', '.join(map(str, lines))} |"
        yield ""


if __name__ == "__main__":
    main()

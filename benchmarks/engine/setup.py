"""The programs that lanes run, and the sections that lanes become."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from benchmarks.engine.loads import Loads
from benchmarks.programs import Program, build_ours, build_peer, has_toolchain, measure_in_turn, rsigma_name
from benchmarks.results import commit, processor

NATIVE = "-C target-cpu=native"
NIGHTLY = "nightly"


@dataclass
class Setup:
    """How a run measures."""

    loads: Loads
    core: str
    cores: str
    """Two of them."""
    runs: int

    @cached_property
    def ours_program(self) -> str:
        return build_ours()

    @cached_property
    def peer_program(self) -> str | None:
        """RSigma's; nothing where no toolchain is there that builds it."""
        if not has_toolchain(NIGHTLY):
            sys.stderr.write("RSigma is left out: it wants Rust 1.96 (rustup toolchain install nightly)\n")
            return None
        return build_peer("rsigma", NIGHTLY)

    @cached_property
    def parsing_program(self) -> str:
        return build_peer("parsing", flags=NATIVE)

    def ours(self, form: Path, events: Path, *options: str, name: str = "Impetus", cores: str = "") -> Program:
        """Our engine over events in memory."""
        command = [self.ours_program, "--count", "--memory", *options, str(form), str(events)]
        return Program(name, command, cores or self.core)

    def theirs(self, rules: Path, events: Path, *options: str, routed: str = "") -> list[Program]:
        """RSigma over the same, if it is there; ``routed`` says how, where it is not by itself."""
        if not self.peer_program:
            return []
        command = [self.peer_program, "--count", "--memory", *options, str(rules), str(events)]
        return [Program(rsigma_name() + routed, command, self.core)]

    def measure(self, programs: Sequence[Program]) -> None:
        """Run them in turn."""
        measure_in_turn(programs, self.runs)


@dataclass(frozen=True)
class Section:
    """A part of ``RESULTS.md``: one lane."""

    title: str
    lines: Sequence[str]

    def write(self, setup: Setup, began: float) -> str:
        """As Markdown, with the circumstances. ``began`` is the load average when it began."""
        circumstances = (
            f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}, {processor()} ({os.cpu_count()} cores),"
            f" {platform.system()}, {rustc()}, Python {platform.python_version()}; load average {began:.1f} when it"
            f" began, {os.getloadavg()[0]:.1f} when it ended; core {setup.core}, median of {setup.runs} runs in turn."
        )
        rerun = f"    .venv/bin/python -m benchmarks.engine --lane {lane(self.title)} --write"
        return "\n".join([f"# {self.title}", "", circumstances, "", rerun, "", *self.lines, ""])


def lane(title: str) -> str:
    """The name of a lane, which ends the title of its section: ``Engine: cost of rules``."""
    return title.rpartition(" ")[2]


def table(programs: Sequence[Program]) -> Iterator[str]:
    """Rates of programs over the same events."""
    yield from ("| | events/s | runs | events per CPU second | GB/s |", "|---|---|---|---|---|")
    for program in programs:
        size = program.runs[0].bytes / program.runs[0].events
        yield (
            f"| {program.name} | {program.rate:,.0f} | {program.spread} | {program.cpu_rate:,.0f} |"
            f" {program.rate * size / 1e9:.2f} |"
        )


def ratio(first: Program, second: Program) -> str:
    """How much faster the first is, as words."""
    by_cpu = first.cpu_rate / second.cpu_rate
    return f"**{first.rate / second.rate:.2f} times** {second.name} by the clock, {by_cpu:.2f} by processor time."


def rustc() -> str:
    """The compiler in use."""
    compiler = shutil.which("rustc")
    if not compiler:
        return "no rustc"
    words = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return " ".join(words[:2])

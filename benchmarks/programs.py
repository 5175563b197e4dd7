"""Programs that are timed: built, run on chosen cores in turn, and what they say of themselves."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import msgspec

from benchmarks.results import ROOT

ENGINE = ROOT / "correlator" / "engine"
PEERS = ROOT / "benchmarks" / "peers"
LINES = {"CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only"}
"""So that instructions can be told apart by source file; the code is the same."""


class Figures(msgspec.Struct):
    """What a program prints of a run. Memory is in MiB: the most it held, and that when the rules were loaded."""

    events: int
    bytes: int
    matches: int
    seconds: float
    cpu: float
    memory: float
    loaded: float = 0.0
    loading: float = 0.0
    rules: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and what it took from its start to its end."""

    output: bytes
    cpu: float
    memory: float


@dataclass
class Program:
    """A command that measures itself, and what its runs gave."""

    name: str
    command: Sequence[str]
    cores: str
    runs: list[Figures] = field(default_factory=list)

    def measure(self) -> None:
        """Run it once more."""
        self.runs.append(msgspec.json.decode(run_pinned(self.command, self.cores).output, type=Figures))

    @property
    def rate(self) -> float:
        """Events per second, the median of the runs."""
        return median(run.events / run.seconds for run in self.runs)

    @property
    def cpu_rate(self) -> float:
        """Events per second of processor time, the median of the runs."""
        return median(run.events / run.cpu for run in self.runs)

    @property
    def spread(self) -> str:
        """Least and greatest rate."""
        rates = [run.events / run.seconds for run in self.runs]
        return f"{min(rates):,.0f} to {max(rates):,.0f}"


def measure_in_turn(programs: Sequence[Program], runs: int) -> None:
    """Run all, so many times, in alternating order: what else the machine does meets them alike."""
    for run in range(runs):
        for program in programs if run % 2 == 0 else reversed(programs):
            program.measure()


def run_pinned(command: Sequence[str], cores: str) -> Outcome:
    """Run a command on some cores; ends the benchmark where it fails."""
    with subprocess.Popen(["taskset", "-c", cores, *command], stdout=subprocess.PIPE, cwd=ROOT) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return Outcome(output, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def build_ours() -> str:
    """Our engine's program; in a folder of its own, as its line tables are not what other builds have."""
    target = ENGINE / "target" / "bench"
    command = ["cargo", "build", "--release", "--quiet", "--locked", "-p", "impetus-bench", "--target-dir", str(target)]
    subprocess.run(command, cwd=ENGINE, env=os.environ | LINES, check=True)
    return str(target / "release" / "impetus-bench")


def build_peer(name: str, toolchain: str = "", flags: str = "") -> str:
    """A program of ``benchmarks/peers``; without a toolchain by the one in use."""
    folder = PEERS / name
    cargo = ["cargo", f"+{toolchain}"] if toolchain else ["cargo"]
    command = [*cargo, "build", "--release", "--quiet", "--locked"]
    subprocess.run(command, cwd=folder, env=os.environ | {"RUSTFLAGS": flags}, check=True)
    return str(folder / "target" / "release" / f"impetus-peer-{name}")


def has_toolchain(name: str) -> bool:
    """Whether rustup has it."""
    try:
        done = subprocess.run(["cargo", f"+{name}", "--version"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def rsigma_name() -> str:
    """RSigma with the version that its lock file holds."""
    lock = (PEERS / "rsigma" / "Cargo.lock").read_text(encoding="utf-8")
    version = re.search(r'name = "rsigma-eval"\nversion = "(.*)"', lock)
    return f"RSigma {version[1] if version else '?'}"

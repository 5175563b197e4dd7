"""The matching engine, measured: beside RSigma, beside parsing, and where its time goes.

    make bench-engine                                               # all lanes, into benchmarks/RESULTS.md
    python -m benchmarks.engine --lane whole --runs 5 [--write]     # one
    python -m benchmarks.engine --events 2000 --runs 1              # whether all works

Wants ``shared/bench`` beside the repository and 3 GB for what it unpacks and builds; a nightly Rust toolchain for
RSigma and valgrind to count instructions: without them it says so and goes on. Sections go to standard output.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.corpus import BENCH
from benchmarks.engine import alone, beside, instructions
from benchmarks.engine.loads import Loads
from benchmarks.engine.setup import Section, Setup
from benchmarks.results import write_section

LANES: dict[str, Callable[[Setup], Section | None]] = {
    "whole": beside.whole,
    "creation": beside.creation,
    "rules": beside.rules,
    "ECS": beside.in_ecs,
    "cores": alone.cores,
    "memory": alone.memory,
    "Python": alone.python,
    "parsing": alone.parsing,
    "instructions": instructions.count,
}
"""By the last word of the title of their sections."""


def main() -> int:
    """Run the lanes that are asked for, each written when it is done."""
    arguments = _arguments()
    if not BENCH.is_dir():
        sys.stderr.write(f"There is no {BENCH}: nothing to measure with.\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as folder:
        loads = Loads(Path(folder), arguments.events)
        cores = f"{arguments.core},{arguments.second}"
        setup = Setup(loads, str(arguments.core), cores, arguments.runs)
        for name in arguments.lane or LANES:
            _run(name, setup, write=arguments.write)
    return 0


def _run(name: str, setup: Setup, *, write: bool) -> None:
    began, started = os.getloadavg()[0], time.perf_counter()
    section = LANES[name](setup)
    sys.stderr.write(f"{name}: {time.perf_counter() - started:.0f} s\n")
    if section is None:
        return
    report = section.write(setup, began)
    sys.stdout.write(report + "\n")
    sys.stdout.flush()
    if write:
        write_section(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lane", action="append", choices=list(LANES), help="only this; may be repeated")
    parser.add_argument("--events", type=int, help="only the first of the corpus")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--core", type=int, default=1, help="the core that all run on")
    parser.add_argument("--second", type=int, default=0, help="the other one, where two are wanted")
    parser.add_argument("--write", action="store_true", help="into benchmarks/RESULTS.md, in place of the last")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

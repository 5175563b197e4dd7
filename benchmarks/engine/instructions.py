"""Instructions per event, counted by callgrind: the one figure that repeats on a machine that others work on too."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.engine import callgrind
from benchmarks.engine.setup import Section, Setup
from benchmarks.programs import Program

EVENTS = 3_000
"""Of the corpus; gone through once, and three times; the difference is twice of them."""

SHOWN = 0.01
"""Least share of a source that is shown by itself."""


def count(setup: Setup) -> Section | None:
    """Ours and RSigma's over the corpus and over the process creations, and where they are spent."""
    if not shutil.which("valgrind"):
        sys.stderr.write("Instructions are not counted: valgrind is missing (apt-get install valgrind)\n")
        return None
    profiles = _profiles(setup)
    lines = [
        f"{EVENTS:,} events gone through three times, less the same once, halved: loading and what is made for the"
        " first event of a kind are not in it. valgrind knows no AVX-512, so programs that choose at run time choose"
        " AVX2. Sources are modules of a crate or crates; what the standard library does inside of them is theirs.",
        "",
        *_totals(profiles),
        "",
    ]
    for name, profile in profiles.items():
        lines += [f"## {name}", "", *_shares(profile), ""]
    return Section("Engine: instructions", lines)


def _profiles(setup: Setup) -> dict[str, Counter[str]]:
    """Instructions per event by source, of each engine and load."""
    loads = setup.loads
    rules, form = loads.creation_rules
    jobs: dict[str, tuple[Path, Program]] = {}
    for kind, events, all_rules, all_form in (
        ("all rules", loads.events, loads.rules, loads.form),
        ("process creation", loads.creation, rules, form),
    ):
        for program in (setup.ours(all_form, events), *setup.theirs(all_rules, events)):
            jobs[f"{program.name}, {kind}"] = events, program
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = {
            name: pool.submit(_per_event, setup, name, events, program) for name, (events, program) in jobs.items()
        }
        return {name: future.result() for name, future in counted.items()}


def _per_event(setup: Setup, name: str, events: Path, program: Program) -> Counter[str]:
    counts: list[Counter[str]] = []
    met = 0  # after the first run its events, after the second how many more it had
    for times in (1, 3):
        few = setup.loads.slice(f"{name} {times}.ndjson", events, EVENTS, times)
        met = few.read_bytes().count(b"\n") - met
        command = [str(few) if word == str(events) else word for word in program.command]
        counts.append(callgrind.count(command, few.with_suffix(".callgrind")))
    once, thrice = counts
    return Counter({source: (thrice[source] - once[source]) // met for source in thrice})


def _totals(profiles: dict[str, Counter[str]]) -> Iterator[str]:
    yield from ("| | instructions per event |", "|---|---|")
    for name, profile in profiles.items():
        yield f"| {name} | {profile.total():,} |"


def _shares(profile: Counter[str]) -> Iterator[str]:
    """The sources that take most, and the rest together."""
    total = profile.total()
    shown = [(source, spent) for source, spent in profile.most_common() if spent >= SHOWN * total]
    rest = total - sum(spent for _, spent in shown)
    yield from ("| source | per event | share |", "|---|---|---|")
    for source, spent in [*shown, ("everything else", rest)]:
        yield f"| {source} | {spent:,} | {spent / total:.0%} |"

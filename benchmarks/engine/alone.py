"""Lanes of our engine: two cores, memory, the call from Python, and how far it is from parsing alone."""

import sys

from benchmarks.engine.setup import Section, Setup, table
from benchmarks.programs import Program

PARSERS = {
    "lines": "finding the ends of lines",
    "tape": "simd-json, tape",
    "walk": "sonic-rs, lazy walk over the members",
    "values": "sonic-rs, to its tree",
    "serde": "serde_json, to its tree",
}


def cores(setup: Setup) -> Section:
    """Two threads on two cores against one on one."""
    loads = setup.loads
    one = setup.ours(loads.form, loads.events, name="one thread, one core")
    two = setup.ours(loads.form, loads.events, "--threads", "2", name="two threads, two cores", cores=setup.cores)
    setup.measure([one, two])
    return Section("Engine: two cores", [*table([one, two]), "", f"**{two.rate / one.rate:.2f} times** one."])


def memory(setup: Setup) -> Section:
    """What is held with all rules, events read a mebibyte at a time."""
    loads = setup.loads
    programs = [setup.ours(loads.form, loads.events), *setup.theirs(loads.rules, loads.events)]
    for program in programs:
        program.command = [word for word in program.command if word != "--memory"]
    setup.measure(programs)
    lines = ["Resident memory at its most, MiB; events are read while they are matched.", ""]
    lines += ["| | rules loaded | all events matched | seconds to load |", "|---|---|---|---|"]
    for program in programs:
        run = program.runs[0]
        lines.append(f"| {program.name} | {run.loaded:,.0f} | {run.memory:,.0f} | {run.loading:.2f} |")
    return Section("Engine: memory", lines)


def python(setup: Setup) -> Section:
    """Batches of bytes from Python, the interpreter lock released, beside the Rust program."""
    loads = setup.loads
    programs = [setup.ours(loads.form, loads.events, name="Rust")]
    for way, name in (("buffers", "Python, buffers of lines (`scan`)"), ("lines", "Python, lists of lines (`match`)")):
        command = [sys.executable, "-m", "benchmarks.engine.batches", way, str(loads.form), str(loads.events)]
        programs.append(Program(name, command, setup.core))
    setup.measure(programs)
    costs = [f"{programs[0].cpu_rate / each.cpu_rate - 1:+.1%} for {each.name}" for each in programs[1:]]
    lines = [*table(programs), "", f"Processor time over the Rust program: {'; '.join(costs)}."]
    return Section("Engine: calls from Python", lines)


def parsing(setup: Setup) -> Section:
    """Our whole and its walk beside what parsers do to the same bytes."""
    loads = setup.loads
    programs = [
        setup.ours(loads.form, loads.events, name="**Impetus, bytes to matches**"),
        setup.ours(loads.form, loads.events, "--walk", name="Impetus without rules that apply"),
    ]
    for how, name in PARSERS.items():
        programs.append(Program(name, [setup.parsing_program, how, str(loads.events)], setup.core))
    setup.measure(programs)
    best = max(programs[3:], key=lambda program: program.cpu_rate)
    lines = [
        "The parsers are built for this processor; ours chooses its features at run time. *Without rules that apply*"
        " has all rules, of a log source that no event is of: lines, walking, choosing rules.",
        "",
        *table(programs),
        "",
        f"Ours takes **{best.cpu_rate / programs[0].cpu_rate:.2f} times** the processor time of the fastest"
        f" ({best.name}), without rules that apply {best.cpu_rate / programs[1].cpu_rate:.2f} times.",
    ]
    return Section("Engine: beside parsing", lines)

"""Lanes beside RSigma: the same rules, bytes and core, in turn."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.corpus import SEED
from benchmarks.differences import compare
from benchmarks.engine import ecs
from benchmarks.engine.loads import REPEATED
from benchmarks.engine.setup import Section, Setup, ratio, table
from benchmarks.programs import Program

NUMBERS = (100, 500, 1_000, 3_141)
RULES_EVENTS = 150_000
"""Events that the cost of rules is measured on."""


def whole(setup: Setup) -> Section:
    """The whole corpus and all rules."""
    loads = setup.loads
    separate = setup.theirs(loads.rules, loads.events, "--try", "separate", routed=", an engine for each log source")
    programs = [setup.ours(loads.form, loads.events), *setup.theirs(loads.rules, loads.events), *separate]
    lines = _beside(setup, programs, loads.rules, loads.events)
    what = (
        "Events are in memory before time begins and matches are counted. RSigma is set up as `benchmarks/peers` says;"
        " an engine for each log source is more than it does by itself: our program makes one of the rules that apply"
        " for each log source met."
    )
    return Section("Engine: all rules on the whole", [what, "", *lines])


def creation(setup: Setup) -> Section:
    """The hard lane: process creations, to which most rules apply."""
    loads = setup.loads
    rules, form = loads.creation_rules
    programs = [setup.ours(form, loads.creation), *setup.theirs(rules, loads.creation)]
    lines = _beside(setup, programs, rules, loads.creation)
    what = (
        f"The distinct process creation events of the corpus, all of them {REPEATED} times, with the rules that apply."
    )
    return Section("Engine: process creation", [what, "", *lines])


def rules(setup: Setup) -> Section:
    """What rules cost: the same events with ever more of them."""
    loads = setup.loads
    events = loads.slice("rules.ndjson", loads.events, RULES_EVENTS, 1)
    columns: list[list[Program]] = []
    for number in NUMBERS:
        folder, form = loads.drawn(number)
        columns.append([setup.ours(form, events), *setup.theirs(folder, events)])
    setup.measure([program for column in columns for program in column])
    heads = " | ".join(f"{number:,} rules" for number in NUMBERS)
    lines = [
        f"The first {columns[0][0].runs[0].events:,} events of the corpus; rules drawn from their sorted files"
        f" (seed {SEED}), the fewer among the more. Events/s, and in brackets the cost of an event in processor time"
        " beside that with 100 rules.",
        "",
        f"| | {heads} |",
        "|---|" + "---|" * len(NUMBERS),
    ]
    for row in zip(*columns, strict=True):
        cells = (f"{each.rate:,.0f} ({row[0].cpu_rate / each.cpu_rate:.2f})" for each in row)
        lines.append(f"| {row[0].name} | {' | '.join(cells)} |")
    return Section("Engine: cost of rules", lines)


def in_ecs(setup: Setup) -> Section:
    """What the product feeds the matcher, and the narrow case of it."""
    loads = setup.loads
    narrow, wide = loads.ecs_events
    lines = [
        "Windows events of the corpus through our normaliser, rules through our pipeline; RSigma reads the same"
        f" pipeline, and of several categories it is told the last. Narrow events: {ecs.DROPPED}.",
        "",
    ]
    for title, events in (("Narrow", narrow), ("As the correlator gets them, with `event.original`", wide)):
        mapped = ("--pipeline", str(loads.pipeline))
        programs = [setup.ours(loads.ecs_form, events), *setup.theirs(loads.rules, events, *mapped)]
        lines += [f"## {title}", "", *_beside(setup, programs, loads.rules, events)]
    return Section("Engine: events in ECS", lines)


def _beside(setup: Setup, programs: list[Program], rules: Path, events: Path) -> Iterator[str]:
    setup.measure(programs)
    met = programs[0].runs[0]
    yield f"{met.rules:,} rules, {met.events:,} events of {met.bytes / met.events:,.0f} bytes, {met.matches:,} matches."
    yield from ("", *table(programs), "")
    if len(programs) < 2:
        yield "RSigma was not built."
        return
    yield from (" ".join(ratio(programs[0], other) for other in programs[1:]), "")
    ours, theirs = ([word for word in each.command if word not in {"--count", "--memory"}] for each in programs[:2])
    comparison = compare(ours, theirs, rules, events, setup.core)
    yield comparison.say(programs[1].name)
    if comparison.reasons:
        yield f"Why: {comparison.counts()}."
    yield ""

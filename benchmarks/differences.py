"""Matches of two engines compared, pair by pair, and why they differ."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigma.rule import SigmaRule

from benchmarks.programs import run_pinned
from rules.files import read_files
from rules.load import read

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


@dataclass(frozen=True)
class Comparison:
    """The pairs of two engines, ours first, and for those that only one has reason → rule → lines."""

    ours: set[Pair]
    theirs: set[Pair]
    reasons: dict[str, dict[str, list[int]]]

    def say(self, name: str) -> str:
        """One sentence; ``name`` is the other engine's."""
        return (
            f"Pairs of event and rule: {len(self.ours):,} ours, {len(self.theirs):,} of {name},"
            f" {len(self.ours & self.theirs):,} in both; {len(self.ours - self.theirs):,} ours alone,"
            f" {len(self.theirs - self.ours):,} theirs alone."
        )

    def counts(self) -> str:
        """How many pairs each reason explains, as a sentence."""
        counts = (f"{sum(map(len, rules.values()))}: {reason}" for reason, rules in sorted(self.reasons.items()))
        return "; ".join(counts)

    def tables(self) -> Iterator[str]:
        """Every pair that differs, by reason and rule, as lines of Markdown."""
        for reason, rules in sorted(self.reasons.items()):
            yield from (f"### {reason}", "", REASONS[reason], "", "| rule | pairs | lines |", "|---|---|---|")
            for rule, lines in sorted(rules.items(), key=lambda item: -len(item[1])):
                yield f"| `{rule}` | {len(lines)} | {', '.join(map(str, lines))} |"
            yield ""


def compare(ours: list[str], theirs: list[str], rules: Path, events: Path, cores: str) -> Comparison:
    """Run two commands that print matches, and compare them."""
    first, second = (_pairs(command, cores) for command in (ours, theirs))
    return Comparison(first, second, _explain(first ^ second, rules, events))


def _pairs(command: list[str], cores: str) -> set[Pair]:
    output = run_pinned(command, cores).output
    return {(match["line"], match["rule"]) for match in map(json.loads, output.splitlines())}


def _explain(pairs: set[Pair], rules: Path, events: Path) -> dict[str, dict[str, list[int]]]:
    if not pairs:
        return {}
    parsed, _ = read(read_files([rules]))
    wanted = {each.id: each.says.logsource.category for each in parsed if isinstance(each.says, SigmaRule)}
    lines = {line for line, _ in pairs}
    with events.open("rb") as file:
        met = {number: _categories(json.loads(line)) for number, line in enumerate(file, 1) if number in lines}
    found: dict[str, dict[str, list[int]]] = {}
    for line, rule in sorted(pairs):
        found.setdefault(_reason(wanted.get(rule), met[line]), {}).setdefault(rule, []).append(line)
    return found


def _reason(wanted: str | None, met: list[str]) -> str:
    return GENERIC if wanted == "registry_event" and REGISTRY & set(met) else OPEN


def _categories(event: dict[str, Any]) -> list[str]:
    category = event.get("logsource", event).get("category")
    return category if isinstance(category, list) else [category]

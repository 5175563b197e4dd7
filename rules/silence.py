"""Correlations that silence rules which matter alone: a firearm must always alert."""

from collections.abc import Iterator

from impetus.domain.errors import ImpetusError
from impetus.domain.rule import RuleSet, rank
from rules.compile import Compiled
from rules.parse import Parsed

MATTERS = rank("high")
"""Rank of the least level at which a rule matters alone."""


def check(rules: RuleSet, compiled: Compiled) -> Iterator[ImpetusError]:
    """A problem for each correlation and each rule of level high or critical that never alerts because of it."""
    by_id: dict[str, Parsed] = {single.parsed.id: single.parsed for single in compiled.singles}
    by_id |= {window.parsed.id: window.parsed for window in compiled.windows}
    generates = {window.parsed.id: window.reading.generate for window in compiled.windows}
    for correlation in rules.rules:
        for index in correlation.refers:
            rule = rules.rules[index]
            if rule.alerts or rank(rule.level) < MATTERS:
                continue
            what = f"{correlation.title!r} silences {rule.title!r} ({by_id[rule.id].document.where()}, {rule.level})"
            origin = by_id[correlation.id]
            if not generates[correlation.id]:
                yield origin.problem("rule.invalid", what, ("correlation",), "Add 'generate: true' below 'correlation'")
            elif _negates(compiled, correlation.id):
                hint = "A rule that is only awaited to stay away never alerts; refer to a copy of it instead"
                yield origin.problem("rule.invalid", what, ("correlation", "condition"), hint)


def _negates(compiled: Compiled, id: str) -> bool:
    window = next(window for window in compiled.windows if window.parsed.id == id)
    return isinstance(window.parsed.document.data["correlation"].get("condition"), str)

"""Tests of rules: the samples on the page beside each rule, tried on an engine that the caller brings."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.rule import Rule, RuleSet
from rules import page
from rules.files import find
from rules.load import load

Evaluate = Callable[[RuleSet, Sequence[bytes]], Collection[str]]
"""Runs events (JSON, in the order of the page) through the rules; gives the ids of all that fired, alerting or not."""


@dataclass(frozen=True)
class Outcome:
    """How one sample went; with ``problem`` set, why it could not be tried or was not as the page says."""

    rule: str
    title: str
    file: str
    line: int | None
    name: str
    fires: bool
    problem: ImpetusError | None = None

    @property
    def passed(self) -> bool:
        """Whether the rule did what the page says."""
        return self.problem is None


def run(paths: Sequence[Path], evaluate: Evaluate, among: Sequence[Path] = ()) -> list[Outcome]:
    """Try every sample of every page under ``paths``.

    ``among`` holds more rules that those under ``paths`` may refer to. What cannot be loaded, and a page without a
    rule, is an outcome too: a rule that is not there passes no test.
    """
    files = {path.resolve(): path for path in find(among)} | {path.resolve(): path for path in find(paths)}
    loaded = load(list(files.values()))
    outcomes = [_unusable(problem) for problem in loaded.problems]
    usable = {rule.id: rule for rule in loaded.rules.rules}
    last = {each.document.file: each.id for each in loaded.parsed}  # the last rule of a file is what its page is about
    for path in find(paths):
        beside, rule = page.beside(path), usable.get(last.get(str(path), ""))
        if rule is not None and beside.exists():
            outcomes.extend(_tried(rule, page.read(beside), loaded.rules, evaluate))
    return outcomes


def _unusable(problem: ImpetusError) -> Outcome:
    file = problem.where.file or ""
    return Outcome("", Path(file).stem, file, problem.where.line, "the rule can be used", True, problem)


def _tried(rule: Rule, read: page.Page, rules: RuleSet, evaluate: Evaluate) -> Iterator[Outcome]:
    for unread in read.problems:
        yield Outcome(rule.id, rule.title, read.file, unread.where.line, "the page can be read", True, unread)
    for sample in read.samples:
        fired = evaluate(rules, sample.events)
        problem = None if (rule.id in fired) is sample.fires else _wrong(read.file, sample)
        yield Outcome(rule.id, rule.title, read.file, sample.line, sample.name, sample.fires, problem)


def _wrong(file: str, sample: page.Sample) -> ImpetusError:
    what = "the rule is silent, and should fire" if sample.fires else "the rule fires, and should be silent"
    return ImpetusError("rule.test", f"{what}: {sample.name}", Where(file, sample.line))

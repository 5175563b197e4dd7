"""Load rules: files of Sigma documents in, a rule set for the engine and the problems for people out."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sigma.processing.pipeline import ProcessingPipeline

from impetus.domain.errors import ImpetusError
from impetus.domain.rule import RuleSet
from rules import compile, document, pipelines
from rules.compile import Compiled
from rules.files import RuleFile, read_files
from rules.parse import Parsed, expand, parse
from rules.reference import drop_duplicates
from rules.windows import ECS_WINDOWS


@dataclass(frozen=True)
class Loaded:
    """The rules that can be used, and for each that cannot why not."""

    rules: RuleSet
    problems: tuple[ImpetusError, ...]
    parsed: tuple[Parsed, ...] = field(repr=False, default=())
    compiled: Compiled = field(repr=False, default_factory=lambda: Compiled((), ()))

    def without(self, refusals: Mapping[str, str]) -> "Loaded":
        """The same without rules that the engine refuses: their ids, and what it says of each."""
        by_id = {each.id: each for each in self.parsed}
        refused = [_refused(by_id[id], what) for id, what in refusals.items() if id in by_id]
        rules, problems = compile.assemble(self.compiled, refusals.keys())
        return replace(self, rules=rules, problems=(*self.problems, *refused, *problems))


def load(paths: Sequence[Path], pipelines: Sequence[str | Path] = (), *, raw: bool = False) -> Loaded:
    """Load the rules of files and directories (searched to the bottom, folders named ``tests`` left out).

    ``pipelines`` are names of installed pySigma pipelines or YAML files and replace the shipped one, which maps Windows
    rules to ECS names; ``raw`` applies none. A rule that cannot be used is a problem that names file, line and reason,
    and stops no other. Raises ``ImpetusError`` where a pipeline cannot be used: that concerns every rule.
    """
    return load_files(read_files(paths), pipelines, raw=raw)


def load_files(files: Sequence[RuleFile], pipelines: Sequence[str | Path] = (), *, raw: bool = False) -> Loaded:
    """The same of files that were read."""
    pipeline = _pipeline(pipelines, raw)
    with _uncollected():
        parsed, problems = read(files)
        compiled, uncompiled = compile.compile_parsed(parsed, pipeline)
        rules, unassembled = compile.assemble(compiled)
    return Loaded(rules, (*problems, *uncompiled, *unassembled), tuple(parsed), compiled)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Loading makes half a million objects and hardly any garbage: looking for some took a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read(files: Sequence[RuleFile]) -> tuple[list[Parsed], list[ImpetusError]]:
    """Parse all documents of all files, each id once, with what is wrong with the others."""
    parsed: list[Parsed] = []
    problems: list[ImpetusError] = []
    for file in files:
        documents, unreadable = document.read(file)
        problems.extend(unreadable)
        for each in expand(documents):
            outcome = [each] if isinstance(each, ImpetusError) else parse(each)
            problems.extend(outcome) if isinstance(outcome, list) else parsed.append(outcome)
    unique, duplicates = drop_duplicates(parsed)
    return unique, problems + duplicates


def _refused(parsed: Parsed, what: str) -> ImpetusError:
    section = "correlation" if "correlation" in parsed.document.data else "detection"
    return parsed.problem("rule.unsupported", f"the engine refuses {parsed.id!r}: {what}", (section,))


def _pipeline(specifiers: Sequence[str | Path], raw: bool) -> ProcessingPipeline:
    if raw:
        return ProcessingPipeline()
    return pipelines.resolve(specifiers or [ECS_WINDOWS])

"""Lint: what is wrong with rules, and what may be, each with file, line and remedy."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from sigma.filters import SigmaFilter

from impetus.domain.errors import ImpetusError
from rules import compile, load, page, pipelines, silence, spelling, validation
from rules.files import read_files
from rules.parse import STATUSES, Parsed
from rules.windows import ECS_WINDOWS

Severity = Literal["error", "warning"]

EXPECTED = {
    "status": f"Say how far it is proven: one of {', '.join(STATUSES[:3])}",
    "description": "Say in a sentence or two what it finds",
    "level": "Say how bad it is: informational, low, medium, high or critical (medium is assumed)",
    "falsepositives": "List what harmless causes it may have; 'Unknown' is an answer",
}
"""Keys that a rule can do without and its readers cannot, and what to write."""

KEYS = (
    *("title", "id", "name", "taxonomy", "related", "status", "description", "license", "references", "author"),
    *("date", "modified", "logsource", "detection", "fields", "falsepositives", "level", "tags", "scope"),
    *("correlation", "generate", "filter", "action"),
)
"""Keys of a rule that mean something."""


@dataclass(frozen=True)
class Finding:
    """One thing found. An error keeps the rule from being used, or from being understood as it is meant."""

    severity: Severity
    file: str
    line: int | None
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        text = f"{place}: {self.severity}: {self.what}"
        return f"{text}. {self.hint}" if self.hint else text


def lint(paths: Sequence[Path], pipelines_used: Sequence[str | Path] = ()) -> list[Finding]:
    """Everything found in the rules of files and directories, by file and line. Raises like ``load``."""
    parsed, problems = load.read(read_files(paths))
    findings = [finding for each in parsed for finding in _metadata(each)]
    last = {each.document.file: each for each in parsed}
    findings += [finding for each in last.values() for finding in _pages(each)]
    findings += [_warning(problem) for problem in validation.validate(parsed)]
    pipeline = pipelines.resolve(pipelines_used or [ECS_WINDOWS])
    compiled, uncompiled = compile.compile_parsed(parsed, pipeline)
    rules, unassembled = compile.assemble(compiled)
    findings += [_error(problem) for problem in [*problems, *uncompiled, *unassembled]]
    findings += [_warning(problem) for problem in spelling.check(compiled)]
    findings += [_warning(problem) for problem in silence.check(rules, compiled)]
    return sorted(findings, key=lambda finding: (finding.file, finding.line or 0, finding.severity, finding.what))


def _error(problem: ImpetusError) -> Finding:
    return Finding("error", problem.where.file or "", problem.where.line, problem.what, problem.hint)


def _warning(problem: ImpetusError) -> Finding:
    return Finding("warning", problem.where.file or "", problem.where.line, problem.what, problem.hint)


def _metadata(parsed: Parsed) -> Iterator[Finding]:
    data = parsed.document.data
    yield from _identity(parsed)
    for key, hint in EXPECTED.items():
        if not data.get(key) and not isinstance(parsed.says, SigmaFilter):
            yield _warning(parsed.problem("rule.invalid", f"the rule has no {key}", (), hint))
    for key in data:
        # Sigma allows keys of one's own, so only what looks like a slip of the pen is named.
        if key not in KEYS and (close := difflib.get_close_matches(key, KEYS, n=1, cutoff=0.8)):
            hint = f"Did you mean {close[0]!r}?"
            yield _warning(parsed.problem("rule.invalid", f"nothing reads the key {key!r}", (key,), hint))


def _identity(parsed: Parsed) -> Iterator[Finding]:
    if "id" not in parsed.document.data:
        what = f"the rule has no id, and goes by {parsed.id!r}"
        yield _warning(parsed.problem("rule.invalid", what, (), "Give it a UUID (uuidgen makes one)"))
        return
    try:
        UUID(parsed.id)
    except ValueError:
        what = f"the id {parsed.id!r} is no UUID, which other Sigma tools ask for"
        yield _warning(parsed.problem("rule.invalid", what, ("id",), "uuidgen makes one"))


def _pages(parsed: Parsed) -> Iterator[Finding]:
    """What is missing of the page beside a rule file, which is about the last rule in it."""
    if isinstance(parsed.says, SigmaFilter):
        return
    path = page.beside(Path(parsed.document.file))
    if not path.exists():
        hint = f"Write {path.name}: {', '.join(page.SECTIONS)}"
        yield _warning(parsed.problem("rule.test", "the rule has no page with tests beside it", (), hint))
        return
    read = page.read(path)
    yield from (_error(problem) for problem in read.problems)
    for section in page.SECTIONS:
        if not read.sections.get(section):
            yield Finding("warning", read.file, None, f"the page has nothing under {section!r}", f"Add '## {section}'")
    for fires, title in ((True, "Fires"), (False, "Silent")):
        if not any(sample.fires is fires for sample in read.samples):
            hint = f"Add '### {title}: …' with events"
            yield Finding("warning", read.file, None, f"no test says when the rule is {title.lower()}", hint)

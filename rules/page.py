"""The page beside a rule: what, why, benign causes, what to do, and tests as prose with samples."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from impetus.domain.errors import ImpetusError, Where

SECTIONS = ("What", "Why", "Benign causes", "What to do", "Tests")
"""Second-level headings that a page has, in this order."""

MAX_BYTES = 4 << 20
"""Largest page that is read; samples of correlations may be long."""

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_SAMPLE = re.compile(r"^(Fires|Silent):\s*(\S.*)$")
_FENCE = re.compile(r"^(`{3,}|~{3,})\s*(\w*)\s*$")


@dataclass(frozen=True)
class Sample:
    """Events under which a rule fires, or stays silent, and the words that say why."""

    name: str
    fires: bool
    line: int
    events: tuple[bytes, ...]
    """One JSON object each, in the order of the page."""


@dataclass(frozen=True)
class Page:
    """A page as read. ``problems`` names what of it cannot be."""

    file: str
    sections: dict[str, str]
    samples: tuple[Sample, ...]
    problems: tuple[ImpetusError, ...]


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    fenced: bool
    """Inside a fenced block of JSON."""
    heading: tuple[int, str] | None = None


def beside(rule: Path) -> Path:
    """Where the page of a rule file stands."""
    return rule.with_suffix(".md")


def read(path: Path) -> Page:
    """Read a page; one that cannot be read has a problem that says so, and nothing else."""
    file = str(path)
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            return Page(file, {}, (), (_problem(file, None, f"the page is larger than {MAX_BYTES} bytes"),))
        text = data.decode("utf-8-sig")
    except OSError as error:
        return Page(file, {}, (), (_problem(file, None, f"the page cannot be read: {error.strerror}"),))
    except UnicodeDecodeError:
        return Page(file, {}, (), (_problem(file, None, "the page is not UTF-8"),))
    lines = list(_lines(text))
    problems: list[ImpetusError] = []
    samples = tuple(_samples(file, lines, problems))
    return Page(file, _sections(lines), samples, tuple(problems))


def _problem(file: str, line: int | None, what: str, hint: str = "") -> ImpetusError:
    return ImpetusError("rule.test", what, Where(file, line), hint)


def _lines(text: str) -> Iterator[_Line]:
    """Lines with what they are; the lines of fences themselves are left out."""
    fence, language = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence, language = mark[1], mark[2].lower()
        elif mark and fence and mark[1].startswith(fence) and not mark[2]:
            fence = ""
        else:
            heading = None if fence else _HEADING.match(line)
            level = (len(heading[1]), heading[2]) if heading else None
            yield _Line(number, line, bool(fence) and language == "json", level)


def _sections(lines: list[_Line]) -> dict[str, str]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        if line.heading and line.heading[0] <= 2:
            current = sections.setdefault(line.heading[1], []) if line.heading[0] == 2 else []
        else:
            current.append(line.text)
    return {name: "\n".join(body).strip() for name, body in sections.items()}


def _samples(file: str, lines: list[_Line], problems: list[ImpetusError]) -> Iterator[Sample]:
    """The samples of the section ``Tests``: a heading, prose, and one JSON object a line in a fenced block."""
    for heading, body in _tests(lines):
        titled = _SAMPLE.match(heading.heading[1]) if heading.heading else None
        if titled is None:
            hint = "'### Fires: …' or '### Silent: …', with a few words that say why"
            problems.append(_problem(file, heading.number, f"{heading.text.strip()!r} is no title of a test", hint))
            continue
        events = []
        for line in body:
            if line.fenced and line.text.strip():
                problem = _event_problem(file, line)
                problems.append(problem) if problem else events.append(line.text.strip().encode())
        if not events:
            hint = "Put one JSON object a line between ```json and ```"
            problems.append(_problem(file, heading.number, "the test has no events", hint))
            continue
        yield Sample(titled[2], titled[1] == "Fires", heading.number, tuple(events))


def _tests(lines: list[_Line]) -> Iterator[tuple[_Line, list[_Line]]]:
    """Third-level headings under ``Tests``, each with the lines below it."""
    within = False
    heading: _Line | None = None
    body: list[_Line] = []
    for line in lines:
        if line.heading and line.heading[0] <= 3:
            if heading is not None:
                yield heading, body
            within = line.heading == (2, "Tests") if line.heading[0] <= 2 else within
            heading, body = (line, []) if within and line.heading[0] == 3 else (None, [])
        else:
            body.append(line)
    if heading is not None:
        yield heading, body


def _event_problem(file: str, line: _Line) -> ImpetusError | None:
    try:
        msgspec.json.decode(line.text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError) as error:
        hint = "One JSON object a line, on one line"
        return _problem(file, line.number, f"the event is no JSON object: {error}", hint)
    return None

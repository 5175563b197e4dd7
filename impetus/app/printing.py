"""Printing for people and pipes: text from data is made visible before it reaches a terminal."""

import sys
from collections.abc import Sequence

import msgspec

from correlator.finding import Finding
from impetus.app import output
from tui.untrusted import escaped, visible


def say(text: str) -> None:
    """One whole line for people on standard output; control and format characters are shown, never sent."""
    output.write(visible(text, sys.maxsize) + "\n")


def say_json(text: str) -> None:
    """One line of JSON for machines: such characters are escaped, so that the same value is parsed."""
    output.write(escaped(text) + "\n")


def say_record(text: str) -> None:
    """One record as it came: as JSON if it is, else for people."""
    try:
        msgspec.json.decode(text)
    except (ValueError, RecursionError):
        say(text)
    else:
        say_json(text)


def report_findings(findings: Sequence[Finding], *, as_json: bool, strict: bool) -> int:
    """Print what a check found; the exit status: 1 with an error, or with a warning if ``strict``, else 0."""
    for finding in findings:
        say_json(_object(finding)) if as_json else say(str(finding))
    errors = sum(finding.severity == "error" for finding in findings)
    if not as_json:
        say(f"{errors} errors, {len(findings) - errors} warnings")
    return 1 if errors or (strict and findings) else 0


def _object(finding: Finding) -> str:
    problem = finding.problem
    facts = {"severity": finding.severity, "code": problem.code, "what": problem.what, "hint": problem.hint}
    where = {"file": problem.where.file, "line": problem.where.line, "key": problem.where.key}
    return msgspec.json.encode(facts | where).decode()

"""Why a rule fired: stored with the alert when it fires, so that it says what was true then."""

from typing import NamedTuple

import msgspec

from impetus.domain.personal import FIELDS


class Clause(msgspec.Struct, frozen=True, omit_defaults=True):
    """One node of a condition: ``and``, ``or``, ``not`` with clauses ``of``, or a leaf with a field and what it met."""

    op: str
    held: bool
    field: str | None = None
    expected: str | None = None
    actual: str | None = None
    of: tuple["Clause", ...] = ()


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """For a single-event rule its clauses; for a correlation one sentence on its members, window and place."""

    summary: str
    clauses: tuple[Clause, ...] = ()


class Asked(NamedTuple):
    """What a leaf asks for, taken apart: the value in it, which may be personal, and the words around it."""

    before: str
    value: str | None
    after: str = ""


NO_VALUE = frozenset({"exists", "null", "bool", "time", "fieldref"})
"""Ops that ask for no value of their field: for presence, a truth, a part of a time, or another field by its name."""
NO_TEXT = "(object or array)"
"""What a clause met where the field holds no value but others."""

_CASED = '" (cased)'


def asked(op: str, field: str | None, expected: str) -> Asked:
    """What a leaf asks for, taken apart, so that a mask covers the value alone and equals that of the same value met.

    A limit (``≥ 7``) is no value of anybody; a number that has to be met (``= 7``) is one, such as of a badge.
    """
    if op in NO_VALUE:
        return Asked(expected, None)
    if field not in FIELDS:
        return Asked("", expected)
    if op == "number":
        return Asked("= ", expected[2:]) if expected.startswith("= ") else Asked(expected, None)
    if op == "match" and expected.startswith('"'):
        end = _CASED if expected.endswith(_CASED) else '"'
        text = _literal(expected[1 : -len(end)])
        return Asked("", expected) if text is None else Asked('"', text, end)
    return Asked("", expected)


def met(actual: str) -> list[str | int | float | bool | None] | None:
    """The values that a clause met if they are several, a JSON array; else None."""
    if not actual.startswith("["):
        return None
    try:
        return msgspec.json.decode(actual, type=list[str | int | float | bool | None])
    except (msgspec.MsgspecError, RecursionError):
        return None


def _literal(pattern: str) -> str | None:
    """The text that a pattern stands for; None if it has wildcards and stands for many."""
    text, rest = [], iter(pattern)
    for char in rest:
        if char in "*?":
            return None
        text.append(next(rest, char) if char == "\\" else char)
    return "".join(text)

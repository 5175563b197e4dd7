"""What changed from one plan to another, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from impetus.domain.plan import Plan

NAMES = {"phases": "phase", "closed": "closure", "rosters": "roster", "limits": "limit", "expected": "entry"}
"""The lists of a plan, and what one entry of each is called."""


def differences(before: Plan, after: Plan) -> list[str]:
    """One line for everything that is new (``+``), gone (``-``) or changed (``~``), in the order of a plan."""
    return [
        *_changed("plan", {"name": before.plan}, {"name": after.plan}),
        *_changed("valid", _facts(before.valid), _facts(after.valid)),
        *(line for kind in NAMES for line in _list(kind, before, after)),
    ]


def _list(kind: str, before: Plan, after: Plan) -> Iterator[str]:
    old, new = _keyed(kind, before), _keyed(kind, after)
    for key, facts in old.items():
        if key not in new:
            yield f"- {NAMES[kind]} {key}: {_words(facts)}"
    for key, facts in new.items():
        if key in old:
            yield from _changed(f"{NAMES[kind]} {key}", old[key], facts)
        else:
            yield f"+ {NAMES[kind]} {key}: {_words(facts)}"


def _keyed(kind: str, plan: Plan) -> dict[str, dict[str, Any]]:
    """The entries of a list by what people know them by; the second of one name has a number."""
    found: dict[str, dict[str, Any]] = {}
    for entry in getattr(plan, kind):
        facts = _facts(entry)
        name = key = _name(kind, facts)
        count = 1
        while key in found:
            count += 1
            key = f"{name} ({count})"
        found[key] = facts
    return found


def _name(kind: str, facts: dict[str, Any]) -> str:
    """What an entry is known by, which is not said again as a fact."""
    match kind:
        case "phases":
            return str(facts.pop("name"))
        case "closed":
            return str(facts.pop("zone"))
        case "rosters":
            return ", ".join(facts.pop("badges"))
        case "limits":
            return f"of {facts.pop('field')} in {facts.pop('zone')}"
        case _:
            return str(facts.pop("id"))


def _facts(entry: msgspec.Struct) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(entry).items() if value not in (None, [], ())}


def _changed(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    changes = [
        f"{key} {_change(before.get(key), after.get(key))}"
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    ]
    if changes:
        yield f"~ {what}: {'; '.join(changes)}"


def _change(before: Any, after: Any) -> str:
    if before is None:
        return f"is now {_said(after)}"
    if after is None:
        return f"was {_said(before)} and is gone"
    return f"{_said(before)} → {_said(after)}"


def _words(facts: Mapping[str, Any]) -> str:
    return "; ".join(f"{key} {_said(value)}" for key, value in facts.items())


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key}: {_said(inner)}" for key, inner in value.items() if inner not in (None, [])) + "}"
        )
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return str(value)

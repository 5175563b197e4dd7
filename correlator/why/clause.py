"""The clauses of a single-event rule on one event: the engine's own explanation, with what helps to read it."""

import difflib
from collections.abc import Callable, Iterator, Mapping

from correlator.alerts import conditions
from correlator.why.answer import Condition, SourcePart
from correlator.why.record import Met, Record
from impetus.domain.event import Json, Scalar, flatten, read, text
from impetus.domain.explanation import NO_TEXT, Clause, asked, met
from rules.form import LogSource

Conceal = Callable[[Mapping[str, Json], str | None, str], str]
"""Masks a value: of which event, of which field (None: a text), the value."""

_GENERIC = {"registry_event": {"registry_event", "registry_add", "registry_delete", "registry_set", "registry_rename"}}
_MAX_VALUES = 16


def explain(record: Record, rule: int, met: Met, conceal: Conceal) -> Condition:
    """Every clause of a rule with the value that it met, masked."""
    return _condition(conditions(rule, met.line, record.matcher), met.event, conceal)


def source_parts(source: LogSource, event: Mapping[str, Json]) -> tuple[SourcePart, ...]:
    """What the rule asks of the log source, and what the event says."""
    parts = ("product", "category", "service")
    prefix = "logsource." if any(read(event, f"logsource.{part}") for part in parts) else ""
    return tuple(
        _source_part(part, wanted, tuple(text(value) for value in read(event, prefix + part) if value is not None))
        for part, wanted in zip(parts, (source.product, source.category, source.service), strict=True)
        if wanted is not None
    )


def cost(condition: Condition, held: bool = True) -> int:
    """How few clauses would have to change for a condition to hold (or, with ``held`` false, not to)."""
    if condition.op == "not":
        return cost(condition.of[0], not held)
    if condition.op in {"and", "or"} and condition.of:
        costs = [cost(inner, held) for inner in condition.of]
        return sum(costs) if (condition.op == "and") is held else min(costs)
    return int(condition.held is not held)


def failing(condition: Condition, held: bool = True) -> Iterator[tuple[Condition, bool]]:
    """The clauses that keep a condition from holding, each with what it should be; of an ``or`` the nearest branch."""
    if cost(condition, held) == 0:
        return
    if condition.op == "not":
        yield from failing(condition.of[0], not held)
    elif condition.op in {"and", "or"} and condition.of:
        every = (condition.op == "and") is held
        for inner in condition.of if every else [min(condition.of, key=lambda one: cost(one, held))]:
            yield from failing(inner, held)
    else:
        yield condition, held


def said(condition: Condition, held: bool = True) -> str:
    """One failing clause as a phrase: ``weapon.score 0.35 is not ≥ 0.6``."""
    name = condition.field or "the event"
    if condition.met is None and condition.op not in {"null", "exists"} and condition.field:
        near = f" (it has {condition.nearest})" if condition.nearest else ""
        return f"it has no {name}{near}"
    met = f" {condition.met}" if condition.met is not None else ""
    return f"{name}{met} is {'not ' if held else ''}{condition.expected or condition.op}"


def _source_part(part: str, wanted: str, met: tuple[str, ...]) -> SourcePart:
    accepted = _GENERIC.get(wanted.lower(), {wanted.lower()}) if part == "category" else {wanted.lower()}
    return SourcePart(part, wanted, met, any(value.lower() in accepted for value in met))


def _condition(clause: Clause, event: Mapping[str, Json], conceal: Conceal) -> Condition:
    name, actual, near = clause.field, clause.actual, None
    if name is not None and actual is None and not read(event, name):
        near = next(iter(difflib.get_close_matches(name, list(flatten(event)), n=1, cutoff=0.6)), None)
    return Condition(
        clause.op,
        clause.held,
        name,
        None if clause.expected is None else _asked(clause.op, clause.expected, name, event, conceal),
        None if actual is None else _met(actual, name, event, conceal),
        near,
        tuple(_condition(inner, event, conceal) for inner in clause.of),
    )


def _asked(op: str, expected: str, name: str | None, event: Mapping[str, Json], conceal: Conceal) -> str:
    """What a clause asks for: the value in it masked, the words around it and the names of fields as they are."""
    before, value, after = asked(op, name, expected)
    return before if value is None else f"{before}{conceal(event, name, value)}{after}"


def _met(actual: str, name: str | None, event: Mapping[str, Json], conceal: Conceal) -> str:
    """A value that was met, each of several masked for itself."""
    if actual == NO_TEXT:
        return actual
    values = met(actual)
    if values is None:
        return conceal(event, name, actual)
    shown = ", ".join(_one(value, name, event, conceal) for value in values[:_MAX_VALUES])
    return shown if len(values) <= _MAX_VALUES else f"{shown} and {len(values) - _MAX_VALUES} more"


def _one(value: Scalar, name: str | None, event: Mapping[str, Json], conceal: Conceal) -> str:
    """One of several values that were met; null and booleans name nobody."""
    if value is None:
        return "null"
    return text(value) if isinstance(value, bool) else conceal(event, name, text(value))

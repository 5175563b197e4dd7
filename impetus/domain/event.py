"""The event: one JSON object per observation, with the field names of ``docs/events.md`` (ECS where ECS has one).

On its way an event is bytes, one JSON object without a line break. It is decoded only where a rule has matched or a
person looks. ``walk`` and ``read`` are the one way to its fields then: nested and flat-dotted names are the same field.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Scalar: TypeAlias = "bool | int | float | str | None"

MAX_BYTES = 1 << 20
"""A larger event is refused: the largest real ones (PowerShell script blocks) have 64 KiB."""
MAX_DEPTH = 32
"""Deeper nesting is refused; ECS needs 6."""
MAX_VALUES = 10_000
"""More members of objects and elements of arrays, at any depth, are refused: real events have a few hundred."""

CYBER, OT, IOT, PHYSICAL, OSINT, CTI = "cyber", "ot", "iot", "physical", "osint", "cti"
DOMAINS = (CYBER, OT, IOT, PHYSICAL, OSINT, CTI)
"""Values of ``city.domain``."""


class Fields(dict[str, Json]):
    """Fields of an event that were read natively: by dotted name a scalar or a list of them; absent ones are not there.

    ``read`` and what builds on it treats it as the event itself, as far as its fields go.
    """

    def scalars(self, path: str) -> list[Scalar]:
        """The scalars of a field."""
        value = self.get(path)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]  # type: ignore[return-value,list-item]


def walk(event: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every (dotted path, scalar) of an event; an array yields each element under the path of the array."""
    for key, value in event.items():
        yield from _walk(f"{prefix}{key}", value)


def _walk(path: str, value: Json) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        yield from walk(value, f"{path}.")
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(path, inner)
    else:
        yield path, value


def read(event: Mapping[str, Json], path: str) -> list[Scalar]:
    """The scalars under a dotted path, however the names are nested or flat: ``a.b`` meets ``{"a": {"b": 1}}`` too."""
    if type(event) is Fields:
        return event.scalars(path)
    found: list[Scalar] = []
    _read(event, path, found)
    return found


def _read(value: "Json | Mapping[str, Json]", path: str, found: list[Scalar]) -> None:
    if isinstance(value, list):
        for inner in value:
            _read(inner, path, found)
        return
    if not isinstance(value, Mapping):
        return
    if path in value:
        found.extend(scalar for _, scalar in _walk(path, value[path]))
    cut = path.find(".")
    while cut > 0:
        inner = value.get(path[:cut])
        if inner is not None:
            _read(inner, path[cut + 1 :], found)
        cut = path.find(".", cut + 1)


def first_text(event: Mapping[str, Json], path: str) -> str | None:
    """The first scalar under a path as text; None where there is none or it is null."""
    if type(event) is Fields:
        known = event.get(path)
        if known is None or type(known) is str:
            return known
    for value in read(event, path):
        if value is not None:
            return text(value)
    return None


def flatten(event: Mapping[str, Json]) -> dict[str, list[Scalar]]:
    """Dotted path → all scalars under it, in the order of the event."""
    fields: dict[str, list[Scalar]] = {}
    _flatten(event, "", fields)
    return fields


def _flatten(event: Mapping[str, Json], prefix: str, fields: dict[str, list[Scalar]]) -> None:
    """What ``walk`` yields, gathered; generators within generators would cost more than all else here."""
    for key, value in event.items():
        path = prefix + key
        if isinstance(value, dict):
            _flatten(value, path + ".", fields)
        elif isinstance(value, list):
            for name, inner in _walk(path, value):
                fields.setdefault(name, []).append(inner)
        elif path in fields:
            fields[path].append(value)
        else:
            fields[path] = [value]


def text(value: Scalar) -> str:
    """A scalar as rules compare it: JSON spelling for booleans, text for the rest."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)

"""Fields of an event by dotted path: nested and flat-dotted spellings are the same field."""

from collections.abc import Mapping

from impetus.domain.event import Json


def read_field(event: Mapping[str, Json], path: str) -> Json:
    """The value at a dotted path, however it is spelled; None where absent."""
    if path in event:
        return event[path]
    at = path.find(".")
    while at > 0:
        inner = event.get(path[:at])
        if isinstance(inner, dict):
            found = read_field(inner, path[at + 1 :])
            if found is not None:
                return found
        at = path.find(".", at + 1)
    return None


def put_field(event: dict[str, Json], path: str, value: Json) -> None:
    """Set a field as the event spells it; nested where it has none, flat where a scalar stands in the way."""
    if path in event:
        event[path] = value
        return
    head, dot, rest = path.partition(".")
    inner = event.setdefault(head, {}) if dot else None
    if isinstance(inner, dict):
        put_field(inner, rest, value)
    else:
        event[path] = value


def nest(fields: Mapping[str, Json]) -> dict[str, Json]:
    """An event of dotted paths, those without a value (None) left out."""
    event: dict[str, Json] = {}
    for path, value in fields.items():
        if value is not None:
            put_field(event, path, value)
    return event

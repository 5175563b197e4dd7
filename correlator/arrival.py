"""An arrival: one line of the log, read as far as the correlator needs it, or the reason why it cannot be."""

from typing import Any

import msgspec

from impetus.domain.batch import Head, Reject
from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import MAX_BYTES, MAX_DEPTH, Json, first_text
from impetus.domain.instant import parse_instant

MAX_RECORD = 4096
"""So much of a rejected record is kept (bytes)."""

_decode = msgspec.json.Decoder().decode


class Arrival(msgspec.Struct):
    """An event on its way: its line, decoded once, with its id, source, event time and arrival (µs)."""

    line: bytes
    event: dict[str, Json]
    id: str
    source: str
    time: int
    created: int


def read_arrival(line: bytes, source: str) -> Arrival:
    """Read an event; ``source`` names it where the event has no ``event.provider``. Raises ``ImpetusError``."""
    if len(line) > MAX_BYTES:
        raise ImpetusError("event.malformed", f"the event has {len(line)} bytes, over {MAX_BYTES}", Where(source))
    if b"\n" in line or b"\r" in line:
        raise ImpetusError("event.malformed", "an event is one line", Where(source))
    event = _object(line, source)
    stamp, created = first_text(event, "@timestamp"), first_text(event, "event.created")
    if stamp is None:
        raise ImpetusError("event.malformed", "the event has no @timestamp", Where(source))
    try:
        time = parse_instant(stamp)
        arrived = parse_instant(created) if created else time
    except (ValueError, OverflowError) as error:
        raise ImpetusError("event.malformed", str(error), Where(source)) from None
    id = first_text(event, "event.id")
    if not id or len(id) > 512:
        what = "the event has no event.id" if not id else "the event.id is longer than 512 characters"
        raise ImpetusError("event.malformed", what, Where(source))
    return Arrival(line, event, id, first_text(event, "event.provider") or source, time, arrived)


def _object(line: bytes, source: str) -> dict[str, Json]:
    try:
        event: Any = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ImpetusError("event.malformed", str(error), Where(source)) from None
    except RecursionError:
        raise ImpetusError("event.malformed", "the event is nested too deeply", Where(source)) from None
    if not isinstance(event, dict):
        raise ImpetusError("event.malformed", "an event is a JSON object", Where(source))
    if _too_deep(event):
        raise ImpetusError("event.malformed", f"the event is nested deeper than {MAX_DEPTH}", Where(source))
    return event


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _inside(value: object) -> Any:
    return value.values() if isinstance(value, dict) else value


def rejected(line: bytes, source: str, error: ImpetusError) -> Reject:
    """A line that is no event, as it is kept and counted."""
    return Reject(source, error.code, error.what, str(error.where), line[:MAX_RECORD])


def head_of(arrival: Arrival, zone: str | None, entities: list[Entity]) -> Head:
    """What an event is found by in the store."""
    keys = [entity.key for entity in entities]
    if zone:
        keys.append(f"zone:{zone}")
    return Head(arrival.id, arrival.time, tuple(dict.fromkeys(keys)))

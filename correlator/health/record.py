"""The events that Impetus itself adds to the log: a device fell silent or returned, a collector went down or is up.

Their ids are made of what happened and when, so that a replay which finds them in the log does not add them again.
They are reports about sources, not from one: they move no watermark, are no sign of life, and are never too late.
"""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from correlator.arrival import Arrival
from impetus.domain.city import Device
from impetus.domain.event import Json, first_text
from impetus.domain.instant import format_instant
from impetus.domain.place import Place

HEARTBEAT, COLLECTOR = "heartbeat", "impetus"
"""``event.provider`` of silences, and of reports on collectors."""
OWN = frozenset({HEARTBEAT, COLLECTOR})
"""Sources that are Impetus itself, if the id of the event says so too."""
SILENT, RETURNED, DOWN, UP = "silent", "returned", "down", "up"
"""Values of ``event.action``."""
MAX_TEXT = 500
"""A longer reason is cut (characters)."""

_encode = msgspec.json.Encoder().encode


class Report(msgspec.Struct, frozen=True):
    """What a collector said of itself at an event time (µs), and the sources that come by it."""

    collector: str
    down: bool
    time: int
    sources: tuple[str, ...]


def health_line(device: Device, place: Place, action: str, moment: int, since: int) -> bytes:
    """The event that a device fell silent, or returned; ``since`` is its last sign of life, or its silence (µs)."""
    event: dict[str, Json] = {
        "@timestamp": format_instant(moment),
        "event": {
            "id": _id(HEARTBEAT, action, device.id, moment),
            "created": format_instant(moment),
            "provider": HEARTBEAT,
            "dataset": "city.device_health",
            "action": action,
            "start": format_instant(since),
        },
        "logsource": {"product": "city", "category": "device_health", "service": "device_health"},
        "city": {"domain": "iot"},
        "device": {"id": device.id, "kind": device.kind},
    }
    where = _where(place)
    if where:
        event["place"] = where
    return _encode(event)


def collector_line(report: Report, reason: str) -> bytes:
    """The event that a collector went down, or is up again."""
    action = DOWN if report.down else UP
    stamp = format_instant(report.time)
    return _encode(
        {
            "@timestamp": stamp,
            "event": {
                "id": _id(COLLECTOR, action, report.collector, report.time),
                "created": stamp,
                "provider": COLLECTOR,
                "dataset": "impetus.collector_health",
                "action": action,
                "reason": reason[:MAX_TEXT],
            },
            "logsource": {"product": "impetus", "category": "collector_health", "service": "collector_health"},
            "city": {"domain": "cyber"},
            "collector": {"name": report.collector, "sources": report.sources},
        }
    )


def is_own(arrival: Arrival) -> bool:
    """Whether an event is one of these, by provider and id; who only claims to be one is treated as any source."""
    if arrival.source not in OWN:
        return False
    event = _decode(arrival.line)
    field = "device.id" if arrival.source == HEARTBEAT else "collector.name"
    action, name = first_text(event, "event.action"), first_text(event, field)
    return arrival.id == _id(arrival.source, action or "", name or "", arrival.time)


def report_of(arrival: Arrival) -> Report | None:
    """What one of these says of a collector; None if it is about a device."""
    if arrival.source != COLLECTOR:
        return None
    event = _decode(arrival.line)
    sources = _texts(event.get("collector"))
    name = first_text(event, "collector.name") or ""
    return Report(name, first_text(event, "event.action") == DOWN, arrival.time, tuple(dict.fromkeys((name, *sources))))


def _decode(line: bytes) -> dict[str, Json]:
    event: dict[str, Json] = msgspec.json.decode(line)
    return event


def _texts(collector: Json) -> Sequence[str]:
    sources = collector.get("sources") if isinstance(collector, dict) else None
    return [source for source in sources if isinstance(source, str)] if isinstance(sources, list) else []


def _id(provider: str, action: str, name: str, moment: int) -> str:
    return f"{provider}-{blake2b(f'{action}|{moment}|{name}'.encode(), digest_size=12).hexdigest()}"


def _where(place: Place) -> dict[str, Json]:
    where: dict[str, Json] = {} if place.zone is None else {"zone": place.zone}
    if place.location is not None:
        where["location"] = {"lat": place.location.lat, "lon": place.location.lon}
        where["radius"] = place.radius
    return where

"""The events that Impetus itself adds to the log: a device fell silent or returned, a collector went down or is up, a
condition of Impetus itself was raised or cleared.

Their ids are made of what happened and when, so that a replay which finds them in the log does not add them again.
They are reports about sources, not from one: they move no watermark, are no sign of life, and are never too late.
"""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from correlator.arrival import Arrival
from impetus.domain.city import Device
from impetus.domain.condition import Condition
from impetus.domain.event import Json, first_text
from impetus.domain.instant import format_instant
from impetus.domain.place import Place

HEARTBEAT, COLLECTOR = "heartbeat", "impetus"
"""``event.provider`` of silences, and of reports on collectors and on Impetus itself."""
OWN = frozenset({HEARTBEAT, COLLECTOR})
"""Sources that are Impetus itself, if the id of the event says so too."""
SILENT, RETURNED, DOWN, UP, RAISED, CLEARED = "silent", "returned", "down", "up", "raised", "cleared"
"""Values of ``event.action``."""
SELF_HEALTH = "self_health"
"""The log source of conditions of Impetus itself."""
MAX_SUBJECT = 200
"""A longer subject of a condition is cut (characters)."""
MAX_TEXT = 500
"""A longer reason is cut (characters)."""

_encode = msgspec.json.Encoder().encode


class Report(msgspec.Struct, frozen=True):
    """What a collector said of itself at an event time (µs), and the sources that come by it."""

    collector: str
    down: bool
    time: int
    sources: tuple[str, ...]


class ConditionReport(msgspec.Struct, frozen=True):
    """That a condition of Impetus itself was raised, or cleared, at an event time (µs)."""

    kind: str
    subject: str
    holds: bool
    time: int


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
            "device": _itself("collector", report.collector),
            "collector": {"name": report.collector, "sources": report.sources},
        }
    )


def condition_line(condition: Condition, holds: bool, moment: int, since: int | None = None) -> bytes:
    """The event that a condition of Impetus itself was raised, or, having held since (µs), was cleared."""
    action, subject, stamp = RAISED if holds else CLEARED, condition.subject[:MAX_SUBJECT], format_instant(moment)
    about: dict[str, Json] = {
        "id": _id(COLLECTOR, action, f"{condition.kind}|{subject}", moment),
        "created": stamp,
        "provider": COLLECTOR,
        "dataset": f"impetus.{SELF_HEALTH}",
        "action": action,
        "reason": condition.reason[:MAX_TEXT],
    }
    if since is not None:
        about["start"] = format_instant(since)
    return _encode(
        {
            "@timestamp": stamp,
            "event": about,
            "logsource": {"product": "impetus", "category": SELF_HEALTH, "service": SELF_HEALTH},
            "city": {"domain": "cyber"},
            "device": _itself(condition.kind, subject),
            "condition": {"kind": condition.kind, "subject": subject, "late": condition.late},
        }
    )


def is_own(arrival: Arrival) -> bool:
    """Whether an event is one of these, by provider and id; who only claims to be one is treated as any source."""
    if arrival.source not in OWN:
        return False
    event = _decode(arrival.line)
    action, name = first_text(event, "event.action"), _name_of(arrival.source, event)
    return arrival.id == _id(arrival.source, action or "", name, arrival.time)


def report_of(arrival: Arrival) -> Report | ConditionReport | None:
    """What one of these says of a collector, or of Impetus itself; None if it is about a device."""
    if arrival.source != COLLECTOR:
        return None
    event = _decode(arrival.line)
    kind = first_text(event, "condition.kind")
    if kind is not None:
        subject = first_text(event, "condition.subject") or ""
        return ConditionReport(kind, subject, first_text(event, "event.action") == RAISED, arrival.time)
    sources = _texts(event.get("collector"))
    name = first_text(event, "collector.name") or ""
    return Report(name, first_text(event, "event.action") == DOWN, arrival.time, tuple(dict.fromkeys((name, *sources))))


def _decode(line: bytes) -> dict[str, Json]:
    event: dict[str, Json] = msgspec.json.decode(line)
    return event


def _name_of(source: str, event: dict[str, Json]) -> str:
    """What one of these is about, as its id has it."""
    kind = first_text(event, "condition.kind") if source == COLLECTOR else None
    if kind is not None:
        return f"{kind}|{first_text(event, 'condition.subject') or ''}"
    return first_text(event, "device.id" if source == HEARTBEAT else "collector.name") or ""


def _itself(part: str, name: str) -> dict[str, Json]:
    """A part of Impetus as a device: by it, what is said of it again and again joins one incident."""
    return {"id": f"impetus/{part}/{name}", "kind": "impetus"}


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

"""Frigate, the camera recorder: its MQTT messages (``frigate/events``, ``reviews``, ``tracked_object_update``) and API.

Camera names count as device ids. What the cameras see becomes log source ``city/video_analytics``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from collectors.normalise.field import nest
from impetus.domain.errors import ImpetusError
from impetus.domain.event import IOT, Json
from impetus.domain.instant import SECOND, format_instant

ACTIONS = {"new": "object-detected", "update": "object-updated", "end": "object-gone"}
"""Type of an event message → ``event.action``."""
RECOGNISED = {"face", "lpr", "classification"}
"""Types of ``tracked_object_update`` that say what an object was recognised as."""

Record = Mapping[str, Any]


def normalise(record: Mapping[str, Json]) -> Iterable[dict[str, Json]]:
    """The events of one message or API record. Raises ``source.record`` on one that tells of no object."""
    try:
        return [nest(fields) for fields in _read(record)]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ImpetusError("source.record", f"not a Frigate event: {error!r:.200}") from error


def _read(record: Record) -> list[dict[str, Json]]:
    after = record.get("after")
    if isinstance(after, dict):
        return [_review(record["type"], after) if "severity" in after else _tracked(record["type"], after)]
    if record.get("type") in RECOGNISED:
        return [_recognised(record)]
    if "camera" in record and "start_time" in record:
        return _stored(record)
    raise ValueError(f"a message of type {record.get('type')!r:.50}")


def _tracked(kind: str, after: Record) -> dict[str, Json]:
    """A message of ``frigate/events``; the same state sent twice has one id."""
    time = after.get("end_time") if kind == "end" else None
    if time is None:
        time = after["frame_time"]
    zones = after.get("current_zones") if kind != "end" else after.get("entered_zones")
    return {
        **_seen(ACTIONS[kind], after["camera"], time, f"{after['id']}:{kind}:{time}"),
        **_object(after, after.get("score", after.get("top_score"))),
        "object.zones": list(zones) if zones else None,
        "object.stationary": after.get("stationary"),
        "object.speed": after.get("current_estimated_speed"),
        "vehicle.plate": after.get("recognized_license_plate"),
    }


def _stored(record: Record) -> list[dict[str, Json]]:
    """An event of the API: seen, and gone once it has an end."""
    data = record.get("data") or {}
    fields = {
        **_object(record, data.get("score", data.get("top_score", record.get("top_score")))),
        "object.zones": list(record["zones"]) if record.get("zones") else None,
        "object.description": data.get("description"),
    }
    events = []
    for action, time in (("object-detected", record["start_time"]), ("object-gone", record.get("end_time"))):
        if time is not None:
            events.append({**_seen(action, record["camera"], time, f"{record['id']}:{action}:{time}"), **fields})
    return events


def _review(kind: str, after: Record) -> dict[str, Json]:
    """A message of ``frigate/reviews``: what happened at a camera as a whole."""
    data, ended = after.get("data") or {}, after.get("end_time")
    time = ended if ended is not None else after["start_time"]
    objects = ",".join(sorted(map(str, data.get("objects") or ())))
    return {
        **_seen(f"review-{kind}", after["camera"], time, f"{after['id']}:{kind}:{after['severity']}:{objects}:{time}"),
        "object.label": list(data.get("objects") or ()) or None,
        ("face.name" if "person" in objects else "object.sub_label"): list(data.get("sub_labels") or ()) or None,
        "object.zones": list(data.get("zones") or ()) or None,
        "sound.label": list(data.get("audio") or ()) or None,
        "review.severity": after["severity"],
    }


def _recognised(record: Record) -> dict[str, Json]:
    kind, time = record["type"], record["timestamp"]
    return {
        **_seen("object-recognised", record["camera"], time, f"{record['id']}:{kind}:{time}"),
        "object.id": record["id"],
        "object.score": record.get("score"),
        "object.sub_label": record.get("sub_label") or record.get("attribute"),
        "face.name": record.get("name") if kind == "face" else None,
        "vehicle.plate": record.get("plate"),
    }


def _seen(action: str, camera: str, time: float, name: str) -> dict[str, Json]:
    return {
        "@timestamp": format_instant(round(time * SECOND)),
        "event.id": f"frigate:{name}"[:256],
        "event.action": action,
        "event.module": "frigate",
        "logsource.product": "city",
        "logsource.category": "video_analytics",
        "city.domain": IOT,
        "device.id": camera,
        "device.kind": "camera",
    }


def _object(record: Record, score: Json) -> dict[str, Json]:
    """What the object is: Frigate gives what it was recognised as as ``sub_label``, alone or with its score.

    Of a person that is whose face it is, so it goes where personal data is known to be.
    """
    label = record.get("sub_label")
    return {
        "object.id": record["id"],
        "object.label": record["label"],
        "face.name" if record["label"] == "person" else "object.sub_label": (
            label[0] if isinstance(label, list) and label else label or None
        ),
        "object.score": score,
    }

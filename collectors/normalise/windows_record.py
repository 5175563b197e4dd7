"""A Windows event, out of any of the shapes of JSON that tools write it in."""

from collections.abc import Mapping
from typing import NamedTuple

from impetus.domain.errors import ImpetusError
from impetus.domain.event import Json

TRANSPORT = {
    "@timestamp", "@version", "EventReceivedTime", "EventTime", "SourceModuleName", "SourceModuleType", "TimeCreated",
    "SystemTime", "host", "port", "tags", "type", "product", "service", "category", "winlog", "event", "agent", "ecs",
    "log", "ERROR_EVT_UNRESOLVED",
}  # fmt: skip
"""Keys of flat events that tell of the way here, or of the time, and not of what happened."""
FLAT_TIMES = ("UtcTime", "SystemTime", "TimeCreated", "@timestamp", "EventTime")
"""Keys of flat events that tell the time, the best first."""
FLAT_ALIASES = (("Computer", "Hostname"), ("Provider_Name", "SourceName"))
"""Fields of flat events, and under which other name some shippers write them."""


class WindowsRecord(NamedTuple):
    """What every shape has: the fields by their Windows names, and the times it gives, the best first."""

    fields: dict[str, Json]
    times: list[str]


def read_record(record: Mapping[str, Json]) -> WindowsRecord:
    """Read the XML as JSON (``Event.System``), Winlogbeat's (``winlog``), or a flat one. Raises ``source.record``."""
    event, winlog = record.get("Event"), record.get("winlog")
    if isinstance(event, dict):
        found = _read_xml(event)
    elif isinstance(winlog, dict):
        found = _read_winlogbeat(record, winlog)
    else:
        found = _read_flat(record)
    if "EventID" not in found.fields:
        raise ImpetusError("source.record", "not a Windows event: it has no EventID")
    return found


def _read_xml(event: Mapping[str, Json]) -> WindowsRecord:
    system = event.get("System")
    if not isinstance(system, dict):
        raise ImpetusError("source.record", "not a Windows event: it has no System")
    fields = {**_data(event.get("EventData")), **_user_data(event.get("UserData"))}
    for name in ("EventID", "Channel", "Computer", "EventRecordID", "Keywords", "Level", "Task", "Opcode"):
        if (value := _text(system.get(name))) is not None:
            fields[name] = value
    fields["Provider_Name"] = _attribute(system.get("Provider"), "Name")
    return WindowsRecord(fields, _times(fields.get("UtcTime"), _attribute(system.get("TimeCreated"), "SystemTime")))


def _read_winlogbeat(record: Mapping[str, Json], winlog: Mapping[str, Json]) -> WindowsRecord:
    data = winlog.get("event_data")
    fields: dict[str, Json] = dict(data) if isinstance(data, dict) else {}
    names = {"event_id": "EventID", "channel": "Channel", "computer_name": "Computer", "record_id": "EventRecordID",
             "provider_name": "Provider_Name", "keywords": "Keywords", "task": "Task", "opcode": "Opcode"}  # fmt: skip
    fields.update({ours: winlog[theirs] for theirs, ours in names.items() if theirs in winlog})
    return WindowsRecord(fields, _times(fields.get("UtcTime"), record.get("@timestamp")))


def _read_flat(record: Mapping[str, Json]) -> WindowsRecord:
    fields = {name: value for name, value in record.items() if name not in TRANSPORT}
    for name, other in FLAT_ALIASES:
        if other in fields:
            fields.setdefault(name, fields[other])
    return WindowsRecord(fields, _times(*(record.get(name) for name in FLAT_TIMES)))


def _data(data: Json) -> dict[str, Json]:
    """``EventData``; the nameless ones of classic logs are all called ``Data``."""
    if isinstance(data, dict):
        # Defender writes "Threat Name"; Sigma rules say ThreatName.
        return {name.replace(" ", ""): _text(value) for name, value in data.items() if name != "#attributes"}
    return {} if data is None else {"Data": data}


def _user_data(data: Json) -> dict[str, Json]:
    """``UserData``: the fields of the one element in it."""
    if not isinstance(data, dict):
        return {}
    return {name: value for inner in data.values() for name, value in _data(inner).items() if isinstance(inner, dict)}


def _text(value: Json) -> Json:
    """An element's text, where the converter kept its attributes beside it."""
    return value.get("#text") if isinstance(value, dict) and "#text" in value else value


def _attribute(element: Json, name: str) -> Json:
    if not isinstance(element, dict):
        return None
    attributes = element.get("#attributes", element)
    if not isinstance(attributes, dict):
        return None
    return attributes.get(name, attributes.get(f"@{name}"))


def _times(*values: Json) -> list[str]:
    """As RFC 3339; Windows writes UTC, and often without saying so."""
    found = []
    for value in values:
        if isinstance(value, str) and value[:2].isdigit():
            stamp = value.strip().replace(" ", "T", 1)
            zoned = stamp.endswith(("Z", "z")) or "+" in stamp[10:] or "-" in stamp[10:]
            found.append(stamp if zoned else f"{stamp}Z")
    return found

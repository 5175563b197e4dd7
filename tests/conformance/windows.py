"""Windows events as the oracles flattened them, labelled with the log source that the normaliser gives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evtx import PyEvtxParser

from collectors.normalise.windows_logsource import categories_of, service_of

Event = dict[str, Any]


def labelled(event: Event) -> bytes:
    """The event with its log source, as a line."""
    service = service_of(event.get("Channel") or "")
    category = categories_of(service, str(event.get("EventID")), str(event.get("EventType", "")))
    return json.dumps({**event, "logsource": {"product": "windows", "service": service, "category": category}}).encode()


def read(path: Path) -> Iterator[Event]:
    """The events of an EVTX file, flat, with the names that Sigma rules use."""
    for record in PyEvtxParser(str(path)).records_json():
        event = json.loads(record["data"])["Event"]
        system = event["System"]
        flat = {name: _text(system.get(name)) for name in ("EventID", "Channel", "Computer")}
        flat["Provider_Name"] = system["Provider"]["#attributes"].get("Name")
        sections = [event.get("EventData"), *_parts(event.get("UserData"))]
        for section in sections:
            if isinstance(section, dict):
                flat |= {name: _text(value) for name, value in section.items() if name != "#attributes"}
        yield flat


def _parts(section: Any) -> list[Any]:
    return list(section.values()) if isinstance(section, dict) else []


def _text(value: Any) -> Any:
    return value.get("#text") if isinstance(value, dict) and "#text" in value else value

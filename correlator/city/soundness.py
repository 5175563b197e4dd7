"""Which devices cannot be relied on at a time, and why, as the store knows it: silent, in an incident, contested."""

from collections.abc import Iterator

import msgspec

from correlator.city.cascade import cascade, devices_of
from correlator.city.model import CityModel
from impetus.domain.city import Device
from impetus.domain.event import first_text
from impetus.domain.incident import Incident
from impetus.domain.instant import format_instant, parse_span
from impetus.domain.ports import EventQuery, IncidentQuery, Span, Store

MOST_INCIDENTS = 10_000
SIGNS = 5
"""So many of a device's newest events are looked through for one of its own."""


def newest_event(store: Store) -> int | None:
    """Event time (µs) of the newest event of a store."""
    return next((event.time for event in store.events(EventQuery(limit=1))), None)


def unsound(model: CityModel, store: Store, at: int) -> dict[str, str]:
    """Devices that do not count at an event time (µs), each with why; with them those that depend on them."""
    why = {device: f"contested by {incident.id}" for incident in _standing(store, at) for device in incident.contested}
    silent = dict(_silent(model, store, at))
    why |= silent
    for fallen in cascade(model, silent).devices:
        why.setdefault(fallen.device, f"depends on {fallen.path[0]}, which is silent")
    return why


def held(store: Store, at: int) -> dict[str, str]:
    """Devices that an incident holds at an event time: as what saw it or as what it hit. They count, and are named."""
    return {device: f"in {incident.id}" for incident in _standing(store, at) for device in devices_of(incident)}


def _standing(store: Store, at: int) -> list[Incident]:
    found = store.incidents(IncidentQuery(limit=MOST_INCIDENTS))
    return [incident for incident in found if incident.kind == "incident" and _stood(incident, at)]


def _stood(incident: Incident, at: int) -> bool:
    """Whether an incident stood open at a time: opened by then, and not closed, or later."""
    if incident.opened > at or incident.withdrawn:
        return False
    if incident.status != "closed":
        return True
    closings = [record.at for record in incident.history if record.verb == "close" and record.undone_by is None]
    return bool(closings) and max(closings) > at


def _silent(model: CityModel, store: Store, at: int) -> Iterator[tuple[str, str]]:
    """Devices with a heartbeat whose last sign of life is too old; silence never starts before the first."""
    for device in model.city.devices:
        if device.heartbeat is not None:
            last = _last_sign(device, store, at)
            if last is not None and last + parse_span(device.heartbeat.silent_after) <= at:
                yield device.id, f"silent since {format_instant(last)}"


def _last_sign(device: Device, store: Store, at: int) -> int | None:
    query = EventQuery(keys=(f"device:{device.id}",), span=Span(end=at + 1), limit=SIGNS)
    for stored in store.events(query):
        # That a device fell silent is an event of it, too, and no sign of life.
        if first_text(msgspec.json.decode(stored.line), "event.action") != "silent":
            return stored.time
    return None

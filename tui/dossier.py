"""All that is known of one incident: itself, its alerts, and its events read as far as people look at them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from impetus.domain.alert import Alert
from impetus.domain.cascade import Cascade
from impetus.domain.event import flatten, text
from impetus.domain.incident import Incident
from tui.backend import Record

NOTHING_FOLLOWS = Cascade()
"""Of an incident without devices, or of a city without a model."""


@dataclass(frozen=True)
class Evidence:
    """An event as a row of the evidence: what happened, where, told by whom; and the record itself."""

    record: Record
    domain: str = ""
    source: str = ""
    action: str = ""
    device: str = ""
    zone: str = ""


@dataclass(frozen=True)
class Dossier:
    """An incident, its alerts, its evidence by event time, and what fails with its devices."""

    incident: Incident
    alerts: tuple[Alert, ...]
    evidence: tuple[Evidence, ...]
    cascade: Cascade = NOTHING_FOLLOWS

    def points(self) -> list[tuple[str, int]]:
        """(domain, time) of everything that has a time, for the timeline: events, else the alerts."""
        seen = [(each.domain or "other", each.record.time) for each in self.evidence]
        if seen:
            return seen
        return [(domain, time) for alert in self.alerts for domain in alert.domains for time in {alert.first, alert.at}]


def read(
    incident: Incident, alerts: Sequence[Alert], records: Iterable[Record], cascade: Cascade = NOTHING_FOLLOWS
) -> Dossier:
    """The dossier of an incident. Records that are no JSON stay in it, with what is known without."""
    ordered = sorted(records, key=lambda record: (record.time, record.id))
    return Dossier(incident, tuple(alerts), tuple(evidence(record) for record in ordered), cascade)


def evidence(record: Record) -> Evidence:
    """A record with the fields that a row shows."""
    try:
        event = json.loads(record.json)
    except (ValueError, RecursionError):
        return Evidence(record, action="(not JSON)")
    if not isinstance(event, dict):
        return Evidence(record, action="(no event)")
    fields = flatten(event)

    def first(*names: str) -> str:
        return next((text(fields[name][0]) for name in names if fields.get(name)), "")

    return Evidence(
        record,
        domain=first("city.domain"),
        source=first("event.provider"),
        action=first("event.action", "event.kind", "message"),
        device=first("device.id", "host.name", "source.ip"),
        zone=first("place.zone"),
    )

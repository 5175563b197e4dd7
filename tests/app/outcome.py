"""What a run left in its store, without what may differ between runs that took in the same events."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from integrations.embedded.store import EmbeddedStore


class Outcome(msgspec.Struct):
    """The log and what follows from it. ``logged``: for each source the sequence numbers of its events, in order.

    What Impetus told of itself is left out.
    """

    logged: dict[str, list[int]]
    ids: list[str]
    alerts: dict[str, Any]
    incidents: dict[str, Any]
    counts: dict[str, int]


class _Event(msgspec.Struct):
    id: str
    provider: str
    sequence: int = -1


class _Line(msgspec.Struct):
    event: _Event


_decode = msgspec.json.Decoder(_Line).decode


def outcome_of(path: Path) -> Outcome:
    """Read a store that no process has open."""
    store = EmbeddedStore(path)
    try:
        assert store.check() == []
        every = [_decode(line).event for block in store.log() for line in block]
        events = [event for event in every if event.provider != "impetus"]
        logged: dict[str, list[int]] = {}
        for event in events:
            logged.setdefault(event.provider, []).append(event.sequence)
        alerts, incidents = _ids(path, "alert"), _ids(path, "incident WHERE live")
        return Outcome(
            logged,
            [event.id for event in events],
            {alert.id: _alert(alert) for alert in store.alerts(alerts)},
            {id: _incident(store.incident(id)) for id in incidents},
            {**store.counts(), "events": store.counts()["events"] - len(every) + len(events)},
        )
    finally:
        store.close()


def _ids(path: Path, table: str) -> list[str]:
    with sqlite3.connect(path) as connection:
        return [id for (id,) in connection.execute(f"SELECT id FROM {table}")]


def _alert(alert: Any) -> Any:
    kept = ("rule", "level", "at", "first", "events", "group", "absent", "certainty", "gone")
    return {name: getattr(alert, name) for name in kept}


def _incident(incident: Any) -> Any:
    kept = ("title", "kind", "severity", "status", "opened", "updated", "events", "zones", "owner", "disposition")
    record = [(one.id, one.actor, one.verb, one.note, one.disposition, one.undone_by) for one in incident.history]
    members = {id for member in incident.members for id in (member.alert, *member.repeats)}
    found = {name: getattr(incident, name) for name in kept}
    return found | {"history": record, "linked": set(incident.linked), "alerts": members, "risk": incident.risk.score}

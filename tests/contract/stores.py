"""The adapters of the port ``Store``, small events and incidents to put into them, and the model they are held to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
from indexed import open_indexed

from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Control, Head, Reject, Revision
from impetus.domain.incident import Incident, Member, Risk
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery, Store
from impetus.domain.rule import Level, rank
from integrations.elasticsearch.cluster import ElasticsearchCluster
from integrations.embedded.store import EmbeddedStore
from integrations.opensearch.cluster import OpenSearchCluster

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Adapter:
    name: str
    make: Callable[[Path, str], Store]
    """Opens it at a path; the second is the address of the server that it needs."""
    lasting: bool = True
    """Whether what is in it is there again after it was closed and opened."""
    needs: str | None = None
    """The fixture that gives the address of its server."""
    address: str = ""
    examples: int = 40
    """Random stories that it is told."""

    def open(self, path: Path) -> Store:
        return self.make(path, self.address)


ADAPTERS = (
    Adapter("embedded", lambda path, _: EmbeddedStore(path)),
    Adapter("embedded in memory", lambda path, _: EmbeddedStore.in_memory(), lasting=False),
    Adapter("opensearch", partial(open_indexed, OpenSearchCluster), needs="opensearch_url", examples=8),
    Adapter("elasticsearch", partial(open_indexed, ElasticsearchCluster), needs="elasticsearch_url", examples=3),
)


@dataclass(frozen=True)
class Event:
    id: str
    time: int
    keys: tuple[str, ...] = ()

    @property
    def line(self) -> bytes:
        return f'{{"event.id":"{self.id}","text":"Ærlig talt, {self.time}"}}'.encode()

    @property
    def addition(self) -> bytes:
        return f'{{"place.zone":"Z{self.time % 5}"}}'.encode() if self.time % 2 else b""


def log_of(events: Sequence[Event]) -> dict[str, object]:
    """The parts of a commit that tell of its events."""
    return {
        "lines": tuple(event.line for event in events),
        "additions": tuple(event.addition for event in events),
        "heads": tuple(Head(event.id, event.time, event.keys) for event in events),
    }


def make_alert(id: str, revision: int = 1, gone: bool = False) -> Alert:
    return Alert(id, "rule", f"Alert {id}", "high", 10 + revision, 10, ("e1", "e2"), revision=revision, gone=gone)


def make_incident(
    id: str, *, risk: int = 50, severity: Level = "high", updated: int = 1, status: str = "open",
    kind: str = "incident", zones: tuple[str, ...] = (), superseded_by: str | None = None, withdrawn: bool = False,
    revision: int = 1,
) -> Incident:  # fmt: skip
    return Incident(
        id, f"Incident {id}", kind, severity, status, 0, updated, revision, (Member(f"a-{id}", "opened it"),), ("e1",),
        zones=zones, risk=Risk(risk), superseded_by=superseded_by, withdrawn=withdrawn,
    )  # fmt: skip


@dataclass
class Model:
    """A store as plain dictionaries: what every adapter has to agree with."""

    events: list[Event] = field(default_factory=list)
    revisions: dict[str, Revision] = field(default_factory=dict)
    blocks: list[tuple[bytes, ...]] = field(default_factory=list)
    positions: dict[str, bytes] = field(default_factory=dict)
    controls: list[tuple[int, Control]] = field(default_factory=list)
    state: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[str, tuple[int, Incident]] = field(default_factory=dict)
    ledger: dict[tuple[str, ...], LedgerLine] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    duplicates: int = 0
    cursor: int = 0

    def commit(self, commit: Commit, events: Sequence[Event]) -> int:
        self.controls += [(len(self.blocks) + 1, control) for control in commit.controls]
        known = {event.id for event in self.events}
        for one in commit.revisions:
            if one.id in known:
                older = self.revisions[one.id].keys if one.id in self.revisions else ()
                self.revisions[one.id] = msgspec.structs.replace(one, keys=(*older, *one.keys))
        if events:
            self.events += events
            self.blocks.append(tuple(event.line for event in events))
        self.positions.update(commit.positions)
        self.rejects += commit.rejects
        self.duplicates += commit.duplicates
        for key, value in commit.state:
            _put(self.state, (key.space, key.key), value)
        for alert in commit.alerts:
            _put(self.alerts, alert.id, None if alert.gone else alert)
        for incident in commit.incidents:
            self.cursor += 1
            self.incidents[incident.id] = (self.cursor, incident)
        for line in commit.ledger:
            self.ledger[(line.event, line.rule, line.plan, line.entry)] = line
        for line in commit.withdrawn:
            self.ledger.pop((line.event, line.rule, line.plan, line.entry), None)
        return self.cursor

    def find_events(self, query: EventQuery) -> list[Event]:
        start, end = query.span.start, query.span.end
        found = [
            event
            for event in self.events
            if (not query.ids or event.id in query.ids)
            and set(query.keys) <= self.keys_of(event)
            and (not query.any_keys or not self.keys_of(event).isdisjoint(query.any_keys))
            and (start is None or event.time >= start)
            and (end is None or event.time < end)
        ]
        return sorted(found, key=lambda event: -event.time)[: query.limit]

    def keys_of(self, event: Event) -> set[str]:
        revision = self.revisions.get(event.id)
        return {*event.keys, *(revision.keys if revision else ())}

    def addition_of(self, event: Event) -> bytes:
        return self.revisions[event.id].addition if event.id in self.revisions else event.addition

    def find_incidents(self, query: IncidentQuery) -> list[Incident]:
        found = [
            incident
            for _, incident in self.live()
            if (not query.statuses or incident.status in query.statuses)
            and query.kind in {None, incident.kind}
            and (query.zone is None or query.zone in incident.zones)
            and (query.since is None or incident.updated >= query.since)
        ]
        found.sort(key=lambda i: (-i.risk.score, -rank(i.severity), -i.updated, i.id))
        return found[: query.limit]

    def live(self) -> list[tuple[int, Incident]]:
        """Incidents that are neither superseded nor withdrawn."""
        return [pair for pair in self.incidents.values() if pair[1].superseded_by is None and not pair[1].withdrawn]

    def counts(self) -> dict[str, int]:
        return {
            "events": len(self.events),
            "rejected": len(self.rejects),
            "duplicates": self.duplicates,
            "alerts": len(self.alerts),
            "incidents": len(self.live()),
            "ledger": len(self.ledger),
            "open": sum(one.status != "closed" and one.kind == "incident" for _, one in self.live()),
        }


def _put(into: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        into.pop(key, None)
    else:
        into[key] = value

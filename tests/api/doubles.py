"""The ports behind a server under test: a store in lists, a desk of the simplest kind, a feed, a health."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
from msgspec.structs import replace

from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.alert import Alert
from impetus.domain.batch import Commit
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import ActionRecord, Incident
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery, StoredEvent
from impetus.domain.status import SourceStatus, Status

STATES = {"take": "taken", "escalate": "escalated", "close": "closed", "reopen": "open"}


class ListStore:
    """As much of the port Store as the API reads, in lists; ``reads`` counts the calls of ``changes``."""

    def __init__(self) -> None:
        self._events: list[tuple[StoredEvent, frozenset[str]]] = []
        self._alerts: dict[str, Alert] = {}
        self._incidents: dict[str, tuple[int, Incident]] = {}
        self._cursor = 0
        self.reads = 0
        self._ledger: list[LedgerLine] = []

    def commit(self, commit: Commit) -> int:
        additions = commit.additions or (b"",) * len(commit.lines)
        for line, addition, head in zip(commit.lines, additions, commit.heads, strict=True):
            self._events.append((StoredEvent(head.id, head.time, line, addition), frozenset(head.keys)))
        self._alerts.update({alert.id: alert for alert in commit.alerts})
        self._ledger += commit.ledger
        for incident in commit.incidents:
            self._cursor += 1
            self._incidents[incident.id] = (self._cursor, incident)
        return self._cursor

    def events(self, query: EventQuery) -> list[StoredEvent]:
        start, end = query.span.start or 0, query.span.end or 1 << 63
        found = [
            event
            for event, keys in self._events
            if start <= event.time < end and keys.issuperset(query.keys) and (not query.ids or event.id in query.ids)
        ]
        return sorted(found, key=lambda event: event.time, reverse=True)[: query.limit]

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        return [self._alerts[id] for id in ids if id in self._alerts]

    def incident(self, id: str) -> Incident | None:
        _, incident = self._incidents.get(id, (0, None))
        return self.incident(incident.superseded_by) if incident and incident.superseded_by else incident

    def incidents(self, query: IncidentQuery) -> list[Incident]:
        found = [
            incident
            for _, incident in self._incidents.values()
            if (not query.statuses or incident.status in query.statuses)
            and query.kind in {None, incident.kind}
            and (query.zone is None or query.zone in incident.zones)
            and incident.superseded_by is None
        ]
        return sorted(found, key=lambda incident: -incident.risk.score)[: query.limit]

    def ledger(self) -> list[LedgerLine]:
        return self._ledger

    def cursor(self) -> int:
        return self._cursor

    def changes(self, cursor: int, limit: int) -> list[tuple[int, Incident]]:
        self.reads += 1
        return sorted((c for c in self._incidents.values() if c[0] > cursor), key=lambda c: c[0])[:limit]

    def close(self) -> None:
        pass


class Bell:
    """A feed: ``ring`` wakes every listener; one that is not listening is not woken, as a condition would do."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[int]] = set()

    def ring(self, cursor: int) -> None:
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(cursor)

    async def changed(self) -> AsyncIterator[int]:
        while True:
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            yield await future


class SimpleDesk:
    """Carries out what is asked by the rules of the port: once for each id, by new records, refusing the senseless."""

    def __init__(self, store: ListStore, bell: Bell) -> None:
        self._store, self._bell = store, bell

    async def act(self, action: Action) -> Incident:
        incident = self._known(action.incident)
        if any(record.id == action.id for record in incident.history):
            return incident
        if action.verb == "close" and action.disposition is None:
            raise ImpetusError("action.refused", "closing needs a disposition", hint="Say what it was – ærlig talt.")
        record = ActionRecord(action.id, action.actor, 7, action.verb, action.note, action.disposition)
        status = STATES.get(action.verb, incident.status)
        return self._keep(replace(incident, status=status, owner=action.actor, history=(*incident.history, record)))

    async def undo(self, undo: Undo) -> Incident:
        incident = self._known(undo.incident)
        history = [replace(r, undone_by=undo.id) if r.id == undo.action else r for r in incident.history]
        history.append(ActionRecord(undo.id, undo.actor, 8, "undo"))
        return self._keep(replace(incident, status="open", owner=None, history=tuple(history)))

    async def promote(self, promotion: Promotion) -> Incident | None:
        if promotion.event == "nobody":
            return None
        return await self.act(Action(promotion.id, "INC-1", promotion.actor, "note", note=promotion.note))

    def _known(self, id: str) -> Incident:
        incident = self._store.incident(id)
        if incident is None:
            raise ImpetusError("incident.unknown", f"there is no incident {id!r}")
        return incident

    def _keep(self, incident: Incident) -> Incident:
        incident = replace(incident, revision=incident.revision + 1)
        self._bell.ring(self._store.commit(Commit(incidents=(incident,))))
        return incident


class Fit:
    """A system that is well, with one source that is not."""

    def status(self) -> Status:
        source = SourceStatus("gate", "failed", 3, 1, None, "connection refused")
        return Status("0.1.0", 4, 1, 0.5, 1_000, (source,), 2, 1)


def incident(number: int, **fields: object) -> Incident:
    """An incident with the least that one has."""
    made = Incident(
        id=f"INC-{number}",
        title=f"Door {number} forced",
        kind="incident",
        severity="high",
        status="open",
        opened=number,
        updated=number,
        revision=1,
        members=(),
        events=(),
    )
    return replace(made, **fields)


def line(**fields: object) -> bytes:
    """An event's line, fields with ``__`` for the dot."""
    return msgspec.json.encode({name.replace("__", "."): value for name, value in fields.items()})

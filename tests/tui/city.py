"""A small city for the console's tests: incidents, a backend in memory, and a console with frozen time on it."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC
from typing import Any

import msgspec

from impetus.domain.action import Action, Undo
from impetus.domain.alert import Alert
from impetus.domain.cascade import Cascade, Consequence, SightLoss
from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.explanation import Clause, Explanation
from impetus.domain.incident import ActionRecord, Incident, Member, Risk, Term
from impetus.domain.instant import SECOND, parse_instant
from impetus.domain.place import Location, Place
from impetus.domain.status import SourceStatus, Status
from tui.backend import Record
from tui.console import Console

NOON = parse_instant("2027-05-17T12:00:00Z")
GONE = ImpetusError("api.unavailable", "the server does not answer", Where(file="unix:/run/x"), "Is it running?")


def incident(number: int, title: str = "", **changes: Any) -> Incident:
    """Incident ``INC-<number>``: the smaller the number the higher its risk."""
    levels = ("critical", "high", "medium", "low")
    plain = Incident(
        id=f"INC-{number}",
        title=title or f"Thing number {number}",
        kind="incident",
        severity=levels[min(number // 3, 3)],
        status="open",
        opened=NOON - 600 * SECOND,
        updated=NOON - number * SECOND,
        revision=1,
        members=(Member(f"A-{number}", "opened it"),),
        events=(f"E-{number}-1", f"E-{number}-2"),
        domains=("cyber", "physical"),
        zones=("Z4",),
        entities=(Entity("device", "door-17"), Entity("address", "203.0.113.77", weak=True)),
        linked=("INC-999",),
        contested=("cam-3",),
        risk=Risk(95 - number, (Term("asset", 40, "door-17 is critical"), Term("night", 10))),
    )
    return msgspec.structs.replace(plain, **changes)


def alert(of: Incident) -> Alert:
    """The one alert of an incident, with a condition that held and one that did not."""
    held = Clause("equals", True, "event.action", "door_forced", "door_forced")
    missed = Clause("equals", False, "door.kind", "garage", "roof")
    return Alert(
        id=of.members[0].alert,
        rule="roof-door",
        title=f"Alert of {of.title}",
        level=of.severity,
        at=of.updated,
        first=of.opened,
        events=of.events,
        domains=of.domains,
        zones=of.zones,
        place=Place("Z4", Location(59.9, 10.7), 25.0),
        certainty="possible",
        absent=("patrol-seen",),
        explanation=Explanation("door forced near the camera", (Clause("and", True, of=(held, missed)),)),
    )


def record(id: str, time: int, **fields: Any) -> Record:
    """An event as the API shows it."""
    event = {
        "event": {"id": id, "provider": "access", "action": "door_forced"},
        "city": {"domain": "physical"},
        "device": {"id": "door-17"},
        "place": {"zone": "Z4"},
    } | fields
    return Record(id, time, json.dumps(event), "<134>door-17 forced")


CASCADE = Cascade(
    (Consequence("cam-3", "camera", ("vms-1", "cam-3")),), (SightLoss("Z4", "camera", ("cam-3",), ("cam-4",)),)
)
"""What fails with every incident."""


class City:
    """A backend in memory. ``up`` False makes every call fail; ``send`` is a change that watchers see."""

    def __init__(self, incidents: Iterable[Incident] = ()) -> None:
        self.incidents = {each.id: each for each in incidents}
        self.records: dict[str, Record] = {}
        self.up = True
        self.hangs = False
        """The server takes calls, and never answers."""
        self.answers_lost = 0
        """Actions that are carried out, and the answer to which gets lost."""
        self.applied: list[Action | Undo] = []
        self.sent: list[str] = []
        self.changes: list[Incident] = []
        self.dossiers = 0
        self._news = asyncio.Event()
        self.state = Status("0", 12_000, 0, 18_200.0, NOON - 5 * SECOND, (SourceStatus("access", "running"),), 0, 0)

    def send(self, *incidents: Incident) -> None:
        """Change incidents, as the correlator would."""
        for each in incidents:
            self.incidents[each.id] = each
            self.changes.append(each)
        self._news.set()

    def cut(self) -> None:
        """The server goes away."""
        self.up = False
        self._news.set()

    async def list_incidents(self, statuses: Sequence[str], limit: int) -> tuple[list[Incident], int]:
        self._check()
        found = [each for each in self.incidents.values() if not statuses or each.status in statuses]
        return found[:limit], len(self.changes)

    async def watch(self, cursor: int) -> AsyncIterator[tuple[int, Incident]]:
        while True:
            self._check()
            for index in itertools.count(cursor):
                if index >= len(self.changes):
                    break
                cursor = index + 1
                yield cursor, self.changes[index]
            self._news.clear()
            await self._news.wait()

    async def incident(self, id: str) -> tuple[Incident, list[Alert], Cascade]:
        self._check()
        self.dossiers += 1
        found = self.incidents[id]
        return found, [alert(found)], CASCADE

    async def search_events(self, ids: Sequence[str]) -> list[Record]:
        self._check()
        plain = (self.records.get(id) or record(id, NOON - (9 - index) * 60 * SECOND) for index, id in enumerate(ids))
        return list(plain)

    async def act(self, action: Action) -> Incident:
        return self._once(action)

    async def undo(self, undo: Undo) -> Incident:
        return self._once(undo)

    async def status(self) -> Status:
        self._check()
        if self.hangs:
            await asyncio.Event().wait()
        return self.state

    async def close(self) -> None:
        return None

    def _once(self, command: Action | Undo) -> Incident:
        self._check()
        self.sent.append(command.id)
        if command.id not in {each.id for each in self.applied}:
            self.applied.append(command)
            changed = _undone if isinstance(command, Undo) else _done
            self.send(changed(self.incidents[command.incident], command))  # type: ignore[operator]
        if self.answers_lost:
            self.answers_lost -= 1
            raise GONE
        return self.incidents[command.incident]

    def _check(self) -> None:
        if not self.up:
            raise GONE


def _done(before: Incident, action: Action) -> Incident:
    if action.verb == "take" and before.owner == "marta":
        raise ImpetusError("action.refused", "taken by marta 12 s ago", hint="Ask her")
    status = {"take": "taken", "escalate": "escalated", "close": "closed", "reopen": "open"}
    entry = ActionRecord(action.id, action.actor, NOON, action.verb, action.note, action.disposition)
    return msgspec.structs.replace(
        before,
        status=status.get(action.verb, before.status),
        owner=action.actor if action.verb == "take" else before.owner,
        disposition=action.disposition if action.verb == "close" else before.disposition,
        history=(*before.history, entry),
        revision=before.revision + 1,
    )


def _undone(before: Incident, undo: Undo) -> Incident:
    history = tuple(
        msgspec.structs.replace(each, undone_by=undo.id) if each.id == undo.action else each for each in before.history
    )
    standing = [each for each in history if not each.undone_by]
    taken = [each for each in standing if each.verb == "take"]
    closed = [each for each in standing if each.verb == "close"]
    return msgspec.structs.replace(
        before,
        status="closed" if closed else "taken" if taken else "open",
        owner=taken[-1].actor if taken else None,
        disposition=closed[-1].disposition if closed else None,
        history=history,
        revision=before.revision + 1,
    )


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


def console(city: City, *, clock: Clock | None = None, **options: Any) -> Console:
    """A console of the analyst ``mk`` on a city, in UTC, with counted action ids."""
    ids = (f"act-{number}" for number in itertools.count(1))
    return Console(city, actor="mk", zone=UTC, clock=clock or Clock(), new_id=lambda: next(ids), **options)

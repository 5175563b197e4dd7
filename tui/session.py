"""A session with the server: what was heard of it, what is being told it, and what changed since the last look.

Network tasks only write here; ten times a second the screens ``drain`` what changed. So a flood of updates costs ten
repaints a second, and no key waits for the network.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from impetus.domain.action import Action, Undo, Verb
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Disposition, Incident
from impetus.domain.ports import Clock
from impetus.domain.status import Status
from tui.backend import Backend
from tui.dossier import Dossier, read
from tui.model.filter import DEFAULT, parse
from tui.model.link import Link
from tui.model.outbox import Command, Outbox
from tui.model.queue import Queue

ACTIVE = ("open", "taken", "escalated")
MOST_ACTIVE, MOST_CLOSED = 5_000, 500
"""Incidents that are fetched at the start; what changes later comes by the watch."""
POLL = 1.0
"""Seconds between questions for the status, which also prove that the server is there."""
PATIENCE = 0.9
"""Seconds that a status may take: together with ``POLL`` under the 2 s after which the banner must stand."""
DELIVERY = 5.0
"""Seconds that an action may take before it is sent again."""
KEPT_DOSSIERS = 64


@dataclass(frozen=True)
class Notice:
    """A sentence for the person at the terminal."""

    text: str
    bad: bool = False


@dataclass
class Changes:
    """What changed since the last ``drain``."""

    rows: set[str] = field(default_factory=set)
    status: bool = False
    notice: Notice | None = None


class Session:
    """Everything behind the screens. ``clock`` gives µs of wall clock, ``new_id`` fresh action ids."""

    def __init__(self, backend: Backend, *, actor: str, clock: Clock, new_id: Callable[[], str]) -> None:
        self.backend = backend
        self.actor = actor
        self.clock = clock
        self.queue = Queue(parse(DEFAULT, actor))
        self.outbox = Outbox(actor, new_id)
        self.link = Link(clock())
        self.status: Status | None = None
        self.loaded = False
        """Whether the incidents have been fetched: before that an empty queue says nothing."""
        self.trouble: ImpetusError | None = None
        """Why they could not be fetched, at the last try."""
        self._arrived: list[Incident] = []
        self._changes = Changes()
        self._cursor: int | None = None
        self._dossiers: dict[tuple[str, int], Dossier] = {}
        self._outgoing = asyncio.Event()
        self._retry = asyncio.Event()

    def drain(self) -> Changes:
        """Put what arrived into the queue and tell what changed."""
        arrived, self._arrived = self._arrived, []
        changes, self._changes = self._changes, Changes()
        changes.rows |= self.queue.arrive(arrived)
        return changes

    def tell(self, text: str, *, bad: bool = False) -> None:
        """Have a sentence shown."""
        self._changes.notice = Notice(text, bad)

    def retry(self) -> None:
        """Try to reach the server now rather than at the next turn."""
        self._retry.set()

    def act(
        self, verb: Verb, incidents: list[Incident], disposition: Disposition | None = None, note: str = ""
    ) -> tuple[Action, ...]:
        """Send an action on each of these incidents."""
        batch = self.outbox.act(verb, [incident.id for incident in incidents], disposition, note)
        self._sent(incident.id for incident in incidents)
        return batch

    def undo(self) -> tuple[Action, ...]:
        """Take back the last step; returns its actions, none if there is nothing to take back."""
        batch = self.outbox.undo()
        self._sent(action.incident for action in batch)
        return batch

    def undo_one(self, incident: str, action: str) -> None:
        """Take back one action of the log of an incident."""
        self.outbox.undo_one(incident, action)
        self._sent([incident])

    async def dossier(self, id: str) -> Dossier:
        """An incident with its alerts and events, from memory where its revision is known."""
        known = self.queue.incidents.get(id)
        kept = self._dossiers.get((id, known.revision)) if known else None
        if kept is not None:
            return kept
        incident, alerts, cascade = await self.backend.incident(id)
        records = await self.backend.search_events(incident.events)
        dossier = read(incident, alerts, records, cascade)
        while len(self._dossiers) >= KEPT_DOSSIERS:
            del self._dossiers[next(iter(self._dossiers))]
        if known is None or known.revision <= incident.revision:
            self._dossiers[id, incident.revision] = dossier
        return dossier

    async def follow(self) -> None:
        """Fetch the incidents, then every change, for ever; goes on after a lost connection where it was."""
        while True:
            try:
                if self._cursor is None:
                    await self._load()
                await self._watch(self._cursor or 0)
            except ImpetusError as problem:
                self._fail(problem)
            await self._pause()

    async def poll(self) -> None:
        """Ask for the status once a second, for ever."""
        while True:
            try:
                self.status = await asyncio.wait_for(self.backend.status(), PATIENCE)
                self._changes.status = True
                self._heard()
            except TimeoutError:
                pass  # the silence shows by itself, and ends with the next answer
            except ImpetusError as problem:
                self._lose(problem)
            await asyncio.sleep(POLL)

    async def deliver(self) -> None:
        """Send the actions in their order, for ever; the oldest one again until the server has answered it."""
        while True:
            command = self.outbox.head
            if command is None:
                self._outgoing.clear()
                await self._outgoing.wait()
            elif not await self._deliver(command):
                await self._pause()

    async def _load(self) -> None:
        incidents, cursor = await self.backend.list_incidents(ACTIVE, MOST_ACTIVE)
        self._arrived.extend(incidents)
        self._cursor, self.loaded, self.trouble = cursor, True, None
        self._heard()
        closed, _ = await self.backend.list_incidents(("closed",), MOST_CLOSED)
        self._arrived.extend(closed)

    async def _watch(self, cursor: int) -> None:
        stream = self.backend.watch(cursor)
        async for reached, incident in stream:
            self._arrived.append(incident)
            self._cursor = reached
            self._heard()

    async def _deliver(self, command: Command) -> bool:
        """Whether the server answered, be it with a refusal."""
        try:
            incident = await asyncio.wait_for(self._send(command), DELIVERY)
        except TimeoutError:
            return False
        except ImpetusError as problem:
            if problem.code == "api.unavailable":
                self._lose(problem)
                return False
            self.outbox.answered(command, done=False)
            self.tell(f"{command.incident}: {problem.what}. {problem.hint}".strip(), bad=True)
            self._changes.rows.add(command.incident)
            return True
        self.outbox.answered(command, done=True)
        self._arrived.append(incident)
        self._changes.rows.add(command.incident)
        return True

    async def _send(self, command: Command) -> Incident:
        return await (self.backend.undo(command) if isinstance(command, Undo) else self.backend.act(command))

    def _sent(self, incidents: Iterable[str]) -> None:
        self._changes.rows.update(incidents)
        self._outgoing.set()

    def _heard(self) -> None:
        self.link.heard(self.clock())

    def _lose(self, problem: ImpetusError) -> None:
        self.link.lose(problem)

    def _fail(self, problem: ImpetusError) -> None:
        """The incidents cannot be followed: because the server is gone, or because it answers with an error."""
        self.trouble = None if self.loaded else problem
        self._changes.status = True
        if problem.code == "api.unavailable":
            self._lose(problem)
        elif self.loaded:
            self.tell(str(problem), bad=True)

    async def _pause(self) -> None:
        """Wait a little before the next try, or until a person asks for it."""
        self._retry.clear()
        try:
            await asyncio.wait_for(self._retry.wait(), POLL / 2)
        except TimeoutError:
            return

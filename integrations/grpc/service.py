"""The calls of ``impetus.v1``, each over the ports. The store may block, so it is read in threads of the server."""

import asyncio
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from typing import Any, NoReturn, TypeVar

import grpc
import structlog

from impetus.api.failure import MAX_TEXT, metadata_of, status_of
from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.v1.impetus_pb2_grpc import ImpetusServicer
from impetus.domain.cascade import Cascade
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.incident import Incident
from impetus.domain.ports import Desk, EventQuery, Feed, Foresight, Health, Search, Steward, Store
from integrations.grpc import request as asked
from integrations.grpc.dossier import shown_alerts
from integrations.grpc.foreign import ForeignIncidents
from integrations.grpc.inquiry import Inquiry
from integrations.grpc.keys import MaskedKeys
from integrations.grpc.masking import Masking
from integrations.grpc.search import look, pages, unmasked
from integrations.grpc.translate import (
    cascade_message,
    event_message,
    incident_message,
    ledger_message,
    reload_message,
    status_message,
)
from integrations.grpc.watch import follow

CHANGES = 100
"""Changes read at once for a watcher."""

Answer = TypeVar("Answer")
Context = grpc.aio.ServicerContext[Any, Any]

_log = structlog.get_logger(__name__)


class Service(ImpetusServicer):
    """Answers the calls of clients, masked. Once ``closing`` is set, watchers end."""

    def __init__(  # noqa: PLR0913 - one of each port
        self,
        *,
        store: Store,
        desk: Desk,
        feed: Feed,
        health: Health,
        masking: Masking,
        keys: MaskedKeys,
        threads: Executor,
        foresee: Foresight = lambda _: Cascade(),
        steward: Steward | None = None,
        search: Search | None = None,
    ) -> None:
        self._steward = steward
        self._inquiry = Inquiry(search, masking, lambda masked: keys.resolve(masked, look(store, masking)))
        self._store, self._desk, self._feed, self._health = store, desk, feed, health
        self._masking, self._keys, self._threads = masking, keys, threads
        self._foreign = ForeignIncidents(store)
        self._foresee = foresee
        self.closing = asyncio.Event()

    async def WatchIncidents(  # noqa: N802 - the names of calls are the protocol's
        self, request: pb.WatchIncidentsRequest, context: Context
    ) -> AsyncIterator[pb.IncidentChange]:
        """Incidents as they are and then every change, from a cursor."""
        async with aclosing(_reported_each(context, self._watch(request.cursor))) as changes:
            async for change in changes:
                yield change

    async def ListIncidents(  # noqa: N802
        self, request: pb.ListIncidentsRequest, context: Context
    ) -> pb.ListIncidentsResponse:
        """Incidents, highest risk first."""
        return await _reported(context, self._in_thread(self._list, request))

    async def GetIncident(  # noqa: N802
        self, request: pb.GetIncidentRequest, context: Context
    ) -> pb.GetIncidentResponse:
        """An incident with its alerts."""
        return await _reported(context, self._in_thread(self._get, request))

    async def SearchEvents(  # noqa: N802
        self, request: pb.SearchEventsRequest, context: Context
    ) -> AsyncIterator[pb.Event]:
        """Events, newest first."""
        async with aclosing(_reported_each(context, self._search(request))) as events:
            async for event in events:
                yield event

    async def CountEvents(  # noqa: N802
        self, request: pb.CountEventsRequest, context: Context
    ) -> pb.CountEventsResponse:
        """How many events, over time and by the values of fields."""
        return await _reported(context, self._count(request))

    async def Act(self, request: pb.ActRequest, context: Context) -> pb.ActResponse:  # noqa: N802
        """Carry out an action of a person."""
        return await _reported(context, self._act(request))

    async def Undo(self, request: pb.UndoRequest, context: Context) -> pb.ActResponse:  # noqa: N802
        """Take an action back."""
        return await _reported(context, self._undo(request))

    async def ListLedger(  # noqa: N802
        self, request: pb.ListLedgerRequest, context: Context
    ) -> pb.ListLedgerResponse:
        """What the plan in force explains."""
        return await _reported(context, self._in_thread(self._ledger, request))

    async def Promote(self, request: pb.PromoteRequest, context: Context) -> pb.PromoteResponse:  # noqa: N802
        """Take an explanation of the plan back."""
        return await _reported(context, self._promote(request))

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.Status:  # noqa: N802
        """How the system is."""
        return await _reported(context, self._status())

    async def Reload(self, request: pb.ReloadRequest, context: Context) -> pb.ReloadResponse:  # noqa: N802
        """Put changed rules, city model and plan in force."""
        return await _reported(context, self._reload())

    async def ImportIncident(  # noqa: N802
        self, request: pb.ImportIncidentRequest, context: Context
    ) -> pb.ImportIncidentResponse:
        """Keep an incident of another installation."""
        return await _reported(context, self._bring(request))

    async def ListImported(  # noqa: N802
        self, request: pb.ListImportedRequest, context: Context
    ) -> AsyncIterator[pb.ForeignIncident]:
        """The incidents of other installations."""
        async with aclosing(_reported_each(context, self._imported(request))) as found:
            async for foreign in found:
                yield foreign

    async def _watch(self, cursor: int) -> AsyncGenerator[pb.IncidentChange]:
        newest = await self._in_thread(self._store.cursor)
        if cursor > newest:
            what = f"cursor {cursor} lies ahead of the newest change, {newest}"
            raise ImpetusError("query.invalid", what, Where(key="cursor"), "It is of another store: watch from 0.")
        changes = follow(cursor, lambda at: self._in_thread(self._changes, at), self._feed, self.closing)
        async with aclosing(changes):
            async for change in changes:
                yield change
        raise ImpetusError("api.unavailable", "the server is closing", hint="Watch again from the last cursor.")

    async def _search(self, request: pb.SearchEventsRequest) -> AsyncGenerator[pb.Event]:
        if request.query:
            answers = self._inquiry.search(request)
            while (answer := await self._in_thread(next, answers, None)) is not None:
                for event in answer:
                    yield event
            return
        query = asked.event_query(request)
        query = await self._in_thread(unmasked, query, self._store, self._masking, self._keys)
        found = self._events(query)
        while page := await self._in_thread(next, found, None):
            for event in page:
                yield event

    async def _count(self, request: pb.CountEventsRequest) -> pb.CountEventsResponse:
        steps = self._inquiry.count(request)
        answer: pb.CountEventsResponse | None = None
        while answer is None:
            answer = await self._in_thread(next, steps)
        return answer

    async def _act(self, request: pb.ActRequest) -> pb.ActResponse:
        incident = await self._desk.act(asked.action(request))
        return pb.ActResponse(incident=self._shown(incident))

    async def _undo(self, request: pb.UndoRequest) -> pb.ActResponse:
        incident = await self._desk.undo(asked.undo(request))
        return pb.ActResponse(incident=self._shown(incident))

    async def _promote(self, request: pb.PromoteRequest) -> pb.PromoteResponse:
        incident = await self._desk.promote(asked.promotion(request))
        return pb.PromoteResponse(incident=self._shown(incident) if incident is not None else None)

    async def _status(self) -> pb.Status:
        return status_message(self._health.status())

    async def _reload(self) -> pb.ReloadResponse:
        if self._steward is None:
            raise ImpetusError("action.refused", "this server cannot reload")
        return reload_message(await self._steward.reload())

    async def _bring(self, request: pb.ImportIncidentRequest) -> pb.ImportIncidentResponse:
        changed = await self._in_thread(self._foreign.bring, request.foreign)
        return pb.ImportIncidentResponse(changed=changed)

    async def _imported(self, request: pb.ListImportedRequest) -> AsyncGenerator[pb.ForeignIncident]:
        found = self._foreign.read(request.origin, request.incident_id)
        while (one := await self._in_thread(next, found, None)) is not None:
            yield one

    def _changes(self, cursor: int) -> Sequence[pb.IncidentChange]:
        changes = self._store.changes(cursor, CHANGES)
        return [pb.IncidentChange(cursor=at, incident=self._shown(incident)) for at, incident in changes]

    def _list(self, request: pb.ListIncidentsRequest) -> pb.ListIncidentsResponse:
        query = asked.incident_query(request)
        cursor = self._store.cursor()  # read first: what changes meanwhile comes twice rather than never
        found = self._store.incidents(query)
        return pb.ListIncidentsResponse(incidents=[self._shown(incident) for incident in found], cursor=cursor)

    def _get(self, request: pb.GetIncidentRequest) -> pb.GetIncidentResponse:
        id = asked.incident_id(request)
        incident = self._store.incident(id)
        if incident is None:
            raise ImpetusError("incident.unknown", f"there is no incident {id!r}")
        shown = shown_alerts(self._store, self._masking, incident)
        following = cascade_message(self._foresee(incident))
        return pb.GetIncidentResponse(incident=self._shown(incident), alerts=shown, cascade=following)

    def _ledger(self, request: pb.ListLedgerRequest) -> pb.ListLedgerResponse:
        most = asked.ledger_limit(request)
        lines = [line for line in self._store.ledger() if request.entry in ("", line.entry)]
        return pb.ListLedgerResponse(lines=[ledger_message(line) for line in lines[-most:]])

    def _events(self, query: EventQuery) -> Iterator[list[pb.Event]]:
        for page in pages(self._store, query):
            yield [event_message(stored, *self._masking.event(stored)) for stored in page]

    def _shown(self, incident: Incident) -> pb.Incident:
        return incident_message(self._masking.incident(incident))

    def _in_thread(self, work: Callable[..., Answer], *arguments: Any) -> Awaitable[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


async def _reported(context: Context, work: Awaitable[Answer]) -> Answer:
    try:
        return await work
    except Exception as error:
        await _report(context, error)


async def _reported_each(context: Context, items: AsyncGenerator[Answer]) -> AsyncGenerator[Answer]:
    try:
        async with aclosing(items):
            async for item in items:
                yield item
    except Exception as error:
        await _report(context, error)


async def _report(context: Context, error: Exception) -> NoReturn:
    """End a call with what an error says; one that is not for people goes to the log, without its text."""
    if isinstance(error, ImpetusError):
        await context.abort(status_of(error), str(error)[: 2 * MAX_TEXT], metadata_of(error))
    trace = "".join(traceback.format_tb(error.__traceback__))
    _log.error("api_call_failed", error=type(error).__name__, trace=trace)
    await context.abort(grpc.StatusCode.INTERNAL, "the server failed; its log says where")

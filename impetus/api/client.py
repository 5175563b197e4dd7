"""A client of the API for asyncio: typed calls, errors as ``ImpetusError``, a watch that outlives the connection."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

import grpc

from impetus.api.failure import error_of
from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.v1.impetus_pb2_grpc import ImpetusStub
from impetus.api.words import number
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.errors import ImpetusError, Where

DEADLINE = 10.0
"""Seconds that a call may take."""
SEARCH_DEADLINE = 60.0
"""Seconds that a search may take until its last event."""
QUERY_DEADLINE = 900.0
"""Seconds that a query may take: one that no index helps reads every block of its time."""
RELOAD_DEADLINE = 120.0
"""Seconds that a reload may take: thousands of rules are compiled, and their windows read."""
FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0
"""Seconds between attempts of a watch to go on: doubled after each that brought nothing."""

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),  # a quiet watch must notice a peer that is gone
)

_TRANSIENT = {"api.unavailable", "store.unavailable"}

Connection = Callable[[bool], None]
Message = TypeVar("Message")


class Client:
    """A connection to one server, ``unix:/path`` or ``host:port``; used as ``async with Client(address) as client``.

    Every method raises ``ImpetusError``: ``api.unavailable`` if the server does not answer in ``deadline`` seconds,
    ``query.invalid``, ``incident.unknown`` or ``action.refused`` with what is wrong and a hint.
    ``on_connection`` is called with True or False whenever the connection comes or goes, in the loop of the client.
    """

    def __init__(
        self,
        address: str,
        *,
        deadline: float = DEADLINE,
        on_connection: Connection | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.address = address
        self._deadline = deadline
        self._on_connection = on_connection
        self._jitter = jitter
        self._connected = False

    async def __aenter__(self) -> Self:
        self._channel = grpc.aio.insecure_channel(self.address, options=_OPTIONS)
        self._stub = ImpetusStub(self._channel)
        self._observer = asyncio.create_task(self._observe())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observer.cancel()
        await asyncio.gather(self._observer, return_exceptions=True)
        await self._channel.close()
        self._note(False)

    @property
    def connected(self) -> bool:
        """Whether the connection stands now."""
        return self._connected

    async def watch(self, cursor: int = 0) -> AsyncIterator[pb.IncidentChange]:
        """Every change behind a cursor, for ever; goes on from the last one after a lost connection.

        None is left out and none comes twice; of several changes of one incident in a moment only the newest comes.
        While the server does not answer it waits and tries again: ``connected`` and ``on_connection`` tell.
        """
        delay = FIRST_DELAY
        while True:
            try:
                async for change in self._stub.WatchIncidents(pb.WatchIncidentsRequest(cursor=cursor)):
                    delay, cursor = FIRST_DELAY, change.cursor
                    yield change
            except grpc.aio.AioRpcError as failed:
                error = error_of(failed, self.address)
                if error.code not in _TRANSIENT:
                    raise error from None
            await asyncio.sleep(delay * (0.5 + self._jitter() / 2))
            delay = min(delay * 2, LONGEST_DELAY)

    async def list_incidents(
        self, *, statuses: Sequence[str] = (), kind: str = "", zone: str = "", limit: int = 0
    ) -> pb.ListIncidentsResponse:
        """Incidents of these statuses (all if none), this kind and zone, highest risk first, and the cursor behind."""
        request = pb.ListIncidentsRequest(
            statuses=[number(pb.IncidentStatus, status) for status in statuses],
            kind=number(pb.IncidentKind, kind),
            zone=zone,
            limit=_natural("limit", limit),
        )
        return await self._call(self._stub.ListIncidents(request, timeout=self._deadline))

    async def incident(self, id: str) -> pb.GetIncidentResponse:
        """An incident with its alerts; a superseded id gives the one that took its place."""
        return await self._call(self._stub.GetIncident(pb.GetIncidentRequest(id=id), timeout=self._deadline))

    async def search_events(  # noqa: PLR0913 - each narrows the search, by keyword only
        self,
        *,
        entities: Sequence[str] = (),
        zone: str = "",
        start: int = 0,
        end: int = 0,
        event_ids: Sequence[str] = (),
        limit: int = 0,
        query: str = "",
    ) -> AsyncIterator[pb.Event]:
        """Events with all these entities (``device:D-214``), in a zone, ``start`` (µs) to ``end``, newest first.

        ``query`` is in the language of ``docs/search.md``; its events come as they are found.
        """
        request = pb.SearchEventsRequest(
            entities=entities,
            zone=zone,
            from_us=_natural("start", start),
            to_us=_natural("end", end),
            event_ids=event_ids,
            limit=_natural("limit", limit),
            query=query,
        )
        deadline = QUERY_DEADLINE if query else SEARCH_DEADLINE
        try:
            async for event in self._stub.SearchEvents(request, timeout=deadline):
                yield event
        except grpc.aio.AioRpcError as failed:
            raise error_of(failed, self.address) from None

    async def count_events(  # noqa: PLR0913 - each says what to count, by keyword only
        self,
        query: str,
        *,
        start: int = 0,
        end: int = 0,
        histogram: int | None = None,
        facets: Sequence[str] = (),
        top: int = 0,
    ) -> pb.CountEventsResponse:
        """How many events a query asks for; ``histogram`` is the width of a bucket in µs, 0 to have it chosen."""
        request = pb.CountEventsRequest(
            query=query,
            from_us=_natural("start", start),
            to_us=_natural("end", end),
            histogram=histogram is not None,
            histogram_us=_natural("histogram", histogram or 0),
            facets=facets,
            top=_natural("top", top),
        )
        return await self._call(self._stub.CountEvents(request, timeout=QUERY_DEADLINE))

    async def act(self, action: Action) -> pb.Incident:
        """Carry out an action. Its id is the caller's (a UUID): after ``api.unavailable`` send the same again."""
        request = pb.ActRequest(
            action_id=action.id,
            incident_id=action.incident,
            actor=action.actor,
            verb=number(pb.Verb, action.verb),
            disposition=number(pb.Disposition, action.disposition),
            note=action.note,
            targets=action.targets,
        )
        return (await self._call(self._stub.Act(request, timeout=self._deadline))).incident

    async def undo(self, undo: Undo) -> pb.Incident:
        """Take an action back; the same ``undo.id`` again changes nothing."""
        request = pb.UndoRequest(undo_id=undo.id, incident_id=undo.incident, actor=undo.actor, action_id=undo.action)
        return (await self._call(self._stub.Undo(request, timeout=self._deadline))).incident

    async def ledger(self, *, entry: str = "", limit: int = 0) -> Sequence[pb.LedgerLine]:
        """What the plan in force explains, of one entry or of all."""
        request = pb.ListLedgerRequest(entry=entry, limit=_natural("limit", limit))
        return (await self._call(self._stub.ListLedger(request, timeout=self._deadline))).lines

    async def promote(self, promotion: Promotion) -> pb.Incident:
        """Take an explanation of the plan back; the incident that the alert is in, an empty one if it is in none."""
        request = pb.PromoteRequest(
            action_id=promotion.id, event_id=promotion.event, actor=promotion.actor, note=promotion.note
        )
        return (await self._call(self._stub.Promote(request, timeout=self._deadline))).incident

    async def status(self) -> pb.Status:
        """What flows and what is wrong."""
        return await self._call(self._stub.GetStatus(pb.GetStatusRequest(), timeout=self._deadline))

    async def reload(self) -> pb.ReloadResponse:
        """Put changed rules, city model and plan in force. Raises what refuses them; then nothing has changed."""
        return await self._call(self._stub.Reload(pb.ReloadRequest(), timeout=RELOAD_DEADLINE))

    async def bring(self, foreign: pb.ForeignIncident) -> bool:
        """Import an incident of another installation; whether that changed anything."""
        request = pb.ImportIncidentRequest(foreign=foreign)
        return (await self._call(self._stub.ImportIncident(request, timeout=self._deadline))).changed

    async def imported(self, *, origin: str = "", id: str = "") -> AsyncIterator[pb.ForeignIncident]:
        """The incidents of other installations, by origin and id."""
        request = pb.ListImportedRequest(origin=origin, incident_id=id)
        try:
            async for foreign in self._stub.ListImported(request, timeout=QUERY_DEADLINE):
                yield foreign
        except grpc.aio.AioRpcError as failed:
            raise error_of(failed, self.address) from None

    async def _call(self, answer: Awaitable[Message]) -> Message:
        try:
            return await answer
        except grpc.aio.AioRpcError as failed:
            raise error_of(failed, self.address) from None

    async def _observe(self) -> None:
        """Follow the state of the channel, and keep it trying, so that it comes back without a call."""
        while True:
            state = self._channel.get_state(try_to_connect=True)
            self._note(state is grpc.ChannelConnectivity.READY)
            await self._channel.wait_for_state_change(state)

    def _note(self, connected: bool) -> None:
        if connected is not self._connected:
            self._connected = connected
            if self._on_connection is not None:
                self._on_connection(connected)


def _natural(name: str, value: int) -> int:
    if not 0 <= value < 1 << 63 or (name == "limit" and value >= 1 << 32):
        raise ImpetusError("query.invalid", f"{value} is out of range", Where(key=name))
    return value

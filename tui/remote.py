"""The backend over gRPC: ``impetus.api.client``, its messages turned into values of the domain.

The client is imported and opened at the first call, so that the console paints before it loads gRPC.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from impetus.domain.action import Action, Undo
from impetus.domain.alert import Alert
from impetus.domain.cascade import Cascade
from impetus.domain.incident import Incident
from impetus.domain.status import Status
from tui.backend import Record

if TYPE_CHECKING:
    from impetus.api.client import Client

MOST_EVENTS = 500
"""Events of one incident that are fetched to be shown."""


class Remote:
    """A ``Backend`` at an address: ``unix:/path`` or ``host:port``."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: Client | None = None
        self._opening = asyncio.Lock()

    async def list_incidents(self, statuses: Sequence[str], limit: int) -> tuple[list[Incident], int]:
        """Incidents of these statuses and the cursor to watch from."""
        client = await self._open()
        from tui import wire  # noqa: PLC0415 - imports protobuf

        answer = await client.list_incidents(statuses=statuses, limit=limit)
        return [wire.incident(message) for message in answer.incidents], answer.cursor

    async def watch(self, cursor: int) -> AsyncIterator[tuple[int, Incident]]:
        """Every change behind a cursor; the client goes on by itself after a lost connection."""
        client = await self._open()
        from tui import wire  # noqa: PLC0415

        async for change in client.watch(cursor):
            yield change.cursor, wire.incident(change.incident)

    async def incident(self, id: str) -> tuple[Incident, list[Alert], Cascade]:
        """An incident with its alerts, and what else fails with its devices."""
        client = await self._open()
        from tui import wire  # noqa: PLC0415

        answer = await client.incident(id)
        alerts = [wire.alert(message) for message in answer.alerts]
        return wire.incident(answer.incident), alerts, wire.cascade(answer.cascade)

    async def search_events(self, ids: Sequence[str]) -> list[Record]:
        """Events by id, at most ``MOST_EVENTS`` of them."""
        if not ids:
            return []
        client = await self._open()
        wanted = list(ids[:MOST_EVENTS])
        events = client.search_events(event_ids=wanted, limit=len(wanted))
        return [Record(event.id, event.time_us, event.json, event.original) async for event in events]

    async def act(self, action: Action) -> Incident:
        """Carry out an action."""
        client = await self._open()
        from tui import wire  # noqa: PLC0415

        return wire.incident(await client.act(action))

    async def undo(self, undo: Undo) -> Incident:
        """Take an action back."""
        client = await self._open()
        from tui import wire  # noqa: PLC0415

        return wire.incident(await client.undo(undo))

    async def status(self) -> Status:
        """What flows and what is wrong."""
        client = await self._open()
        from tui import wire  # noqa: PLC0415

        return wire.status(await client.status())

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._client is not None:
            await self._client.__aexit__(None, None, None)
            self._client = None

    async def _open(self) -> "Client":
        async with self._opening:
            if self._client is None:
                make = await asyncio.to_thread(_load)
                client = make(self._address)
                self._client = await client.__aenter__()
            return self._client


def _load() -> "type[Client]":
    # gRPC's core writes its log straight to the terminal, into the picture of the console.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from impetus.api.client import Client  # noqa: PLC0415 - a quarter of a second, after the first paint
    from tui import wire  # noqa: F401, PLC0415

    return Client

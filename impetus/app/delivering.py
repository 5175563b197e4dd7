"""Delivering: each sink follows the incident changes of the store at its own pace, and none delays anything else.

How far a sink is lies in the store. It moves behind what the sink has taken, so after a kill something may be
delivered again and nothing is missed.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from impetus.app.settings import SinkSettings
from impetus.app.supervision import FINAL, FIRST_PAUSE, LONGEST_PAUSE
from impetus.app.tally import Tally
from impetus.domain.batch import Commit, Key
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.keyrange import only
from impetus.domain.ports import Feed, Store
from impetus.domain.sink import Parcel, Sink

SPACE = "sink"
"""The state in which it lies how far each sink is."""
PAGE = 100
"""Changes that are delivered at once."""
GATHER = 0.2
"""Seconds that changes wait for others: one that changes all the time is not told each time."""

Make = Callable[[SinkSettings], Sink]
Render = Callable[[SinkSettings, Incident], bytes]
"""An incident as a sink is told of it, masked. May take a while; called in a thread."""


class Delivering:
    """Runs all sinks."""

    def __init__(  # noqa: PLR0913, PLR0917 - both ends, and what is between
        self, sinks: Sequence[SinkSettings], make: Make, render: Render, store: Store, feed: Feed, tally: Tally
    ) -> None:
        self._sinks, self._make, self._render = sinks, make, render
        self._store, self._feed, self._tally = store, feed, tally
        self._log = structlog.get_logger("sinks")

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for sink in self._sinks:
                tasks.create_task(self._keep(sink), name=f"sink {sink.name}")

    async def _keep(self, settings: SinkSettings) -> None:
        """Deliver to one sink; after a failure again, ever more seldom."""
        pause, loop = FIRST_PAUSE, asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                await self._follow(settings)
            except Exception as error:
                self._fail(settings, error)
                if isinstance(error, ImpetusError) and error.code in FINAL:
                    return
            if loop.time() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _follow(self, settings: SinkSettings) -> None:
        sink = self._make(settings)
        try:
            cursor = await asyncio.to_thread(self._reached, settings.name)
            async for newest in self._feed.changed():
                while cursor < newest:
                    cursor = await self._deliver(settings, sink, cursor)
                    self._tally.sinks[settings.name] = ""
                await asyncio.sleep(GATHER)
        finally:
            await sink.close()

    async def _deliver(self, settings: SinkSettings, sink: Sink, cursor: int) -> int:
        """Deliver a page of the changes behind a cursor; gives the cursor behind it, which is durable."""
        cursor, parcels = await asyncio.to_thread(self._page, settings, cursor)
        await sink.deliver(parcels)
        reached = Commit(state=((Key(SPACE, settings.name.encode()), cursor.to_bytes(8)),))
        await asyncio.to_thread(self._store.commit, reached)
        return cursor

    def _page(self, settings: SinkSettings, cursor: int) -> tuple[int, list[Parcel]]:
        newest = self._store.cursor()  # read first: what comes meanwhile is for the next page
        changes = self._store.changes(cursor, PAGE)
        parcels = [Parcel(incident.id, self._render(settings, incident)) for _, incident in changes]
        return changes[-1][0] if changes else newest, parcels

    def _reached(self, name: str) -> int:
        return int.from_bytes(dict(self._store.pieces(SPACE, [only(name.encode())])).get(name.encode(), b""))

    def _fail(self, settings: SinkSettings, error: Exception) -> None:
        if not self._tally.sinks.get(settings.name):
            known = isinstance(error, ImpetusError)
            self._log.error("sink.failed", sink=settings.name, what=str(error), exc_info=not known)
        self._tally.sinks[settings.name] = str(error) or type(error).__name__

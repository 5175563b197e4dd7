"""The indexer: brings what the journal holds into the index, in order, again and again until it is there."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from impetus.domain.errors import ImpetusError
from integrations.documents.cluster import Cluster
from integrations.documents.events import EventIndex
from integrations.documents.incidents import IncidentIndex
from integrations.documents.installation import Progress, read_progress, write_progress
from integrations.documents.journal import Journal
from integrations.documents.templates import PROGRESS

PORTION = 1_000
"""Events that are indexed at a time."""
CHANGES = 500
"""Incidents that are indexed at a time."""
QUIET = 0.5
"""Seconds until it looks by itself whether there is something to do."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
"""Seconds until it tries again, doubled each time."""


class Mark(NamedTuple):
    """How far something is: the last block, the cursor of incident changes, the last set of revisions."""

    block: int
    cursor: int
    revised: int

    def reaches(self, other: "Mark") -> bool:
        """Whether it is at least as far in all."""
        return all(mine >= theirs for mine, theirs in zip(self, other, strict=True))


class Indexer:
    """Works in one event loop until it is cancelled; ``reached`` and ``problem`` may be read from any thread."""

    def __init__(  # noqa: PLR0913, PLR0917 - the two ends, and what is between
        self, journal: Journal, cluster: Cluster, events: EventIndex, incidents: IncidentIndex, place: str,
        prepare: Callable[[], Awaitable[object]],
    ) -> None:  # fmt: skip
        """``place`` names the installation; ``prepare`` makes a cluster ready that answers anew."""
        self._journal, self._cluster, self._events, self._incidents = journal, cluster, events, incidents
        self._path, self._make_ready = f"{PROGRESS}/_doc/{place}", prepare
        self.reached = Mark(-1, -1, -1)
        """How far the index is; behind everything until that is known."""
        self.whole = 0
        """The block up to which everything that was committed is in the index."""
        self.problem = ""
        """Why nothing is indexed; empty while it works."""
        self.moved = threading.Condition()
        self._uncertain = 0
        """Up to this block events may be in the index though it is not on record."""
        self._ready = False
        self._nudged = asyncio.Event()
        self._log = structlog.get_logger("index")

    def nudge(self) -> None:
        """There is something to do. In its event loop."""
        self._nudged.set()

    def aim(self) -> Mark:
        """How far the journal is now."""
        return Mark(self._journal.newest(), self._journal.cursor(), self._journal.revised)

    async def run(self) -> None:
        """Index until cancelled. What cannot be done now is tried again, ever more seldom."""
        pause = FIRST_PAUSE
        while True:
            try:
                more = await self._step()
            except Exception as error:
                self._fail(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                pause = FIRST_PAUSE
                if not more:
                    await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(QUIET):
                await self._nudged.wait()
        except TimeoutError:
            return

    def _fail(self, error: Exception) -> None:
        if not self.problem:
            self._log.error("index.unreachable", what=str(error), exc_info=not isinstance(error, ImpetusError))
        self._ready = False
        self._note(self.reached, str(error) or type(error).__name__)

    def _note(self, reached: Mark, problem: str = "") -> None:
        with self.moved:
            if self.problem and not problem:
                self._log.info("index.goes-on", block=reached.block, behind=self._journal.newest() - reached.block)
            self.reached, self.problem = reached, problem
            self.moved.notify_all()

    async def _step(self) -> bool:
        """Index a portion of each kind; whether there may be more."""
        self._nudged.clear()
        if not self._ready:
            await self._prepare()
        aim, sets = self.aim(), self._journal.revisions()
        if self.reached.block < aim.block:
            self._note(await self._index_events(aim.block))
        if self.reached.cursor < aim.cursor:
            self._note(await self._index_incidents(aim.cursor))
        if self.reached.block >= aim.block:
            # Each was committed behind its event, so that is in the index by now.
            for number, revisions in sets:
                await self._events.revise(revisions)
                self._note(self.reached._replace(revised=number))
            self._journal.forget([number for number, _ in sets])
            self._note(self.reached._replace(revised=max(self.reached.revised, aim.revised)))
        if self.reached.reaches(aim):
            self.whole = aim.block
        return not self.reached.reaches(self.aim())

    async def _prepare(self) -> None:
        await self._make_ready()
        await self._events.prepare()
        progress, aim = await read_progress(self._cluster, self._path), self.aim()
        if progress.block > aim.block or progress.cursor > aim.cursor:
            self._log.warning("index.ahead", block=progress.block, journal=aim.block)
            progress = Progress()  # the log is another one, or an older state of it
        self._uncertain = aim.block
        self._ready = True
        self._note(Mark(progress.block, progress.cursor, self.reached.revised))

    async def _index_events(self, newest: int) -> Mark:
        before = self.reached.block
        last, entries = await asyncio.to_thread(self._journal.portion, before, newest, PORTION)
        operations = await asyncio.to_thread(self._events.operations, entries)
        if operations:
            await self._events.write(entries, operations, uncertain=before < self._uncertain)
        return await self._record(self.reached._replace(block=last))

    async def _index_incidents(self, newest: int) -> Mark:
        changes = self._journal.changes(self.reached.cursor, CHANGES)
        await self._incidents.put(changes)
        cursor = changes[-1][0] if len(changes) == CHANGES else newest
        return await self._record(self.reached._replace(cursor=cursor))

    async def _record(self, reached: Mark) -> Mark:
        await write_progress(self._cluster, self._path, Progress(reached.block, reached.cursor))
        return reached

"""The runner of one box: one writer thread takes batches and actions in order, steps the correlator, and commits.

It is the ``Intake`` of the collectors, the ``Desk`` and the ``Feed`` of the API. ``accept``, ``act`` and ``undo``
return when what they brought is durable. While the store refuses (disk full), it keeps the commit and tries again;
nothing is taken in meanwhile, so the sources feel the back-pressure.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from correlator.arrival import MAX_RECORD
from correlator.city import CityModel
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.tally import Tally
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.batch import Batch, Commit, Reject
from impetus.domain.condition import Condition
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.ports import Clock, Store

MAX_STEP = 10_000
"""So many events at most in one step: it bounds memory and the time until an action is heard."""
MAX_WAITING = 50_000
"""While so many events wait, ``accept`` waits."""
QUIET = 1.0
"""Seconds without events after which a step looks at the wall clock: a quiet source becomes idle."""
RETRY = 1.0
"""Seconds between tries of a commit that the store refused."""
LAST = 2.0
"""Seconds at the end in which what waits is still taken in."""


T = TypeVar("T")


class Runner:
    """Runs one correlator over one store. ``make`` builds it from what the store holds, anew where a step failed."""

    def __init__(self, make: Callable[[], Correlator], store: Store, clock: Clock, tally: Tally) -> None:
        self._make, self._store, self._clock, self._tally = make, store, clock, tally
        self._correlator = make()
        store.commit(self._correlator.begin())
        self._positions = dict(store.positions())
        self._cursor = store.cursor()
        self._waiting: deque[tuple[Batch, asyncio.Future[None]]] = deque()
        self._lines = 0
        self._room = asyncio.Condition()
        self._arrived = asyncio.Event()
        self._moved = asyncio.Condition()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._ending = False
        self._log = structlog.get_logger("runner")

    @property
    def city(self) -> CityModel:
        """The city model in force."""
        return self._correlator.city

    # --- Intake

    async def accept(self, batch: Batch) -> None:
        """Take a batch; returns when it is durable."""
        async with self._room:
            await self._room.wait_for(lambda: self._lines < MAX_WAITING)
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((batch, done))
            self._lines += len(batch.lines) + 1
        self._arrived.set()
        await done

    def position(self, source: str) -> bytes | None:
        """The position that was last made durable for a source."""
        return self._positions.get(source)

    async def report(self, source: str, down: bool, reason: str) -> None:
        """Put it on record that the collector of a source is down, or up again; durable when it returns."""
        loop = asyncio.get_running_loop()
        batch = await loop.run_in_executor(
            self._writer, lambda: self._correlator.report(source, down, reason, self._clock())
        )
        if batch is not None:
            await self.accept(batch)

    @property
    def waiting(self) -> int:
        """How many records were handed over and are not durable yet."""
        return sum(len(batch.lines) for batch, _ in list(self._waiting))

    def conditions(self) -> dict[tuple[str, str], int]:
        """Kind and subject of the conditions that are on record as holding, with since when (µs)."""
        return self._correlator.conditions()

    async def tell(self, condition: Condition, holds: bool) -> None:
        """Put it on record that a condition of Impetus itself was raised or cleared; durable when it returns."""
        loop = asyncio.get_running_loop()
        batch = await loop.run_in_executor(self._writer, lambda: self._correlator.tell(condition, holds, self._clock()))
        if batch is not None:
            await self.accept(batch)

    # --- Desk

    async def act(self, action: Action) -> Incident:
        """Carry out an action; durable when it returns. Raises ``ImpetusError``."""
        return await self._on_writer(lambda: self._command(lambda now: self._correlator.act(action, now)))

    async def undo(self, undo: Undo) -> Incident:
        """Take an action back; durable when it returns. Raises ``ImpetusError``."""
        return await self._on_writer(lambda: self._command(lambda now: self._correlator.undo(undo, now)))

    async def promote(self, promotion: Promotion) -> Incident | None:
        """Take an explanation of the plan back; durable when it returns. Raises ``ImpetusError``."""
        return await self._on_writer(lambda: self._promote(promotion))

    def _promote(self, promotion: Promotion) -> Incident | None:
        incident, commit = self._correlator.promote(promotion, self._clock())
        if commit.controls:
            self._write(commit)
        return incident

    def _command(self, command: Callable[[int], tuple[Incident, Commit]]) -> Incident:
        incident, commit = command(self._clock())
        if commit.incidents:
            self._write(commit)
        return incident

    async def reload(self, setup: Setup) -> Correlator:
        """Go on with another set-up from the next step on, durably; the one in force stays if it cannot be used.

        The correlator takes up the state that the steps so far have left, so each event meets one set-up.
        """
        return await self._on_writer(lambda: self._exchange(setup))

    def _exchange(self, setup: Setup) -> Correlator:
        correlator = self._correlator.succeed(setup)
        self._write(correlator.begin())
        self._make, self._correlator = lambda: Correlator(setup, self._store), correlator
        return correlator

    async def _on_writer(self, call: Callable[[], T]) -> T:
        found = await asyncio.get_running_loop().run_in_executor(self._writer, call)
        await self._announce()
        return found

    # --- Feed

    async def changed(self) -> AsyncIterator[int]:
        """Yields the newest cursor whenever it moved."""
        seen = -1
        while True:
            async with self._moved:
                await self._moved.wait_for(lambda: self._cursor != seen)  # noqa: B023 - waited for right here
                seen = self._cursor
            yield seen

    async def _announce(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    # --- the loop

    async def run(self) -> None:
        """Step until cancelled; then what waits is still made durable, as far as that goes quickly."""
        try:
            while True:
                await self._wait()
                await self._step()
        finally:
            self._ending = True
            await self._drain()

    async def _drain(self) -> None:
        """Take in what waits, for a while. What is left was not acknowledged: its sources bring it again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST
        try:
            while self._waiting and loop.time() < until:
                await asyncio.shield(self._step())
        except ImpetusError as error:
            self._log.error("stop.unwritten", code=error.code, what=error.what)
        if self._waiting:
            self._log.warning("stop.left", records=self.waiting)

    async def _wait(self) -> None:
        # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with what is waited for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET):
                await self._arrived.wait()

    async def _step(self) -> None:
        batches, futures = self._next()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writer, self._advance, batches)
        except Exception as error:
            for done in futures:
                if not done.done():
                    done.set_exception(error)
            raise
        for done in futures:
            if not done.done():
                done.set_result(None)
        await self._release(sum(len(batch.lines) + 1 for batch in batches))
        await self._announce()

    def _next(self) -> tuple[list[Batch], list[asyncio.Future[None]]]:
        """As many waiting batches as fit in a step; at least one, if any waits."""
        batches: list[Batch] = []
        futures: list[asyncio.Future[None]] = []
        size = 0
        while self._waiting and (not batches or size + len(self._waiting[0][0].lines) <= MAX_STEP):
            batch, done = self._waiting.popleft()
            size += len(batch.lines)
            batches.append(batch)
            futures.append(done)
        if not self._waiting:
            self._arrived.clear()
        return batches, futures

    async def _release(self, lines: int) -> None:
        async with self._room:
            self._lines -= lines
            self._room.notify_all()

    # --- on the writer thread

    def _advance(self, batches: list[Batch]) -> None:
        heard = self._clock()
        try:
            self._finish(batches, self._correlator.step(batches, heard), heard)
        except Exception as error:
            if isinstance(error, ImpetusError) and error.code.startswith("store."):
                raise
            self._log.exception("step.failed", events=sum(len(batch.lines) for batch in batches))
            self._isolate(batches, heard)

    def _finish(self, batches: list[Batch], commit: Commit, heard: int) -> None:
        self._write(commit)
        self._positions.update(dict(commit.positions))
        self._tally.count(batches, commit, heard)
        self._tally.watermark = self._correlator.clock.now
        self._tally.notices = self._correlator.notices()
        self._tally.measure(self._correlator.vitals)
        self._tally.written()

    def _isolate(self, batches: list[Batch], heard: int) -> None:
        """A step failed by a defect of ours: take its events one by one, and reject what fails again."""
        self._correlator = self._make()
        for batch in batches:
            for line in batch.lines:
                one = [Batch(batch.source, (line,))]
                try:
                    commit = self._correlator.step(one, heard)
                except Exception as error:
                    self._log.exception("event.rejected", source=batch.source)
                    self._correlator = self._make()
                    reject = Reject(batch.source, "event.malformed", repr(error)[:500], "", line[:MAX_RECORD])
                    commit = Commit(rejects=(reject,))
                self._finish(one, commit, heard)
            # The position moves last: a kill between brings events again that are known by their ids.
            positions = ((batch.source, batch.position),) if batch.position is not None else ()
            self._finish([], Commit(rejects=batch.rejects, positions=positions), heard)

    def _write(self, commit: Commit) -> None:
        """Commit; while the store is not available, try again: the correlator is ahead of it until then."""
        while True:
            try:
                self._cursor = self._store.commit(commit)
            except ImpetusError as error:
                if error.code != "store.unavailable":
                    raise
                self._tally.refused = error.what
                self._log.error("store.unavailable", what=error.what, hint=error.hint)
                if self._ending:
                    raise
                time.sleep(RETRY)
            else:
                self._correlator.committed()
                return

    def close(self) -> None:
        """Stop the writer thread."""
        self._writer.shutdown()

"""The runner of one box: one writer thread takes batches and actions in order and steps the correlator.

It is the ``Intake`` of the collectors, the ``Desk`` and the ``Feed`` of the API. ``accept``, ``act`` and ``undo``
return when what they brought is durable. One step is made durable while the next one is made, on a thread of its own;
if it cannot be, what was made on top of it counts for nothing and is made anew. While the store refuses (disk full),
it keeps the commit and tries again; nothing is taken in meanwhile, so the sources feel the back-pressure.
Each source has a queue of its own, and each step takes a fair part of every one: a flood delays nobody else for long.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import msgspec
import structlog

from correlator.arrival import MAX_RECORD
from correlator.setup import Setup
from correlator.worker import QUIET, Correlator
from impetus.app.announcing import Announcer
from impetus.app.following import FollowingStore
from impetus.app.queueing import FairQueue, Portion, abandoned
from impetus.app.stride import Stride
from impetus.app.tally import Tally
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.batch import Batch, Commit, Reject
from impetus.domain.condition import Condition
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.instant import SECOND
from impetus.domain.ports import Clock, Store

REFUSALS = {"store.unavailable", "store.damaged"}
"""Errors of a commit after which it is tried again: reading goes on meanwhile, and a restart would not mend them."""
RETRY = 1.0
"""Seconds between tries of a commit that the store refused."""
LAST = 2.0
"""Seconds at the end in which what waits is still taken in."""


T = TypeVar("T")


class Handed(NamedTuple):
    """A step on its way to the disk."""

    batches: list[Batch]
    heard: int
    done: "Future[None]"


class Runner:
    """Runs one correlator over one store. ``make`` builds it from what a store holds, anew where a step failed."""

    def __init__(self, make: Callable[[Store], Correlator], store: Store, clock: Clock, tally: Tally) -> None:
        self._store, self._clock, self._tally = store, clock, tally
        self._following = FollowingStore(store)
        self._make = make
        self._correlator = make(self._following)
        self._handed: Handed | None = None
        """The step that may not be durable yet; of the writer thread."""
        self._concluding: asyncio.Task[None] | None = None
        store.commit(self._correlator.begin())
        self._positions = dict(store.positions())
        self._cursor = store.cursor()
        self._queue, self._stride = FairQueue(), Stride()
        self._announcer = Announcer(lambda: self._cursor)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._ending = False
        self._log = structlog.get_logger("runner")
        tally.measure(self._correlator.vitals)

    @property
    def correlator(self) -> Correlator:
        """The correlator in force."""
        return self._correlator

    # --- Intake

    async def accept(self, batch: Batch) -> None:
        """Take a batch; returns when it is durable. Those of one source are taken in the order of the calls."""
        await (await self._queue.put(batch))

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
        return self._queue.events

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
        self._settle()
        incident, commit = self._correlator.promote(promotion, self._clock())
        if commit.controls:
            self._write(commit)
        return incident

    def _command(self, command: Callable[[int], tuple[Incident, Commit]]) -> Incident:
        self._settle()
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
        self._settle()
        correlator = self._correlator.succeed(setup)
        self._write(correlator.begin())
        self._make, self._correlator = lambda store: Correlator(setup, store), correlator
        return correlator

    async def _on_writer(self, call: Callable[[], T]) -> T:
        if self._tally.refused:  # it would wait for room with everything else
            raise ImpetusError("store.unavailable", self._tally.refused, hint="Nothing was done; try again then.")
        found = await asyncio.get_running_loop().run_in_executor(self._writer, call)
        await self._announcer.announce()
        return found

    # --- Feed

    def changed(self) -> AsyncIterator[int]:
        """Yields the newest cursor whenever it moved."""
        return self._announcer.changed()

    # --- the loop

    async def run(self) -> None:
        """Step until cancelled; then what waits is still made durable, as far as that goes quickly."""
        try:
            while True:
                await self._queue.arrival(QUIET / SECOND)
                await self._step(self._queue.take(self._stride.events))
        except Exception as error:
            self._refuse(error)
            raise
        finally:
            self._ending = True
            await self._drain()

    async def _drain(self) -> None:
        """Take in what waits, for a while. What is left was not acknowledged: its sources bring it again, or it counts
        as shed."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST
        try:
            while self._queue and loop.time() < until:
                await asyncio.shield(self._step(self._queue.take(self._stride.events)))
            if self._queue:
                await asyncio.shield(self._step(self._left()))
            if self._concluding is not None:
                await asyncio.shield(self._concluding)
        except ImpetusError as error:
            self._log.error("stop.unwritten", code=error.code, what=error.what)

    def _left(self) -> list[Portion]:
        """What was not taken in until the end: of what cannot come again, the count."""
        batches = [portion.batch for portion in self._queue.rest()]
        self._log.warning("stop.left", records=sum(len(batch.lines) for batch in batches))
        return [Portion(abandoned(batch), None) for batch in batches if batch.fleeting]

    async def _step(self, portions: list[Portion]) -> None:
        if self._concluding is not None and self._concluding.done():
            self._concluding.result()
        batches = [portion.batch for portion in portions]
        futures = [portion.done for portion in portions if portion.done is not None]
        before, loop = self._concluding, asyncio.get_running_loop()
        step = loop.run_in_executor(self._writer, self._advance, batches)
        self._concluding = asyncio.create_task(self._conclude(before, step, batches, futures))
        await asyncio.wait((step,))

    async def _conclude(
        self,
        before: "asyncio.Task[None] | None",
        step: "asyncio.Future[Future[None]]",
        batches: list[Batch],
        futures: list[asyncio.Future[None]],
    ) -> None:
        """Tell who waits for a step that it is durable, in the order of the steps."""
        try:
            await self._durable(await step)
            if before is not None:
                await before
        except Exception as error:
            for done in futures:
                # At the end it is left to its source, which brings it again.
                if not (done.done() or self._ending):
                    done.set_exception(error)
            raise
        for done in futures:
            if not done.done():
                done.set_result(None)
        self._queue.release(batches)
        await self._announcer.announce()

    async def _durable(self, commit: "Future[None]") -> None:
        """Wait for a commit; where it could not be made, for what is made of its events one by one."""
        try:
            await asyncio.wrap_future(commit)
        except Exception:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._settle)

    def _refuse(self, error: Exception) -> None:
        """The end: whoever still waits is told why."""
        for portion in self._queue.rest():
            if portion.done is not None and not portion.done.done():
                portion.done.set_exception(error)

    # --- on the writer thread

    def _advance(self, batches: list[Batch]) -> "Future[None]":
        """Step, and hand over what follows; gives when it is durable."""
        heard = self._clock()
        try:
            commit = self._correlator.step(batches, heard)
        except Exception as error:
            if _is_of_the_store(error):
                raise
            if not self._settle():
                return self._advance(batches)
            self._log.exception("step.failed", events=_size(batches))
            return self._isolate(batches, heard)
        self._stride.learn(_size(batches), self._clock() - heard)
        if not self._settle():
            return self._advance(batches)
        done = self._hand_over(batches, commit, heard)
        self._handed = Handed(batches, heard, done)
        self._correlator.committed()
        return done

    def _settle(self) -> bool:
        """Wait for the step that was handed over last. False: it could not be, and its events were taken one by one;
        the correlator is another one then."""
        handed = self._handed
        error = handed.done.exception() if handed is not None else None
        if handed is not None and error is not None:
            if _is_of_the_store(error):
                raise error
            self._log.error("step.failed", events=_size(handed.batches), exc_info=error)
            self._isolate(handed.batches, handed.heard)
        # Kept until here: whoever asks again after a failure gets it again.
        self._handed = None
        return error is None

    def _hand_over(self, batches: list[Batch], commit: Commit, heard: int) -> "Future[None]":
        watermark, notices = self._correlator.clock.now, self._correlator.notices()
        # Here, for the correlator belongs to this thread: while it waits for what is handed over it holds its windows.
        self._tally.measure(self._correlator.vitals)

        def finish() -> None:
            self._commit(commit)
            self._positions.update(dict(commit.positions))
            self._tally.count(batches, commit, heard)
            self._tally.watermark, self._tally.notices = watermark, notices
            self._tally.written()

        return self._following.hand_over(finish)

    def _isolate(self, batches: list[Batch], heard: int) -> "Future[None]":
        """A step failed by a defect of ours: take its events one by one, and reject what fails again."""
        self._correlator = self._make(self._following)
        for batch in batches:
            for line in batch.lines:
                one = [Batch(batch.source, (line,))]
                try:
                    self._finish(one, self._correlator.step(one, heard), heard)
                except Exception as error:
                    if _is_of_the_store(error):
                        raise
                    self._log.exception("event.rejected", source=batch.source)
                    self._correlator = self._make(self._following)
                    reject = Reject(batch.source, "event.malformed", repr(error)[:500], "", line[:MAX_RECORD])
                    self._finish(one, self._note(Batch(batch.source, (), rejects=(reject,)), heard), heard)
            # The position moves last: a kill between brings events again that are known by their ids.
            self._finish([], self._note(msgspec.structs.replace(batch, lines=()), heard), heard)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def _note(self, batch: Batch, heard: int) -> Commit:
        """The step of a batch without events; if even that fails, the little that has to be kept of it."""
        try:
            return self._correlator.step([batch], heard)
        except Exception as error:
            if _is_of_the_store(error):
                raise
            self._correlator = self._make(self._following)
            positions = ((batch.source, batch.position),) if batch.position is not None else ()
            return Commit(rejects=batch.rejects, positions=positions)

    def _finish(self, batches: list[Batch], commit: Commit, heard: int) -> None:
        self._hand_over(batches, commit, heard).result()
        self._correlator.committed()

    def _write(self, commit: Commit) -> None:
        self._following.hand_over(lambda: self._commit(commit)).result()
        self._correlator.committed()

    # --- on the committing thread

    def _commit(self, commit: Commit) -> None:
        """Commit; while the store refuses, try again: the correlator is ahead of it until then."""
        while True:
            try:
                self._cursor = self._store.commit(commit)
            except ImpetusError as error:
                if error.code not in REFUSALS:
                    raise
                self._tally.refused = error.what
                self._log.error(error.code, what=error.what, hint=error.hint)
                if self._ending:
                    raise
                time.sleep(RETRY)
            else:
                return

    def close(self) -> None:
        """Stop the threads; what was handed over is durable then."""
        self._writer.shutdown()
        self._following.stop()


def _is_of_the_store(error: BaseException) -> bool:
    """Whether no event is to blame."""
    return isinstance(error, ImpetusError) and error.code.startswith("store.")


def _size(batches: list[Batch]) -> int:
    return sum(len(batch.lines) for batch in batches)

"""The runner in front of a cluster: what the collectors bring goes to Kafka, and what comes of it is followed.

It stands where the ``Runner`` of one box stands: ``Intake`` of the collectors, ``Desk`` and ``Feed`` of the API. The
store is that of one box, too, and holds the same afterwards; but it follows the lane, and others may do so beside it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import structlog

from correlator.city import CityModel
from correlator.cluster.rounds import Answer, Report, Standing, Telling
from correlator.control import command_control
from correlator.setup import Setup
from correlator.worker import QUIET
from impetus.app.announcing import Announcer
from impetus.app.cluster.access import make_access, make_layout
from impetus.app.cluster.follower import Follower
from impetus.app.cluster.joining import join
from impetus.app.cluster.processes import Processes
from impetus.app.cluster.rounds import Extra, RoundMaker
from impetus.app.cluster.setups import Setups
from impetus.app.queueing import FairQueue, Portion
from impetus.app.settings import Settings
from impetus.app.tally import Tally
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.batch import Batch, Control
from impetus.domain.condition import Condition
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.incident import Incident
from impetus.domain.instant import SECOND
from impetus.domain.ports import Clock, Store
from impetus.domain.status import Notice
from integrations.kafka.sending import Sender, Sending
from integrations.kafka.topics import make_topics

MOST = 5_000
"""Events that one round takes of what waits."""
RETRY = 1.0
"""Seconds between two tries of a round that the brokers did not take."""
LAG = 30
"""Seconds by which the lane may lag before people are told."""
PATIENCE = 60.0
"""Seconds that the lane gets to answer."""


class View:
    """What is known here of the correlator in the lane."""

    def __init__(self, city: CityModel) -> None:
        self.city = city
        self.standing: Standing | None = None

    @property
    def settled(self) -> int | None:
        """The event time before which nothing can change any more."""
        return self.standing.settled if self.standing is not None else None

    @property
    def restarted(self) -> tuple[str, ...]:
        """Titles of correlations that mean something else since the set-up in force."""
        return self.standing.restarted if self.standing is not None else ()

    @property
    def gone(self) -> tuple[str, ...]:
        """Ids of correlations that are no more since the set-up in force."""
        return self.standing.gone if self.standing is not None else ()


class ClusterRunner:
    """Sends rounds and follows the lane. ``run`` does both, and keeps the workers of this machine running."""

    def __init__(self, settings: Settings, setup: Setup, store: Store, clock: Clock, tally: Tally) -> None:
        access = make_access(settings)
        self._clock, self._tally, self._began = clock, tally, clock()
        self._maker = RoundMaker(make_topics(access, make_layout(settings)))
        place = join(access, store, setup.controls)
        self._sender, self._setups = Sender(access, settings.cluster.node), Setups(access)
        self._positions = self._sender.positions()
        self._number = self._setups.publish(setup.controls, self._sender)
        self.correlator = View(setup.city)
        self.follower = Follower(access, store, place, tally)
        names = [f"{settings.cluster.node}-{number + 1}" for number in range(settings.cluster.workers)]
        self.workers = Processes(settings, names)
        self._ending = False
        self._queue, self._extra = FairQueue(), Extra()
        self._noted: list[asyncio.Future[None]] = []
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._announcer = Announcer(lambda: self.follower.cursor)
        self._sending = ThreadPoolExecutor(1, thread_name_prefix="sender")
        self._following = ThreadPoolExecutor(1, thread_name_prefix="follower")
        self._log = structlog.get_logger("runner")

    # --- Intake

    async def accept(self, batch: Batch) -> None:
        """Take a batch; returns when the brokers have it. Those of one source are taken in the order of the calls."""
        await (await self._queue.put(batch))

    def position(self, source: str) -> bytes | None:
        """The position that was last committed for a source."""
        return self._positions.get(source)

    async def report(self, source: str, down: bool, reason: str) -> None:
        """Put it on record that the collector of a source is down, or up again; the brokers have it when it returns."""
        self._extra.reports.append(Report(source, down, reason))
        await self._note()

    @property
    def waiting(self) -> int:
        """How many records were handed over and are not with the brokers yet."""
        return self._queue.events

    def conditions(self) -> dict[tuple[str, str], int]:
        """Kind and subject of the conditions that are on record as holding, with since when (µs)."""
        standing = self.correlator.standing
        return {(kind, subject): since for kind, subject, since in standing.conditions} if standing else {}

    async def tell(self, condition: Condition, holds: bool) -> None:
        """Put it on record that a condition was raised or cleared; the brokers have it when it returns."""
        self._extra.tellings.append(Telling(condition, holds))
        await self._note()

    async def _note(self) -> None:
        noted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._noted.append(noted)
        self._queue.wake()
        await noted

    # --- Desk

    async def act(self, action: Action) -> Incident:
        """Carry out an action; durable when it returns. Raises ``ImpetusError``."""
        return _found(await self._command(command_control(action, self._clock())))

    async def undo(self, undo: Undo) -> Incident:
        """Take an action back; durable when it returns. Raises ``ImpetusError``."""
        return _found(await self._command(command_control(undo, self._clock())))

    async def promote(self, promotion: Promotion) -> Incident | None:
        """Take an explanation of the plan back; durable when it returns. Raises ``ImpetusError``."""
        return await self._command(command_control(promotion, self._clock()))

    async def _command(self, control: Control) -> Incident | None:
        """Send a command, and wait until what came of it is in the store here, too."""
        waiting = self._answers.get(control.version)
        if waiting is None:
            waiting = self._answers[control.version] = asyncio.get_running_loop().create_future()
            self._extra.commands.append(control)
            self._queue.wake()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await asyncio.shield(waiting)
        except TimeoutError:
            what, hint = (
                "the lane does not answer",
                "It is carried out as soon as a worker runs; the same again is safe",
            )
            raise ImpetusError("cluster.unavailable", what, Where(key="worker"), hint) from None
        finally:
            self._answers.pop(control.version, None)
        if answer.refusal is not None:
            refusal = answer.refusal
            raise ImpetusError(refusal.code, refusal.what, Where(key=refusal.key), refusal.hint)
        return answer.incident

    async def reload(self, setup: Setup) -> View:
        """Go on with another set-up; returns when the lane has it in force. Raises ``ImpetusError``."""
        loop = asyncio.get_running_loop()
        number = await loop.run_in_executor(self._sending, self._setups.publish, setup.controls, self._sender)
        self._number = number
        self._queue.wake()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._announcer.wait_for(lambda: self._in_force() >= number)
        except TimeoutError:
            raise ImpetusError("cluster.unavailable", "the lane does not answer", Where(key="worker")) from None
        self.correlator.city = setup.city
        return self.correlator

    def _in_force(self) -> int:
        return self.correlator.standing.setup if self.correlator.standing is not None else 0

    # --- Feed

    def changed(self) -> AsyncIterator[int]:
        """Yields the newest cursor whenever it moved."""
        return self._announcer.changed()

    # --- the loops

    async def run(self) -> None:
        """Send, follow and keep workers until cancelled; then what waits is still sent."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.workers.run(), name="workers")
                tasks.create_task(self._follow(), name="follow")
                tasks.create_task(self._send(), name="send")
        except* ImpetusError as errors:
            raise errors.exceptions[0] from None
        finally:
            self._ending = True
            if not self._tally.refused:
                await asyncio.shield(self._send_round(self._queue.rest()))

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            answers, standing = await loop.run_in_executor(self._following, self.follower.step)
            for answer in answers:
                waiting = self._answers.get(answer.command)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
            if standing is not None:
                self.correlator.standing = standing
            self._tally.notices = (*self._said(), *self._behind())
            await self._announcer.announce()

    def _said(self) -> tuple[Notice, ...]:
        return self.correlator.standing.notices if self.correlator.standing is not None else ()

    def _behind(self) -> Iterator[Notice]:
        """That the lane lags: nothing is lost then, but what people see is old."""
        behind = (self._clock() - max(self.follower.heard, self._began)) // SECOND
        if behind > LAG:
            hint = "See whether workers run, on every machine, and whether they keep up"
            yield Notice("cluster.unavailable", "lane", f"what came in the last {behind} s is not taken in yet", hint)

    async def _send(self) -> None:
        while True:
            await self._queue.arrival(QUIET / SECOND)
            await asyncio.shield(asyncio.ensure_future(self._send_round(self._queue.take(MOST))))

    async def _send_round(self, portions: list[Portion]) -> None:
        """Send what is in portions, again and again until the brokers have it, and tell those who wait for it."""
        extra, self._extra = self._extra, Extra()
        noted, self._noted = self._noted, []
        batches = [portion.batch for portion in portions]
        loop = asyncio.get_running_loop()
        for sending in list(self._maker.make(batches, extra, self._clock(), self._number)):
            if not await loop.run_in_executor(self._sending, self._keep_trying, sending):
                return  # it was not acknowledged: its sources bring it again
            self._positions.update(dict(sending.positions))
        self._queue.release(batches)
        for done in [*noted, *(portion.done for portion in portions if portion.done is not None)]:
            if not done.done():
                done.set_result(None)

    def _keep_trying(self, sending: Sending) -> bool:
        """Send until the brokers have it; nothing is taken in meanwhile, so the sources feel the back-pressure. False
        at the end, when they do not.
        """
        while True:
            try:
                self._sender.send(sending)
            except ImpetusError as error:
                self._tally.refused = error.what
                self._log.error(error.code, what=error.what)
                if self._ending:
                    return False
                time.sleep(RETRY)
            else:
                self._tally.refused = ""
                return True

    def close(self) -> None:
        """Stop the threads."""
        self.follower.end()
        self._sending.shutdown()
        self._following.shutdown()
        self.follower.close()


def _found(incident: Incident | None) -> Incident:
    assert incident is not None  # noqa: S101 - an action and an undo have an incident
    return incident

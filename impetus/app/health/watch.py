"""The watch: looks at the running system every few seconds, and puts what ails it on record as events of the log.

It tells of a condition once when it has held for a while, and once when it has been over for a while; and of so many
an hour at most, whatever happens. So what it tells cannot become a flood of its own.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import structlog

from impetus.app.health.examination import Limits, examine
from impetus.app.health.reading import Reading
from impetus.domain.condition import Condition
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import SECOND

EVERY = 2.0
"""Seconds between two looks."""
HOLD = 10 * SECOND
"""A condition that has held for so long (µs) is told."""
REST = 120 * SECOND
"""A condition that has not held for so long (µs) is over."""
HOUR = 3600 * SECOND
MOST_AN_HOUR = 60
"""So many conditions at most are told in an hour."""
TOLD = frozenset(
    {
        "source_shedding",
        "watermark_stalled",
        "disk_filling",
        "store_refusing",
        "store_damaged",
        "rule_flooding",
        "rule_failing",
        "clock_skewed",
        "index_unreachable",
        "sink_unreachable",
    }
)
"""The kinds that are told. Collectors are told of by supervision. What is told while nothing can be written waits, and
is on record as soon as there is room."""

Key = tuple[str, str]
Tell = Callable[[Condition, bool], Awaitable[None]]
"""Puts on record, durably, that a condition was raised (or cleared: false)."""


class Holding(msgspec.Struct):
    """A condition as it was last seen, since when it holds, and when it was last seen (µs)."""

    condition: Condition
    since: int
    seen: int


class Watch:
    """Watches one system. ``told`` is what was on record as holding when it began, by kind and subject."""

    def __init__(self, read: Callable[[], Reading], limits: Limits, tell: Tell, told: Iterable[Key] = ()) -> None:
        self._read, self.limits, self._tell = read, limits, tell
        self._told: set[Key] = {key for key in told if key[0] in TOLD}
        self._over: dict[Key, int] = {}
        """When what was told was last seen, or began not to be (µs)."""
        self._holding: dict[Key, Holding] = {}
        self._raised: deque[int] = deque()
        self._telling: asyncio.Task[None] | None = None
        self.reading = Reading(0)
        """The newest reading."""
        self._log = structlog.get_logger("health")

    @property
    def conditions(self) -> list[tuple[Condition, int]]:
        """What holds now, with since when (µs), worst first."""
        holding = sorted(self._holding.values(), key=lambda one: not one.condition.late)
        return [(one.condition, one.since) for one in holding if one.seen == self.reading.now]

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(EVERY)
        finally:
            if self._telling is not None:
                self._telling.cancel()

    async def look(self) -> None:
        """Look once. What is to be told is told beside it: the store may refuse for long, and probes ask meanwhile."""
        reading = await asyncio.to_thread(self._read)
        self.take(reading)
        if self._telling is None or self._telling.done():
            changes = self.due(reading.now)
            self._telling = asyncio.create_task(self._tell_all(changes), name="self-alerts") if changes else None

    def take(self, reading: Reading) -> None:
        """Take a reading in."""
        self.reading = reading
        for condition in examine(reading, self.limits):
            known = self._holding.get(condition.key)
            since = known.since if known is not None else reading.now
            self._holding[condition.key] = Holding(condition, since, reading.now)
            self._over[condition.key] = reading.now
        for key, holding in list(self._holding.items()):
            if reading.now - holding.seen > REST:
                del self._holding[key]

    def due(self, now: int) -> list[tuple[Condition, bool]]:
        """What is to be told now: that a condition was raised, or cleared (false)."""
        for key in self._told:
            self._over.setdefault(key, now)
        over = [key for key in sorted(self._told) if now - self._over[key] > REST]
        cleared = [(Condition(kind, subject, "it is over"), False) for kind, subject in over]
        return cleared + [(one.condition, True) for one in self._fresh(now)]

    def _fresh(self, now: int) -> list[Holding]:
        while self._raised and self._raised[0] < now - HOUR:
            self._raised.popleft()
        held = (one for one in self._holding.values() if one.seen == now and one.seen - one.since >= HOLD)
        fresh = [one for one in held if one.condition.kind in TOLD and one.condition.key not in self._told]
        return fresh[: MOST_AN_HOUR - len(self._raised)]

    async def _tell_all(self, changes: list[tuple[Condition, bool]]) -> None:
        for condition, holds in changes:
            try:
                await self._tell(condition, holds)
            except ImpetusError as error:
                self._log.error("condition.untold", code=error.code, what=str(error))
                return  # told at a later look
            self._note(condition, holds)

    def _note(self, condition: Condition, holds: bool) -> None:
        event = "condition.raised" if holds else "condition.cleared"
        self._log.warning(event, kind=condition.kind, subject=condition.subject, reason=condition.reason)
        if holds:
            self._told.add(condition.key)
            self._raised.append(self.reading.now)
        else:
            self._told.discard(condition.key)
            self._over.pop(condition.key, None)

"""Retaining: what is older than the settings allow is removed while everything runs, in small steps, once an hour."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import structlog

from impetus.app.settings import RetentionSettings
from impetus.app.tally import Tally
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import parse_span
from impetus.domain.ports import Clock
from impetus.domain.retention import CLASSES, Cutoffs, DataClass, Removed, Retention

FIRST = 600.0
"""Seconds after the start until the first sweep: a clock that is wrong after booting is right by then."""
EVERY = 3_600.0
"""Seconds between sweeps."""
PAUSE = 0.02
"""Seconds at least between two steps of a sweep."""
SHARE = 3
"""After a step, so many times what it took is left to others."""
FOREVER = "forever"


def kept_for(settings: RetentionSettings, kind: DataClass) -> int | None:
    """How long a class is kept (µs); None is for ever."""
    span: str = getattr(settings, kind)
    return None if span == FOREVER else parse_span(span)


def cutoffs_of(settings: RetentionSettings, now: int, settled: int | None) -> Cutoffs:
    """Before when each class goes at a wall clock (µs). ``settled``: the event time before which nothing changes.

    While event time is far behind, as in a replay of old records, what comes of them stays.
    """

    def cutoff(kind: DataClass) -> int | None:
        keep = kept_for(settings, kind)
        return None if keep is None or settled is None else min(now - keep, settled)

    return Cutoffs(**{kind: cutoff(kind) for kind in CLASSES}, settled=settled)


class Retaining:
    """Sweeps a store. ``settled`` gives the event time before which nothing changes any more."""

    def __init__(
        self,
        settings: RetentionSettings,
        store: Retention,
        settled: Callable[[], int | None],
        clock: Clock,
        tally: Tally,
    ) -> None:
        self.settings = settings
        """What holds; another one counts from the next sweep on."""
        self._store, self._settled, self._clock, self._tally = store, settled, clock, tally
        self._log = structlog.get_logger("retention")

    async def run(self) -> None:
        """Mark and sweep until cancelled."""
        await self._guarded(self._mark)
        await asyncio.sleep(FIRST)
        while True:
            await self._guarded(self._mark)
            await self._guarded(self.sweep)
            await asyncio.sleep(EVERY)

    async def sweep(self) -> None:
        """Remove all that is due. Raises ``ImpetusError``; what was removed by then is."""
        now, loop = self._clock(), asyncio.get_running_loop()
        steps = self._store.sweep(cutoffs_of(self.settings, now, self._settled()), now)
        removed: dict[DataClass, int] = {}
        while True:
            begun = loop.time()
            step = await asyncio.to_thread(_next, steps)
            if step is None:
                break
            self._tally.remove(step)
            removed[step.kind] = removed.get(step.kind, 0) + step.count
            await asyncio.sleep(max(PAUSE, SHARE * (loop.time() - begun)))
        if any(removed.values()):
            self._log.info("retention.swept", **{kind: count for kind, count in removed.items() if count})

    async def _mark(self) -> None:
        await asyncio.to_thread(self._store.mark, self._clock())

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """What fails is tried again with the next sweep; nothing else depends on it."""
        try:
            await work()
        except ImpetusError as error:
            self._log.error("retention.failed", code=error.code, what=str(error))
        except Exception:
            self._log.exception("retention.failed")


def _next(steps: Iterator[Removed]) -> Removed | None:
    return next(steps, None)

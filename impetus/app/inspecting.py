"""Inspecting: after an end that was not orderly the store is looked through while everything runs, a little at a time.

What is found damaged is told as whatever is: by the log, ``GetStatus``, ``impetus doctor`` and a self-alert.
"""

import asyncio
from collections.abc import Iterator

import structlog

from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Inspected

FIRST = 30.0
"""Seconds after the start until it begins: what waits at the sources comes first."""
PAUSE = 0.02
"""Seconds at least between two pieces."""
SHARE = 9
"""After a piece, so many times what it took is left to others."""


class Inspecting:
    """Looks through a store once."""

    def __init__(self, store: Inspected, first: float = FIRST) -> None:
        self._store, self._first = store, first
        self._log = structlog.get_logger("inspection")

    async def run(self) -> None:
        """Look through all of it. What fails ends it: nothing else depends on it."""
        await asyncio.sleep(self._first)
        try:
            pieces = await self._look()
        except ImpetusError as error:
            self._log.error("inspection.failed", code=error.code, what=str(error))
        except Exception:
            self._log.exception("inspection.failed")
        else:
            self._log.info("inspection.done", pieces=pieces)

    async def _look(self) -> int:
        loop, steps, count = asyncio.get_running_loop(), self._store.inspect(), 0
        begun = loop.time()
        while await asyncio.to_thread(_advance, steps):
            count += 1
            await asyncio.sleep(max(PAUSE, SHARE * (loop.time() - begun)))
            begun = loop.time()
        return count


def _advance(steps: Iterator[None]) -> bool:
    for _ in steps:
        return True
    return False

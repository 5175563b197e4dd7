"""Supervision: each source runs on its own; one that fails is started again after a while and stops no other.

That a collector went down, and that it runs again, is put on record: while it is down, absences prove nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from impetus.app.settings import SourceSettings
from impetus.app.tally import Tally
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Collector

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before the first restart of a source, doubled each time up to the longest."""
STEADY = 10.0
"""Seconds after which a collector that was down counts as up again, if it still runs."""
FINAL = {"plugin.unknown", "plugin.missing-extra", "settings.invalid", "settings.unknown-key"}
"""Errors that a restart does not mend."""

Make = Callable[[SourceSettings], Collector]
Report = Callable[[str, bool, str], Awaitable[None]]
"""Takes on record that the collector of a source is down or up, with the reason; what is known already is left out."""


async def unrecorded(source: str, down: bool, reason: str) -> None:
    """Keeps no record of collectors."""


class Supervisor:
    """Runs the collectors of all sources."""

    def __init__(
        self, sources: Sequence[SourceSettings], make: Make, tally: Tally, report: Report = unrecorded
    ) -> None:
        self.sources = sources
        self._make, self._tally, self._report = make, tally, report
        self._log = structlog.get_logger("supervisor")
        for source in sources:
            tally.states[source.name] = ("waiting", "")

    async def run(self) -> None:
        """Run all sources side by side; returns when all are at their end."""
        async with asyncio.TaskGroup() as tasks:
            for source in self.sources:
                tasks.create_task(self.keep(source), name=source.name)

    async def keep(self, source: SourceSettings) -> None:
        """Run one source until it is at its end, again after a failure that may pass."""
        pause, loop = FIRST_PAUSE, asyncio.get_running_loop()
        begun = loop.time()
        while (problem := await self.attempt(source)) is not None and _code(problem) not in FINAL:
            if loop.time() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE  # it ran well for a while
            self._log.info("source.waiting", source=source.name, again_in=pause)
            await asyncio.sleep(pause)
            pause, begun = min(pause * 2, LONGEST_PAUSE), loop.time()

    async def attempt(self, source: SourceSettings) -> Exception | None:
        """Run one source until it is at its end; returns what it raised, if it did not end well."""
        problem = await self._once(source)
        if problem is None:
            self._tally.states[source.name] = ("finished", "")
        else:
            self._tally.states[source.name] = ("failed", str(problem))
            self._log.error("source.failed", source=source.name, code=_code(problem), what=str(problem))
            await self._report(source.name, True, str(problem))
        return problem

    async def _once(self, source: SourceSettings) -> Exception | None:
        try:
            collector = self._make(source)
            self._tally.states[source.name] = ("running", "")
            self._log.info("source.started", source=source.name, kind=source.kind)
            await self._watch(source, collector)
        except Exception as error:
            if not isinstance(error, ImpetusError):
                self._log.exception("source.crashed", source=source.name)
            return error
        return None

    async def _watch(self, source: SourceSettings, collector: Collector) -> None:
        """Run a collector; once it has run for a while, or has come to its end well, it is up."""
        running = asyncio.ensure_future(collector.run())
        try:
            done, _ = await asyncio.wait({running}, timeout=STEADY)
            if not done:
                await self._report(source.name, False, "runs again")
            await running
        finally:
            running.cancel()
            await asyncio.wait({running})  # it may have to say what it could not hand over
        if done:
            await self._report(source.name, False, "came to its end")


def _code(problem: Exception) -> str:
    return problem.code if isinstance(problem, ImpetusError) else type(problem).__name__

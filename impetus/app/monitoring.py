"""Monitoring: the watch over the running system, and where it shows what it sees: probes, metrics, self-alerts."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import structlog

from impetus.app.health.examination import Limits
from impetus.app.health.reading import Instruments
from impetus.app.health.watch import Watch
from impetus.app.metrics.catalogue import Moment
from impetus.app.metrics.listener import Listener, Probes
from impetus.app.metrics.otlp import Exporter
from impetus.app.running import Running
from impetus.app.settings import HealthSettings, MetricsSettings, Settings
from impetus.app.tally import Tally
from impetus.domain.instant import SECOND, parse_span
from impetus.domain.ports import Clock, Store


class Monitoring:
    """Watches a runner and its store. ``start``, then ``stop``; ``lives`` says whether the program still steps."""

    def __init__(  # noqa: PLR0913, PLR0917 - what is watched, and what says how
        self, settings: Settings, runner: Running, store: Store, tally: Tally, clock: Clock, lives: Callable[[], bool]
    ) -> None:
        path: Path = settings.path(settings.store.path)
        instruments = Instruments(tally, store, path, clock, lambda: runner.waiting)
        self.watch = Watch(instruments.read, make_limits(settings.health), runner.tell, runner.conditions())
        self._settings, self._lives = settings.metrics, lives
        self.listener = self._make_listener(settings.metrics)
        self._exporter: Exporter | None = None
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("health")

    async def start(self) -> None:
        """Look, listen and send, as the settings say. Raises ``ImpetusError``."""
        await self.watch.look()
        if self.listener is not None:
            await self.listener.start()
        if self._settings.otlp is not None:
            every = parse_span(self._settings.every) / SECOND
            self._exporter = Exporter(self._settings.otlp, every, self._moment)
        self._task = asyncio.create_task(self._watch(), name="health")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.listener is not None:
            await self.listener.stop()
        if self._exporter is not None:
            await asyncio.to_thread(self._exporter.stop)

    def _make_listener(self, settings: MetricsSettings) -> Listener | None:
        if settings.listen is None:
            return None
        from impetus.app.metrics.exposition import Exposition  # noqa: PLC0415 - few need it at a start

        probes = Probes(Exposition(self._moment).write, self._lives, lambda: self.watch.conditions)
        return Listener(settings.listen, probes)

    def _moment(self) -> Moment:
        return Moment(self.watch.reading, tuple(condition for condition, _ in self.watch.conditions))

    async def _watch(self) -> None:
        """A defect of ours in looking must not stop what is looked at."""
        while True:
            try:
                await self.watch.run()
            except Exception:
                self._log.exception("watch.failed")
                await asyncio.sleep(1)


def make_limits(settings: HealthSettings) -> Limits:
    """The limits that settings give."""
    return Limits(settings.disk, parse_span(settings.lag), settings.flood)

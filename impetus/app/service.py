"""The running system on one box: store, runner, API and sources, started and stopped in order."""

import asyncio
import contextlib
import os
import secrets
from pathlib import Path

import structlog

from correlator.city.cascade import cascade, devices_of
from correlator.search import Searcher
from correlator.worker import Correlator
from impetus.app.monitoring import Monitoring
from impetus.app.plugins import make_collector, make_store
from impetus.app.reloading import Reloading, unusable
from impetus.app.runner import Runner
from impetus.app.settings import Settings
from impetus.app.supervision import Supervisor
from impetus.app.tally import Tally
from impetus.app.wiring import make_setup, wall_clock
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.personal import Masker
from integrations.grpc.server import Server

KEY_BYTES = 32


class Service:
    """Everything of one box. ``start``, then ``sources.run``, then ``stop``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = structlog.get_logger("service")
        setup, self.problems = make_setup(settings)
        for problem in self.problems:
            event = "plan.draft" if problem.code == "plan.draft" else "rule.unusable"
            self._log.warning(event, code=problem.code, where=str(problem.where), what=problem.what)
        path = settings.path(settings.store.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.store = make_store(settings.store.kind, path)
        self.tally = Tally(self.store, wall_clock)
        self.tally.problems = unusable(self.problems)
        self.runner = Runner(lambda store: Correlator(setup, store), self.store, wall_clock, self.tally)
        self.reloading = Reloading(settings, setup, self.runner, self.tally)
        masker = Masker(masking_key(path))
        self.server = Server(
            self.store,
            self.runner,
            self.runner,
            self.tally,
            masker,
            settings.address,
            foresee=lambda incident: cascade(self.runner.city, devices_of(incident)),
            steward=self.reloading,
            search=Searcher(self.store, lambda: self.runner.city, wall_clock),
        )
        self.sources = Supervisor(
            settings.sources,
            lambda source: make_collector(source, settings.folder, settings.file, self.runner, wall_clock),
            self.tally,
            self.runner.report,
        )
        self._loop: asyncio.Task[None] | None = None
        self.monitoring = Monitoring(settings, self.runner, self.store, self.tally, wall_clock, self.steps)

    def steps(self) -> bool:
        """Whether the runner goes on."""
        return self._loop is not None and not self._loop.done()

    async def start(self) -> None:
        """Start to step and to serve."""
        self._loop = asyncio.create_task(self.runner.run(), name="runner")
        await self.monitoring.start()
        await self.server.start()
        self._log.info("service.started", address=self.server.address, sources=len(self._settings.sources))

    async def run(self) -> None:
        """Run the sources until all are at their end; raises what ends the runner."""
        sources = asyncio.create_task(self.sources.run(), name="sources")
        try:
            await self.watch(sources)
        finally:
            sources.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sources

    async def watch(self, task: asyncio.Task[None]) -> None:
        """Wait for a task, or for the end of the runner, whichever comes first."""
        assert self._loop is not None  # noqa: S101 - started
        await asyncio.wait({task, self._loop}, return_when=asyncio.FIRST_COMPLETED)
        for done in (self._loop, task):
            if done.done():
                done.result()

    async def stop(self) -> None:
        """Stop in order: no new calls, what waits made durable, the store released."""
        await self.monitoring.stop()
        await self.server.stop()
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
        self.runner.close()
        self.store.close()
        self._log.info("service.stopped")


def masking_key(store: Path) -> bytes:
    """The key of this installation's pseudonyms: a file beside the store that only its owner can read."""
    path = store.with_suffix(".key")
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    except FileExistsError:
        pass
    except OSError as error:
        raise ImpetusError("store.unavailable", error.strerror or str(error), Where(str(path))) from None
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ImpetusError(
            "store.damaged", "the masking key is not whole", Where(str(path)), "Restore it from a backup"
        )
    return key

"""The running system on one box: store, runner, API and sources, started and stopped in order."""

import asyncio
import contextlib
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import structlog

from correlator.city.cascade import cascade, devices_of
from correlator.search import Searcher
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app import logs
from impetus.app.cluster.place import leave
from impetus.app.delivering import Delivering, Render
from impetus.app.inspecting import Inspecting
from impetus.app.keys import masking_key
from impetus.app.monitoring import Monitoring, make_limits
from impetus.app.plugins import cluster_parts, index_parts, is_index, make_collector, make_sink, make_store
from impetus.app.reloading import Reloading, unusable
from impetus.app.retaining import Retaining
from impetus.app.runner import Runner
from impetus.app.running import Running
from impetus.app.settings import Settings, SinkSettings
from impetus.app.supervision import Supervisor
from impetus.app.tally import Tally
from impetus.app.wiring import make_setup, wall_clock
from impetus.domain.incident import Incident
from impetus.domain.personal import Masker
from impetus.domain.ports import Inspected, Store
from impetus.domain.retention import Retention

if TYPE_CHECKING:
    from integrations.grpc.server import Server

SERVER = "integrations.grpc.server"


class Service:
    """Everything of one box. ``start``, then ``run``, then ``stop``; or ``begin``, and ``serve`` beside ``run``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = structlog.get_logger("service")
        path = settings.path(settings.store.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        setup, self.problems = make_setup(settings, keep=True)
        for problem in self.problems:
            event = "plan.draft" if problem.code == "plan.draft" else "rule.unusable"
            self._log.warning(event, code=problem.code, where=str(problem.where), what=problem.what)
        key = masking_key(path)
        self._index = index_parts().make_index(settings, path, key) if is_index(settings.store.kind) else None
        self.store: Store = self._index.journal if self._index else make_store(settings.store.kind, path)
        self._key = key
        self._renderer: Render | None = None
        self._searched: Store = self._index or self.store
        self.tally = Tally(self.store, wall_clock)
        self.tally.problems = unusable(self.problems)
        if self._index is not None:
            index = self._index
            self.tally.indexing = lambda: (index.problem, index.behind)
        self.runner = self._make_runner(setup)
        self.reloading = Reloading(settings, setup, self.runner, self.tally, self._apply)
        self._server: Server | None = None
        self.sources = Supervisor(
            settings.sources,
            lambda source: make_collector(source, settings.folder, settings.file, self.runner, wall_clock),
            self.tally,
            self.runner.report,
        )
        self._loop: asyncio.Task[None] | None = None
        self.monitoring = Monitoring(settings, self.runner, self.store, self.tally, wall_clock, self.steps)
        self.retaining: Retaining | None = None
        if isinstance(self.store, Retention):
            self.retaining = Retaining(
                settings.retention, self.store, lambda: self.runner.correlator.settled, wall_clock, self.tally
            )
        self._sweeping: asyncio.Task[None] | None = None
        self._inspecting: asyncio.Task[None] | None = None
        make = partial(make_sink, folder=settings.folder, file=settings.file)
        self.delivering = Delivering(settings.sinks, make, self._render, self.store, self.runner, self.tally)
        self._telling: asyncio.Task[None] | None = None

    def _make_runner(self, setup: Setup) -> Running:
        if self._settings.cluster.broker is not None:
            clustered = cluster_parts().ClusterRunner
            behind: Running = clustered(self._settings, setup, self.store, wall_clock, self.tally)
            return behind
        leave(self.store)
        return Runner(lambda store: Correlator(setup, store), self.store, wall_clock, self.tally)

    def _apply(self, settings: Settings) -> None:
        """Put in force what of changed settings can change at any time."""
        logs.set_up(settings.log)
        self.monitoring.watch.limits = make_limits(settings.health)
        if self.retaining is not None:
            self.retaining.settings = settings.retention

    def steps(self) -> bool:
        """Whether the runner goes on."""
        return self._loop is not None and not self._loop.done()

    async def start(self) -> None:
        """Start to step and to serve."""
        await self.begin()
        await self.serve()

    async def begin(self) -> None:
        """Start to step."""
        self._loop = asyncio.create_task(self.runner.run(), name="runner")
        await self.monitoring.start()
        if self.retaining is not None:
            self._sweeping = asyncio.create_task(self.retaining.run(), name="retention")
        if isinstance(self.store, Inspected) and self.store.unclean:
            self._inspecting = asyncio.create_task(Inspecting(self.store).run(), name="inspection")
        self._telling = asyncio.create_task(self.delivering.run(), name="sinks")

    async def serve(self) -> None:
        """Open the API. The sources need not wait for it: it takes long to import. Raises ``ImpetusError``."""
        await asyncio.to_thread(import_module, SERVER)
        self._server = self._make_server()
        await self._server.start()
        self._log.info("service.started", address=self.server.address, sources=len(self._settings.sources))

    @property
    def server(self) -> "Server":
        """The API, once it serves."""
        assert self._server is not None  # noqa: S101 - served
        return self._server

    def _make_server(self) -> "Server":
        server: Server = import_module(SERVER).Server(
            self._searched,
            self.runner,
            self.runner,
            self.tally,
            Masker(self._key),
            self._settings.address,
            foresee=lambda incident: cascade(self.runner.correlator.city, devices_of(incident)),
            steward=self.reloading,
            search=Searcher(self._searched, lambda: self.runner.correlator.city, wall_clock),
        )
        return server

    def _render(self, sink: SinkSettings, incident: Incident) -> bytes:
        if self._renderer is None:
            from impetus.app.rendering import renderer  # noqa: PLC0415 - takes long to import, and few have sinks

            self._renderer = renderer(self.store, self._key)
        return self._renderer(sink, incident)

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
        beside = {task for task in (self._sweeping, self._inspecting, self._telling) if task is not None}
        for task in beside:
            task.cancel()
        if beside:
            await asyncio.wait(beside)
        # Each may wait for others a little: side by side, so that the whole ends within five seconds.
        await asyncio.gather(self.monitoring.stop(), *([self._server.stop()] if self._server else []))
        if self._loop is not None:
            self._loop.cancel()
            # If it failed, whoever watches it is told; the store is closed all the same.
            await asyncio.wait({self._loop})
        self.runner.close()
        (self._index or self.store).close()
        self._log.info("service.stopped")

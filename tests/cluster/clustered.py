"""A city on a cluster: a sender, workers as processes of their own, a store that follows; and one box beside it.

One box is brought what the log of the cluster holds, in the order of its clocks: the two must come to the same.
"""

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "app"))

from load import records

from correlator.cluster.merging import Merge
from correlator.cluster.rounds import Codec, Round
from correlator.control import setup_of
from correlator.worker import QUIET, Correlator
from impetus.app.cluster.access import make_access
from impetus.app.cluster.runner import ClusterRunner
from impetus.app.cluster.setups import Setups
from impetus.app.settings import Settings, read_settings
from impetus.app.tally import Tally
from impetus.app.wiring import make_setup, wall_clock
from impetus.domain.alert import Alert
from impetus.domain.batch import Batch
from impetus.domain.incident import Incident
from impetus.domain.ports import IncidentQuery, Store
from integrations.embedded.store import EmbeddedStore
from integrations.kafka.reading import read_all

LOAD_RULES = Path(__file__).parents[1] / "app" / "load_rules.yml"


class State(msgspec.Struct):
    """What a store holds that has to be the same: the ids of its log in any order, and all that follows."""

    ids: list[str]
    incidents: dict[str, Incident]
    alerts: dict[str, Alert]
    ledger: set[tuple[str, str]]

    @classmethod
    def of(cls, store: Store) -> "State":
        ids = sorted(json.loads(line)["event"]["id"] for block in store.log() for line in block)
        found = store.incidents(IncidentQuery(limit=1_000_000))
        alerts = store.alerts(sorted({id for one in found for id in one.alert_ids}))
        ledger = {(line.event, line.rule) for line in store.ledger()}
        return cls(ids, {one.id: one for one in found}, {one.id: one for one in alerts}, ledger)


class City:
    """An installation in a folder: its settings, the runner and the store behind it."""

    def __init__(
        self, folder: Path, address: str, name: str, lines: str = "", workers: int = 2, broker: str = ""
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if not lines:
            shutil.copyfile(LOAD_RULES, folder / "rules.yml")
            lines = '[rules]\npaths = ["rules.yml"]\n'
        (folder / "impetus.toml").write_text(
            f'{lines}[log]\nlevel = "warning"\n'
            f'[cluster]\nbroker.hosts = ["{address}"]\n{broker}name = "{name}"\npartitions = 3\nworkers = {workers}\n'
        )
        self.settings: Settings = read_settings(folder / "impetus.toml")
        self.setup, _ = make_setup(self.settings)
        self.store = EmbeddedStore(folder / "impetus.db", durable=False)
        self.runner = ClusterRunner(self.settings, self.setup, self.store, wall_clock, Tally(self.store, wall_clock))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.runner.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self.runner.close()

    async def caught_up(self, patience: float = 120.0) -> float:
        """Wait until the store has all that is with the brokers now; the seconds that it took."""
        loop = asyncio.get_running_loop()
        began, clock = loop.time(), wall_clock()
        while self.runner.follower.heard < clock:
            assert loop.time() - began < patience, "the lane does not catch up"
            await asyncio.sleep(0.1)
        return loop.time() - began

    def one_box(self, store: EmbeddedStore | None = None) -> State:
        """What one box makes of the log of this cluster, from the beginning or from where a store is."""
        return one_box(self.settings, store)


def one_box(settings: Settings, store: EmbeddedStore | None = None, until: int | None = None) -> State:
    """What one box makes of the log of a cluster up to a clock (µs), from the beginning or from where a store is."""
    setups = Setups(make_access(settings))
    with contextlib.closing(EmbeddedStore.in_memory()) if store is None else contextlib.nullcontext(store) as store:
        correlator, stepped, number = None, 0, 0
        for clock, rounds in merged(settings):
            if until is not None and clock > until:
                break
            if max(one.setup for one in rounds) > number:
                number = max(one.setup for one in rounds)
                setup = setup_of(setups.find(number))
                correlator = Correlator(setup, store) if correlator is None else correlator.succeed(setup)
                store.commit(correlator.begin())
            assert correlator is not None
            batches = [*told(correlator, rounds, clock), *(batch for one in rounds for batch in one.batches)]
            if batches or clock - stepped >= QUIET:
                stepped = clock
                store.commit(correlator.step(batches, clock))
                correlator.committed()
        return State.of(store)


def told(correlator: Correlator, rounds: list[Round], clock: int) -> Iterator[Batch]:
    """What Impetus told of itself in rounds, as far as it was news."""
    for one in rounds:
        news = [correlator.report(told.source, told.down, told.reason, clock) for told in one.reports]
        news += [correlator.tell(told.condition, told.holds, clock) for told in one.tellings]
        yield from (batch for batch in news if batch is not None)


def merged(settings: Settings) -> Iterator[tuple[int, list[Round]]]:
    """The rounds of the log, in the order of their clocks."""
    access, codec, partitions = make_access(settings), Codec(), settings.cluster.partitions
    merge = Merge[Round](partitions)
    for partition in range(partitions):
        for message in read_all(access, access.events, partition):
            one = codec.decode(message.value(), Round)
            merge.put(partition, message.offset(), one.heard, one)
    yield from merge.ready()


class Feed:
    """Brings a load of two sources, as fast as it is told to, and remembers what was acknowledged."""

    def __init__(self, runner: ClusterRunner, seed: int, size: int = 20) -> None:
        self._runner, self._size = runner, size
        self._lines = {name: finished(records(seed, name, 0.1), name) for name in ("doors", "gates")}
        self.ids: list[str] = []

    async def run(self, pause: float) -> None:
        """Bring batches of both until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for source in self._lines:
                tasks.create_task(self._bring(source, pause))

    async def _bring(self, source: str, pause: float) -> None:
        while True:
            await self.bring(source)
            await asyncio.sleep(pause)

    async def bring(self, source: str) -> None:
        """Bring one batch; what was begun is completed."""
        events = list(islice(self._lines[source], self._size))
        lines = tuple(json.dumps(event).encode() for event in events)
        done = asyncio.ensure_future(self._runner.accept(Batch(source, lines, str(len(self.ids)).encode())))
        try:
            await asyncio.shield(done)
        finally:
            await done
            self.ids += [event["event"]["id"] for event in events]


def finished(lines: Iterator[bytes], source: str) -> Iterator[dict[str, Any]]:
    """Records as a collector hands them on."""
    for number, line in enumerate(lines):
        event = json.loads(line)
        event["event"] |= {"id": f"{source}-{number}", "provider": source}
        yield event

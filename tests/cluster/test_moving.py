"""From one box into a cluster and back: what the box held goes on there, and who does not belong there is refused."""

import asyncio
import json
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from clustered import City, State
from confluent_kafka import Producer

from correlator.cluster.rounds import Codec, MatchedRound
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.cluster.joining import join
from impetus.app.cluster.place import Place, leave, read_place
from impetus.app.runner import Runner
from impetus.app.settings import read_settings
from impetus.app.tally import Tally
from impetus.app.wiring import make_setup, wall_clock
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError
from impetus.domain.kafka import KafkaAccess
from integrations.embedded.store import EmbeddedStore
from integrations.kafka.access import LANE_KEY, Access
from integrations.kafka.founding import read_founding
from integrations.kafka.reading import read_all
from integrations.kafka.topics import Layout, make_topics

DEMO = Path(__file__).parents[2] / "examples" / "demo" / "oslo-17-may"
OSLO = f'[city]\nmodel = "{DEMO}/city.yml"\nplan = "{DEMO}/plan.yml"\n'


@pytest.fixture(scope="module")
def day() -> list[Batch]:
    """The Oslo day, event by event."""
    events = [json.loads(line) for line in (DEMO / "events.ndjson").read_bytes().splitlines()]
    events.sort(key=lambda event: event["event"]["created"])
    return [Batch(e["event"]["provider"], (json.dumps(e).encode(),), e["event"]["id"].encode()) for e in events]


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    file = tmp_path_factory.mktemp("settings") / "impetus.toml"
    file.write_text(OSLO)
    return make_setup(read_settings(file))[0]


async def bring(store: EmbeddedStore, setup: Setup, batches: list[Batch]) -> None:
    """Bring batches to one box."""
    runner = Runner(lambda of: Correlator(setup, of), store, wall_clock, Tally(store, wall_clock))
    task = asyncio.create_task(runner.run())
    for batch in batches:
        await runner.accept(batch)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    runner.close()


def begun(folder: Path, setup: Setup, batches: list[Batch]) -> tuple[Path, Path]:
    """The store of one box that was brought batches, and a copy of it."""
    store, copy = folder / "city" / "impetus.db", folder / "copy.db"
    store.parent.mkdir()
    with closing(EmbeddedStore(store, durable=False)) as one:
        asyncio.run(bring(one, setup, batches))
    shutil.copyfile(store, copy)
    return store, copy


def state_of(path: Path) -> set[tuple[str, bytes, bytes]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT space, key, value FROM state"))


def test_half_a_day_on_one_box_goes_on_with_two_workers_and_back_again(
    tmp_path: Path, kafka_address: str, setup: Setup, day: list[Batch]
) -> None:
    half, name = len(day) // 2, f"moved-{uuid4().hex[:8]}"
    path, copy = begun(tmp_path, setup, day[:half])
    city = City(path.parent, kafka_address, name, OSLO)
    assert city.runner.position(day[half - 1].source) == day[half - 1].position

    async def run() -> None:
        async with city.running():
            for batch in day[half - 3 : -5]:
                await city.runner.accept(batch)
            await city.caught_up()

    asyncio.run(run())
    with closing(EmbeddedStore(copy, durable=False)) as expected:
        assert State.of(city.store) == city.one_box(expected)
        assert len(State.of(city.store).incidents) == 3
        assert city.store.counts()["duplicates"] == expected.counts()["duplicates"] == 3
        assert state_of(path) == state_of(copy)
        # Back: the store is that of one box, and follows no more.
        leave(city.store)
        clock = wall_clock()
        for store in (city.store, expected):
            correlator = Correlator(setup, store)
            store.commit(correlator.begin())
            store.commit(correlator.step(day[-5:], clock))
        assert State.of(city.store) == State.of(expected)
    city.store.close()
    with pytest.raises(ImpetusError, match="another past"):
        City(path.parent, kafka_address, name, OSLO)


@pytest.fixture
def access(kafka_address: str) -> Access:
    """A cluster that nobody has founded."""
    access = Access(KafkaAccess(hosts=(kafka_address,)), f"founded-{uuid4().hex[:8]}")
    make_topics(access, Layout(1))
    return access


def test_who_is_killed_while_founding_does_it_again(
    tmp_path: Path, access: Access, setup: Setup, day: list[Batch]
) -> None:
    killed = Producer(access.producer("founding"))
    killed.init_transactions()
    killed.begin_transaction()
    killed.produce(access.matched, b"half of it", LANE_KEY, partition=0)
    killed.flush()
    path, copy = begun(tmp_path, setup, day[:10])
    with closing(EmbeddedStore(path)) as store:
        place = join(access, store, setup.controls)
        # Killed behind the founding, before anything was followed.
        assert join(access, store, setup.controls) == place == read_place(store)
    parts = [Codec().decode(message.value(), MatchedRound) for message in read_all(access, access.matched)]
    inherited = [part.inherited for part in parts if part.inherited is not None]
    assert sum(len(part.heads) for part in inherited if not part.lines) == 10
    assert read_founding(access) == (place.cluster, True)
    assert {message.key().decode() for message in read_all(access, access.positions)} == {b.source for b in day[:10]}
    for other in (EmbeddedStore(copy), EmbeddedStore.in_memory()):
        with closing(other), pytest.raises(ImpetusError) as refused:
            join(access, other, setup.controls)
        assert refused.value.code == "cluster.other-past"


def test_of_several_nodes_one_founds_the_cluster(
    tmp_path: Path, access: Access, setup: Setup, day: list[Batch]
) -> None:
    path, copy = begun(tmp_path, setup, day[:5])

    def attempt(file: Path) -> Place | ImpetusError:
        with closing(EmbeddedStore(file)) as store:
            try:
                return join(access, store, setup.controls)
            except ImpetusError as error:
                return error

    with ThreadPoolExecutor() as threads:
        found = list(threads.map(attempt, (path, copy)))
    assert [type(one) for one in found].count(Place) == 1
    assert len(list(read_all(access, access.setups))) == 1

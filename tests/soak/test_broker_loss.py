"""Two brokers that hold every record twice, one of which is lost for good in mid-load: the cluster goes on."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from clustered import City, Feed, State

from deploy.devstack import kafka
from deploy.devstack.failure import MissingError
from deploy.devstack.stack import Stack

TWICE = "offsets.topic.replication.factor=2\ntransaction.state.log.replication.factor=2\n"
SECOND = """\
node.id=2
process.roles=broker
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{{client}}
"""


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[list[Stack]]:
    """The first is the controller, too."""
    first, second = (Stack(tmp_path / name, bound=True) for name in ("first", "second"))
    try:
        _more(first, TWICE)
        first.start("kafka")
        ports = json.loads((first.folder / kafka.NAME / "ports.json").read_text())
        _more(second, TWICE + SECOND.format(**ports))
        second.start("kafka")
        yield [first, second]
    except MissingError as error:
        pytest.skip(str(error))
    finally:
        for stack in (first, second):
            stack.stop(grace=1)


def _more(stack: Stack, lines: str) -> None:
    home = stack.folder / kafka.NAME
    home.mkdir(parents=True)
    (home / kafka.MORE).write_text(lines)


@pytest.mark.soak
async def test_a_broker_that_is_lost_for_good_costs_nothing(tmp_path: Path, brokers: list[Stack]) -> None:
    addresses = [stack.check()["kafka"] for stack in brokers]
    city = City(tmp_path / "city", '", "'.join(addresses), "twice", broker="replicas = 2\n")
    feed = Feed(city.runner, 1)
    async with city.running():
        for source in ("doors", "gates"):
            await feed.bring(source)
        await city.caught_up()
        load = asyncio.create_task(feed.run(0.05))
        await asyncio.sleep(3)
        brokers[1].stop("kafka", grace=0.0)
        lost = len(feed.ids)
        while len(feed.ids) < lost + 2_000:
            await asyncio.sleep(0.2)
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        seconds = await city.caught_up()
    sys.stdout.write(f"{lost} events before, {len(feed.ids)} in all, caught up after {seconds:.1f} s\n")
    found = State.of(city.store)
    assert found.ids == sorted(feed.ids)
    assert found == await asyncio.to_thread(city.one_box)

"""Kill workers, and the broker itself, in mid-load, again and again, and compare what is left with one box.

python tests/cluster/cluster_kills.py --kills 60 --broker-kills 5 --seed 1
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from pathlib import Path

import msgspec
from clustered import City, Feed, State

from deploy.devstack.stack import Stack

AWAY = 2.0
"""Seconds that the broker is away, besides those that it takes to start."""


class Report(msgspec.Struct):
    """What was survived."""

    kills: dict[str, int]
    broker_kills: int
    events: int
    duplicates: int
    """Events that were sent again because the answer of the broker was lost; one box leaves them out, too."""
    restarts: int
    caught_up: list[float]
    """Seconds from the return of who was killed until the store had what the brokers had then, the longest first."""
    sent: list[str]
    found: State
    expected: State

    def hold(self) -> None:
        """Nothing lost, nothing doubled, and all as one box makes it."""
        assert self.found.ids == sorted(self.sent)
        assert self.found.incidents.keys() == self.expected.incidents.keys()
        assert self.found == self.expected


class Killer:
    """Kills one after the other, each after the one before was caught up with."""

    def __init__(self, city: City, stack: Stack | None, seed: int) -> None:
        self._city, self._stack, self._random = city, stack, random.Random(seed)
        self.kills: dict[str, int] = {}
        self.caught_up: list[float] = []

    async def run(self, kills: int, broker_kills: int) -> None:
        """Kill so many workers and so often the broker, in any order."""
        what = ["worker"] * kills + ["broker"] * broker_kills
        self._random.shuffle(what)
        for victim in what:
            await asyncio.sleep(self._random.uniform(0.2, 2.0))
            if victim == "worker":
                await self._kill_worker()
            else:
                await self._kill_broker()
            self.caught_up.append(await self._city.caught_up())

    async def _kill_worker(self) -> None:
        running = self._city.runner.workers.running
        while not (alive := sorted(worker for worker, process in running.items() if process.returncode is None)):
            await asyncio.sleep(0.1)
        role, name = self._random.choice(alive)
        running[role, name].send_signal(signal.SIGKILL)
        self.kills[role] = self.kills.get(role, 0) + 1

    async def _kill_broker(self) -> None:
        assert self._stack is not None
        await asyncio.to_thread(self._stack.stop, "kafka", grace=0.0)
        await asyncio.sleep(AWAY)
        await asyncio.to_thread(self._stack.start, "kafka")


async def survive(
    city: City, stack: Stack | None, *, seed: int, kills: int, broker_kills: int, pause: float = 0.05
) -> Report:
    """Run a city under load while it is killed at; what came of it, and what one box makes of it."""
    feed, killer = Feed(city.runner, seed), Killer(city, stack, seed)
    async with city.running():
        for source in ("doors", "gates"):
            await feed.bring(source)
        await city.caught_up()
        load = asyncio.create_task(feed.run(pause))
        await killer.run(kills, broker_kills)
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await city.caught_up()
    duplicates = city.store.counts()["duplicates"]
    found, expected = State.of(city.store), await asyncio.to_thread(city.one_box)
    return Report(
        killer.kills, broker_kills, len(feed.ids), duplicates, city.runner.workers.restarts,
        sorted(killer.caught_up, reverse=True), feed.ids, found, expected,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--broker-kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cluster-kills-") as folder:
        stack = Stack(Path(folder) / "stack", bound=True)
        try:
            city = City(Path(folder) / "city", stack.start("kafka")["kafka"], "kills")
            report = asyncio.run(
                survive(city, stack, seed=options.seed, kills=options.kills, broker_kills=options.broker_kills)
            )
        finally:
            stack.stop(grace=1)
    report.hold()
    shown = msgspec.structs.replace(report, sent=[], found=State([], {}, {}, set()), expected=State([], {}, {}, set()))
    sys.stdout.write(f"{len(report.found.incidents)} incidents, {msgspec.to_builtins(shown)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

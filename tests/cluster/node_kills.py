"""Kill ``impetus run`` with its cluster in mid-load, again and again, and compare what is left with one box.

    python tests/cluster/node_kills.py --kills 10 --seed 1

The node is killed by signal 9 while it sends, follows and keeps workers; they end by themselves, and the next start has
others of the same names. Before each kill other rules are put in force while events come.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import sys
import tempfile
from itertools import islice
from pathlib import Path

import msgspec
from clustered import LOAD_RULES, State, one_box
from load import records
from outcome import outcome_of
from program import events_of, running

from correlator.cluster.rounds import Codec, Outcome
from deploy.devstack.stack import Stack
from impetus.api.client import Client
from impetus.app.cluster.access import make_access
from impetus.app.cluster.place import read_place
from impetus.app.settings import read_settings
from integrations.embedded.store import EmbeddedStore
from integrations.kafka.reading import read_one

SETTINGS = """[health]
disk = 1.0
lag = "3650d"
flood = 1000000000
[rules]
paths = ["rules.yml"]
[api]
listen = "unix:i.sock"
[log]
level = "warning"
[[source]]
name = "doors"
kind = "json_lines"
path = "events.ndjson"
follow = true
idle = "1d"
[cluster]
broker.hosts = ["{address}"]
name = "{name}"
partitions = 3
"""
UNMET = """
---
title: Never met
id: 0a5d0c0e-0000-4000-8000-999999999999
logsource: {{product: load}}
detection: {{selection: {{event.action: never-{}}}, condition: selection}}
"""
LINES, PAUSE = 20, 0.05
"""Lines that come at a time, and the seconds between."""


class Report(msgspec.Struct):
    """What was survived: events in, and the sequence numbers, the state and what one box makes of the log."""

    events: int
    reloads: int
    logged: list[int]
    found: State
    expected: State

    def hold(self) -> None:
        """Nothing lost, nothing doubled, and all as one box makes it."""
        assert self.logged == list(range(self.events))
        assert self.found.incidents.keys() == self.expected.incidents.keys()
        assert self.found == self.expected


class Node:
    """A folder with settings, rules that change and a file that grows, for the program to be started on."""

    def __init__(self, folder: Path, address: str, name: str, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._lines = folder, records(seed, "doors", 0.1)
        self.written = self.reloads = 0
        self._file = folder / "events.ndjson"
        self._file.touch()
        self._write_rules()
        (folder / "impetus.toml").write_text(SETTINGS.format(address=address, name=name))
        self.settings = read_settings(folder / "impetus.toml")

    async def load(self) -> None:
        """Let the file grow until cancelled."""
        with self._file.open("ab", buffering=0) as file:
            while True:
                file.write(b"".join(line + b"\n" for line in islice(self._lines, LINES)))
                self.written += LINES
                await asyncio.sleep(PAUSE)

    async def reload(self, client: Client) -> None:
        """Put other rules in force."""
        self.reloads += 1
        self._write_rules()
        assert "rules" in (await client.reload()).changed

    def _write_rules(self) -> None:
        rules = LOAD_RULES.read_text(encoding="utf-8").rstrip()
        (self._folder / "rules.yml").write_text(rules + (UNMET.format(self.reloads) if self.reloads else "\n"))

    def report(self) -> Report:
        """What came of it; the program has to be stopped."""
        path = self.settings.path(self.settings.store.path)
        logged = sorted(outcome_of(path).logged["doors"])
        with contextlib.closing(EmbeddedStore(path)) as store:
            expected = one_box(self.settings, until=self._heard(store))
            return Report(self.written, self.reloads, logged, State.of(store), expected)

    def _heard(self, store: EmbeddedStore) -> int:
        """The clock of the newest step that the store has: the node sends rounds until it ends."""
        place, access = read_place(store), make_access(self.settings)
        assert place is not None
        value = read_one(access, access.outcomes, place.offset)
        assert value is not None
        return Codec().decode(value, Outcome).heard


async def moved_on(client: Client, events: int) -> None:
    """Wait until the store has more than so many events."""
    while await events_of(client) <= events:
        await asyncio.sleep(0.05)


async def survive(node: Node, seed: int, kills: int, reloads: int) -> Report:
    """Kill a node so often under load, the first times behind a reload; what is left."""
    random_ = random.Random(seed)
    load = asyncio.create_task(node.load())
    for _ in range(kills):
        async with running(Path(node.settings.file), node.settings.address, signal.SIGKILL) as client:
            await moved_on(client, await events_of(client))
            if node.reloads < reloads:
                await node.reload(client)
            await asyncio.sleep(random_.uniform(0, 1))
    load.cancel()
    await asyncio.gather(load, return_exceptions=True)
    async with running(Path(node.settings.file), node.settings.address, signal.SIGTERM) as client:
        await moved_on(client, node.written - 1)
        await asyncio.sleep(1)
    return await asyncio.to_thread(node.report)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="node-kills-") as folder:
        stack = Stack(Path(folder) / "stack", bound=True)
        try:
            node = Node(Path(folder) / "node", stack.start("kafka")["kafka"], "kills", options.seed)
            report = asyncio.run(survive(node, options.seed, options.kills, options.kills))
        finally:
            stack.stop(grace=1)
    report.hold()
    shown = f"{report.events} events, {len(report.found.incidents)} incidents, {report.reloads} reloads\n"
    sys.stdout.write(f"{options.kills} kills: {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

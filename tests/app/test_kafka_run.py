"""``impetus run`` between topics of a real broker, killed again and again: each record in once, each incident out."""

import asyncio
import contextlib
import json
import random
import signal
import sys
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path

from load import records
from outcome import outcome_of
from topics import make_topic, produce, read_all

from impetus.api.client import Client
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import IncidentQuery
from integrations.embedded.store import EmbeddedStore

RULES = Path(__file__).with_name("load_rules.yml")
RECORDS, PARTS, KILLS = 6_000, 6, 4
PATIENCE = 120.0
SETTINGS = """[health]
disk = 1.0
lag = "3650d"
[rules]
paths = ["{rules}"]
[api]
listen = "unix:i.sock"
[log]
level = "warning"
[[source]]
name = "gates"
kind = "kafka"
topics = ["{came}"]
broker.hosts = ["{address}"]
idle = "1d"
lateness = "1d"
[[sink]]
name = "dispatch"
kind = "kafka"
topic = "{told}"
origin = "oslo"
broker.hosts = ["{address}"]
"""


class Program:
    """The command, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, folder / "impetus.db"
        self.address = f"unix:{folder / 'i.sock'}"

    @contextlib.asynccontextmanager
    async def running(self, end: signal.Signals) -> AsyncIterator[Client]:
        """Start it, wait until it answers, and end it in some way."""
        command = (sys.executable, "-m", "impetus.app", "run", "--config", str(self.folder / "impetus.toml"))
        with (self.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, stderr=log)
        try:
            async with asyncio.timeout(PATIENCE), Client(self.address) as client:
                while await events_of(client) is None:
                    assert process.returncode is None, (self.folder / "log").read_text()
                    await asyncio.sleep(0.05)
                yield client
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(end)
            await process.wait()


async def events_of(client: Client) -> int | None:
    with contextlib.suppress(ImpetusError):
        return (await client.status()).events
    return None


async def test_killed_between_topics_nothing_is_lost_or_doubled(tmp_path: Path, kafka_address: str) -> None:
    came, told = await make_topic(kafka_address), await make_topic(kafka_address)
    settings = SETTINGS.format(rules=RULES, came=came, told=told, address=kafka_address)
    (tmp_path / "impetus.toml").write_text(settings)
    program, random_ = Program(tmp_path), random.Random(7)
    lines, size = list(islice(records(1, "gates", 0.1), RECORDS)), RECORDS // PARTS
    for part in range(PARTS):
        await produce(kafka_address, came, lines[part * size : (part + 1) * size])
        if part < KILLS:
            async with program.running(signal.SIGKILL):
                await asyncio.sleep(random_.uniform(0, 1.0))
    async with program.running(signal.SIGTERM) as client, asyncio.timeout(PATIENCE):
        while (await events_of(client) or 0) < RECORDS or not await all_told(program, kafka_address, told):
            await asyncio.sleep(0.3)
    left = outcome_of(program.store)
    assert sorted(left.logged["gates"]) == list(range(RECORDS))
    assert left.counts["rejected"] == 0
    revisions: dict[str, list[int]] = {}
    for record in await read_all(kafka_address, told):
        line = json.loads(record.value)
        assert (line["format"], line["origin"]) == ("impetus.incident.v1", "oslo")
        assert record.key.decode() == line["incident"]["id"]
        revisions.setdefault(line["incident"]["id"], []).append(int(line["incident"]["revision"]))
    assert left.incidents.keys() <= revisions.keys()
    assert len(left.incidents) > 50
    assert all(each == sorted(each) for each in revisions.values())


async def all_told(program: Program, address: str, topic: str) -> bool:
    """Whether the topic has every incident in the revision in which the store has it."""
    store = EmbeddedStore(program.store)
    wanted = {one.id: one.revision for one in store.incidents(IncidentQuery(limit=10_000))}
    store.close()
    lines = [json.loads(record.value)["incident"] for record in await read_all(address, topic)]
    return wanted.items() <= {line["id"]: int(line["revision"]) for line in lines}.items()

"""``impetus run`` between topics of a real broker, killed again and again: each record in once, each incident out."""

import asyncio
import json
import random
import signal
from itertools import islice
from pathlib import Path

from load import records
from outcome import outcome_of
from program import events_of, running
from topics import make_topic, produce, read_all

from impetus.domain.ports import IncidentQuery
from integrations.embedded.store import EmbeddedStore

RULES = Path(__file__).with_name("load_rules.yml")
RECORDS, PARTS, KILLS = 6_000, 6, 4
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


async def test_killed_between_topics_nothing_is_lost_or_doubled(tmp_path: Path, kafka_address: str) -> None:
    came, told = await make_topic(kafka_address), await make_topic(kafka_address)
    settings = SETTINGS.format(rules=RULES, came=came, told=told, address=kafka_address)
    config, address, store = tmp_path / "impetus.toml", f"unix:{tmp_path / 'i.sock'}", tmp_path / "impetus.db"
    config.write_text(settings)
    random_ = random.Random(7)
    lines, size = list(islice(records(1, "gates", 0.1), RECORDS)), RECORDS // PARTS
    for part in range(PARTS):
        await produce(kafka_address, came, lines[part * size : (part + 1) * size])
        if part < KILLS:
            async with running(config, address, signal.SIGKILL):
                await asyncio.sleep(random_.uniform(0, 1.0))
    async with running(config, address, signal.SIGTERM) as client:
        while await events_of(client) < RECORDS or not await all_told(store, kafka_address, told):
            await asyncio.sleep(0.3)
    left = outcome_of(store)
    assert sorted(left.logged["gates"]) == list(range(RECORDS))
    assert len(left.ids) == len(set(left.ids)) == left.counts["events"]
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


async def all_told(path: Path, address: str, topic: str) -> bool:
    """Whether the topic has every incident in the revision in which the store has it."""
    store = EmbeddedStore(path)
    wanted = {one.id: one.revision for one in store.incidents(IncidentQuery(limit=10_000))}
    store.close()
    lines = [json.loads(record.value)["incident"] for record in await read_all(address, topic)]
    return wanted.items() <= {line["id"]: int(line["revision"]) for line in lines}.items()

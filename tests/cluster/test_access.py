"""TLS, accounts and rights: cluster, source and sink over a broker that admits only whom it knows."""

import asyncio
import json
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
from clustered import LOAD_RULES, City
from confluent_kafka.admin import AclOperation, ResourcePatternType, ResourceType
from load import records
from node_kills import moved_on
from program import running
from secured import admit, grants_of, secure
from topics import make_topic, produce, read_all

from deploy.devstack.failure import MissingError
from deploy.devstack.stack import Stack
from impetus.domain.errors import ImpetusError

RECORDS = 600
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
idle = "1d"
{broker}
[[sink]]
name = "dispatch"
kind = "kafka"
topic = "{told}"
{broker}
[cluster]
name = "{name}"
workers = 1
{broker}
"""


class Admitting(NamedTuple):
    """A broker: where it is open to the tests, and the keys of a table of settings for those whom it admits."""

    address: str
    secure: str
    keys: str


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admitting]:
    folder = tmp_path_factory.mktemp("secured")
    stack = Stack(folder / "stack", bound=True)
    address, ca = secure(stack.folder)
    try:
        keys = f'broker.tls = true\nbroker.ca = "{ca}"\nbroker.user = "impetus"\nbroker.password = "env:KAFKA_WORD"\n'
        yield Admitting(stack.start("kafka")["kafka"], address, keys)
    except MissingError as error:
        pytest.skip(str(error))
    finally:
        stack.stop(grace=1)


async def test_cluster_source_and_sink_need_no_more_than_their_rights(
    tmp_path: Path, broker: Admitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_WORD", "a word")
    came, told, name = await make_topic(broker.address), await make_topic(broker.address), f"s-{uuid4().hex[:8]}"
    literal = ResourcePatternType.LITERAL
    reading, writing = (
        (ResourceType.TOPIC, came, literal, AclOperation.READ),
        (ResourceType.TOPIC, told, literal, AclOperation.WRITE),
    )
    admit(broker.address, "impetus", "a word", [*grants_of(name), reading, writing])
    lines = list(islice(records(1, "gates", 0.1), RECORDS))
    await produce(broker.address, came, lines)
    keys = f'broker.hosts = ["{broker.secure}"]\n{broker.keys}'
    file = tmp_path / "impetus.toml"
    file.write_text(SETTINGS.format(rules=LOAD_RULES, came=came, told=told, name=name, broker=keys))
    async with running(file, f"unix:{tmp_path / 'i.sock'}", signal.SIGTERM) as client, asyncio.timeout(90):
        await moved_on(client, RECORDS - 1)
        while not (found := await read_all(broker.address, told)):
            await asyncio.sleep(0.2)
    assert json.loads(found[0].value)["format"] == "impetus.incident.v1"


@pytest.mark.parametrize(("user", "said"), [("impetus", "Authentication failed"), ("stranger", "uthori")])
def test_who_is_not_admitted_is_told_so(
    tmp_path: Path, broker: Admitting, monkeypatch: pytest.MonkeyPatch, user: str, said: str
) -> None:
    admit(broker.address, "stranger", "another word", [])
    monkeypatch.setenv("KAFKA_WORD", "another word")
    with pytest.raises(ImpetusError) as refused:
        City(tmp_path, broker.secure, "closed", broker=broker.keys.replace('"impetus"', f'"{user}"'))
    error = refused.value
    assert (error.code, error.where.key) == ("cluster.unavailable", "cluster.broker")
    assert said in error.what
    assert "account" in error.hint

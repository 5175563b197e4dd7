"""The sink on a real broker: all of it there when it returns, in order for each incident; what fails is told."""

import asyncio
import random
import socket

import pytest
from topics import make_topic, read_all

from impetus.domain.errors import ImpetusError
from impetus.domain.kafka import KafkaAccess
from impetus.domain.sink import Parcel
from integrations.sinks.kafka import KafkaSink, KafkaSinkSettings


def sink(address: str, topic: str) -> KafkaSink:
    return KafkaSink("dispatch", KafkaSinkSettings(broker=KafkaAccess(hosts=(address,)), topic=topic))


async def test_the_changes_of_an_incident_are_in_order_under_its_id(kafka_address: str) -> None:
    topic = await make_topic(kafka_address, 3)
    one = sink(kafka_address, topic)
    for revision in range(4):
        await one.deliver([Parcel(f"i{number}", b"%d" % revision) for number in range(20)])
    found = await read_all(kafka_address, topic)
    await one.close()
    for number in range(20):
        assert [record.value for record in found if record.key == b"i%d" % number] == [b"0", b"1", b"2", b"3"]
    assert len({record.partition for record in found}) > 1


async def test_what_is_too_large_is_left_out_and_the_rest_is_not(kafka_address: str) -> None:
    topic = await make_topic(kafka_address, 1, size=2_000)
    one = sink(kafka_address, topic)
    large = random.Random(1).randbytes(9_000)
    await one.deliver([Parcel("i1", b"small"), Parcel("i2", large)])
    await one.deliver([Parcel("i3", b"small")])
    await one.close()
    assert [record.key for record in await read_all(kafka_address, topic)] == [b"i1", b"i3"]


@pytest.mark.parametrize("missing", ["topic", "broker"])
async def test_what_cannot_be_written_now_is_told(
    kafka_address: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.sinks.kafka.ANSWER", 1.0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    one = sink(kafka_address if missing == "topic" else nobody, "no-such-topic")
    async with asyncio.timeout(20):
        for _ in range(2):
            with pytest.raises(ImpetusError, match=r"sink\.unreachable"):
                await one.deliver([Parcel("i1", b"x")])
        await one.close()

"""Kafka against a real broker: offsets of our own, so that what was durable never comes again, and the rest does."""

import asyncio
import contextlib
import json
import socket
import tomllib

import msgspec
import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException, KafkaConnectionError
from keeping_intake import KeepingIntake
from topics import committed, drop_records, make_topic, produce

from collectors.stream import kafka
from collectors.stream.kafka import KafkaSettings, KafkaSource
from collectors.stream.subscription import Offsets
from impetus.app.plugins import plugin_settings
from impetus.app.settings import decode
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import MAX_BYTES
from impetus.kafka import options_of


@contextlib.asynccontextmanager
async def running(intake, clock, address, *topics, **more):
    keys = {"broker": {"hosts": [address]}, "topics": topics, **more}
    source = KafkaSource("bus", msgspec.convert(keys, KafkaSettings, dec_hook=decode), intake, clock)
    task = asyncio.create_task(source.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def event(number: int) -> bytes:
    return json.dumps({"@timestamp": f"2027-05-17T10:00:{number:02}Z", "door": {"number": number}}).encode()


def numbers(intake) -> list[int]:
    return sorted(found["door"]["number"] for found in intake.events)


async def test_records_become_events_and_what_is_none_a_reject(intake, clock, kafka_address):
    topic = await make_topic(kafka_address)
    await produce(kafka_address, topic, [event(0), b"no json", None, b"1" * (MAX_BYTES + 1), event(4), event(5)])
    async with running(intake, clock, kafka_address, topic):
        await until(lambda: len(intake.events) == 3 and len(intake.rejects) == 3)
    assert numbers(intake) == [0, 4, 5]
    assert {found["event"]["provider"] for found in intake.events} == {"bus"}
    said = {reject.where: reject.what for reject in intake.rejects}
    assert said[f"kafka {topic}[0]@1"] == "the record has no value"
    assert said[f"kafka {topic}[1]@1"] == "the record is too long"
    assert "not JSON" in said[f"kafka {topic}[1]@0"]
    position = msgspec.json.decode(intake.positions["bus"], type=Offsets)
    assert position.topics == {topic: {0: 3, 1: 3}}


class StuckIntake(KeepingIntake):
    """Takes batches but never comes back: as a process that is killed before they are durable."""

    async def accept(self, batch):
        self.batches.append(batch)
        await asyncio.sleep(3600)


async def test_what_was_not_durable_comes_again_with_the_same_id_and_the_rest_does_not(intake, clock, kafka_address):
    topic, stuck = await make_topic(kafka_address), StuckIntake()
    await produce(kafka_address, topic, [event(number) for number in range(10)])
    async with running(intake, clock, kafka_address, topic):
        await until(lambda: len(intake.events) == 10)
    await produce(kafka_address, topic, [event(number) for number in range(10, 20)])
    stuck.positions = intake.positions.copy()
    async with running(stuck, clock, kafka_address, topic):
        await until(lambda: len(stuck.events) == 10)
    async with running(intake, clock, kafka_address, topic):
        await until(lambda: len(intake.events) == 20)
    assert numbers(intake) == list(range(20))
    ids = {found["event"]["id"]: found["door"]["number"] for found in intake.events}
    assert len(ids) == 20
    assert {found["event"]["id"]: found["door"]["number"] for found in stuck.events}.items() <= ids.items()


async def test_equal_records_are_events_of_their_own(intake, clock, kafka_address):
    topic = await make_topic(kafka_address)
    await produce(kafka_address, topic, [event(1)] * 6, packed="zstd")
    async with running(intake, clock, kafka_address, topic):
        await until(lambda: len(intake.events) == 6)
    assert len({found["event"]["id"] for found in intake.events}) == 6


async def test_topics_that_come_to_be_are_read_from_their_beginning(intake, clock, kafka_address, monkeypatch):
    monkeypatch.setattr(kafka, "REFRESH", 0.2)
    first = await make_topic(kafka_address, 1)
    await produce(kafka_address, first, [event(1)], 1)
    async with running(intake, clock, kafka_address, f"{first}*", start="latest"):
        # It is not said when it listens: what comes before is not read.
        while not intake.events:
            await produce(kafka_address, first, [event(0)], 1)
            await asyncio.sleep(0.2)
        await produce(kafka_address, first, [event(2)], 1)
        await until(lambda: 2 in numbers(intake))
        second = await make_topic(kafka_address, 1, f"{first}-more")
        await produce(kafka_address, second, [event(3)], 1)
        await produce(kafka_address, first, [event(4)], 1)
        await until(lambda: {3, 4} <= set(numbers(intake)))
    assert [number for number in numbers(intake) if number] == [2, 3, 4]


async def test_what_the_broker_removed_unread_is_told(intake, clock, kafka_address):
    topic = await make_topic(kafka_address, 1)
    await produce(kafka_address, topic, [event(number) for number in range(5)], 1)
    await drop_records(kafka_address, topic, 0, 3)
    intake.positions["bus"] = msgspec.json.encode(Offsets({topic: {0: 1}}))
    async with running(intake, clock, kafka_address, topic):
        await until(lambda: len(intake.events) == 2)
    assert numbers(intake) == [3, 4]
    (reject,) = intake.rejects
    assert (reject.code, reject.where) == ("source.unreadable", f"kafka {topic}[0]@1")
    assert "up to 2 records are lost" in reject.what


async def test_a_damaged_record_is_told_and_the_rest_is_read(intake, clock, kafka_address, monkeypatch):
    class Damaged(fetcher.PartitionRecords):
        """What the client meets where the brokers' copies of the records 3 and 4 fail their check."""

        def __next__(self):
            record = super().__next__()
            if record.offset in {3, 4}:
                raise CorruptRecordException
            return record

    monkeypatch.setattr(fetcher, "PartitionRecords", Damaged)
    topic = await make_topic(kafka_address)
    await produce(kafka_address, topic, [event(number) for number in range(20)])
    async with running(intake, clock, kafka_address, topic):
        await until(lambda: len(intake.events) == 16)
    assert numbers(intake) == [*range(6), *range(10, 20)]
    places = {f"kafka {topic}[{part}]@{offset}" for part in (0, 1) for offset in (3, 4)}
    assert {reject.where for reject in intake.rejects} == places
    assert {reject.what for reject in intake.rejects} == {"the brokers' copy of the record is damaged"}


async def test_a_group_shows_the_lag_and_decides_nothing(intake, clock, kafka_address, monkeypatch):
    monkeypatch.setattr(kafka, "REFRESH", 0.1)
    topic = await make_topic(kafka_address, 1)
    await produce(kafka_address, topic, [event(number) for number in range(4)], 1)
    async with running(intake, clock, kafka_address, topic, group=f"{topic}-g"):
        await until(lambda: len(intake.events) == 4)
        async with asyncio.timeout(20):
            while await committed(kafka_address, f"{topic}-g", topic, 0) != 4:
                await asyncio.sleep(0.1)
    fresh = KeepingIntake()
    async with running(fresh, clock, kafka_address, topic, group=f"{topic}-g"):
        await until(lambda: len(fresh.events) == 4)


async def test_while_a_batch_waits_no_more_than_a_few_are_read(clock, kafka_address, monkeypatch):
    monkeypatch.setattr(kafka, "MAX_RECORDS", 10)
    topic, stuck = await make_topic(kafka_address), StuckIntake()
    await produce(kafka_address, topic, [event(number % 60) for number in range(200)])
    async with running(stuck, clock, kafka_address, topic):
        await until(lambda: stuck.batches)
        await asyncio.sleep(0.5)
    assert len(stuck.events) <= 30


async def fails(intake, clock, address, *topics) -> ImpetusError:
    with pytest.raises(ImpetusError) as caught:
        async with asyncio.timeout(30), running(intake, clock, address, *topics) as task:
            await task
    return caught.value


async def test_brokers_that_are_away_and_topics_that_are_not_there_are_told(intake, clock, kafka_address):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    assert (await fails(intake, clock, nobody, "t")).code == "source.unreadable"
    missing = await fails(intake, clock, kafka_address, "no-such-topic")
    assert (missing.code, "no-such-topic" in missing.what) == ("source.unreadable", True)


async def test_brokers_that_stay_away_for_long_are_told(intake, clock, kafka_address, monkeypatch):
    monkeypatch.setattr(kafka, "REFRESH", 0.05)
    monkeypatch.setattr(kafka, "AWAY", 0.3)
    monkeypatch.setattr(kafka, "QUIET", 0.05)
    topic = await make_topic(kafka_address, 1)
    await produce(kafka_address, topic, [event(1)], 1)

    async def refresh(_self):
        raise KafkaConnectionError("nobody is there")

    with pytest.raises(ImpetusError, match="no answer for"):
        async with asyncio.timeout(20), running(intake, clock, kafka_address, topic) as task:
            await until(lambda: intake.events)
            monkeypatch.setattr("collectors.stream.subscription.Subscription.refresh", refresh)
            await task


SETTINGS = {
    'hosts = ["h"]': "hosts",
    'hosts = ["h:1"]\nuser = "u"': "go together",
    'hosts = ["h:1"]\nca = "ca.pem"': "tls = true",
    'hosts = ["h:1"]\nuser = "u"\npassword = "plain"': "never as it is",
    'hosts = ["h:1"]\nuser = "u"\npassword = "env:NOT_THERE"': "has no NOT_THERE",
    'hosts = ["h:1"]\nusr = "u"': "Did you mean 'user'",
}


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_that_cannot_be_are_refused_by_name(tmp_path, text):
    file = tmp_path / "impetus.toml"
    file.write_text(text)
    keys = {"topics": ["t"], "broker": tomllib.loads(text)}
    with pytest.raises(ImpetusError, match=SETTINGS[text]) as refused:
        plugin_settings(KafkaSettings, keys, tmp_path, Where(str(file), 0, "bus"))
    assert "plain" not in str(refused.value)


def test_certificates_are_looked_for_beside_the_settings(tmp_path):
    broker = {"hosts": ["h:9093"], "tls": True, "ca": "ca.pem"}
    found = plugin_settings(KafkaSettings, {"topics": ["t"], "broker": broker}, tmp_path, Where(key="bus"))
    assert found.broker.ca == tmp_path / "ca.pem"
    with pytest.raises(ImpetusError, match="certificates cannot be read"):
        options_of(found.broker)


def test_secrets_are_looked_up_and_never_shown(tmp_path):
    (tmp_path / "password").write_text("hidden-word\n")
    broker = {"hosts": ["h:9093"], "tls": True, "user": "u", "password": "file:password"}
    found = plugin_settings(KafkaSettings, {"topics": ["t"], "broker": broker}, tmp_path, Where(key="bus"))
    options = options_of(found.broker)
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_plain_password"] == "hidden-word"
    assert "hidden-word" not in repr(found)

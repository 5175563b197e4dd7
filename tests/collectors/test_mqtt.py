"""MQTT against a real broker: what was not durable comes again, and is the same event then."""

import asyncio
import contextlib
import json
import socket

import pytest
from amqtt.broker import Broker
from amqtt.client import MQTTClient
from keeping_intake import KeepingIntake

from collectors.iot.mqtt import Mqtt, MqttSettings
from collectors.iot.session import _password
from impetus.domain.errors import ImpetusError

TOPIC = "city/doors/D-1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
async def port():
    port = free_port()
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Broker({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": plugins})
    await broker.start()
    yield port
    await broker.shutdown()


@contextlib.asynccontextmanager
async def running(intake, clock, port, **settings):
    settings = MqttSettings(host="127.0.0.1", port=port, topics=("city/#",), username="doors", **settings)
    task = asyncio.create_task(Mqtt("doors", settings, intake, clock).run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def publish(port, *payloads: bytes, topic=TOPIC):
    client = MQTTClient(config={"auto_reconnect": False})
    await client.connect(f"mqtt://127.0.0.1:{port}/")
    for payload in payloads:
        await client.publish(topic, payload, qos=1)
    await client.disconnect()


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def subscribed(port, intake):
    """Say something until it is heard: then the subscription is there."""
    async with asyncio.timeout(20):
        while not intake.rejects:
            await publish(port, b"{}", topic="city/ready")
            await asyncio.sleep(0.1)


def refused(intake):
    return [reject for reject in intake.rejects if reject.where == f"mqtt {TOPIC}"]


def event(number: int) -> bytes:
    return json.dumps({"@timestamp": f"2027-05-17T10:00:{number:02}Z", "door": {"kind": "roof"}}).encode()


async def test_messages_become_events_and_what_is_none_a_reject(intake, clock, port):
    async with running(intake, clock, port):
        await subscribed(port, intake)
        await publish(port, event(1), b"no json", b"\xff\xfe", event(2))
        await until(lambda: len(intake.events) == 2 and len(refused(intake)) == 2)
    assert [found["@timestamp"][-3:] for found in intake.events] == ["01Z", "02Z"]
    assert {found["event"]["provider"] for found in intake.events} == {"doors"}
    assert {reject.code for reject in refused(intake)} == {"source.record"}


class StrictBroker:
    """The part of MQTT 3.1.1 that matters for QoS 1: what has no PUBACK is sent again to the session, marked DUP.

    (amqtt forgets what was in flight when a connection ends, so it cannot show this.)
    """

    def __init__(self) -> None:
        self.unacknowledged: dict[int, bytes] = {}
        self.connections = 0

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, length = await reader.readexactly(2)
                body = await reader.readexactly(length)
                if kind >> 4 == 1:
                    self.connections += 1
                    writer.write(b"\x20\x02\x00\x00")
                elif kind >> 4 == 8:
                    writer.write(b"\x90\x03" + body[:2] + b"\x01")
                    for number, payload in self.unacknowledged.items():
                        writer.write(self.publish(number, payload))
                elif kind >> 4 == 4:
                    del self.unacknowledged[int.from_bytes(body, "big")]
                elif kind >> 4 == 12:
                    writer.write(b"\xd0\x00")
        writer.close()

    def publish(self, number: int, payload: bytes) -> bytes:
        topic = TOPIC.encode()
        body = len(topic).to_bytes(2, "big") + topic + number.to_bytes(2, "big") + payload
        return bytes([0x32 | (8 if self.connections > 1 else 0), len(body)]) + body


class StuckIntake(KeepingIntake):
    """Takes batches but never comes back: as a process that is killed between storing and acknowledging."""

    async def accept(self, batch):
        await super().accept(batch)
        await asyncio.sleep(3600)


async def test_what_was_not_acknowledged_comes_again_with_the_same_id(clock, intake):
    stuck = StuckIntake()
    async with StrictBroker() as broker:
        broker.unacknowledged = {7: event(1), 8: event(2)}
        async with running(stuck, clock, broker.port):
            await until(lambda: stuck.events)
        assert set(broker.unacknowledged) == {7, 8}
        async with running(intake, clock, broker.port):
            await until(lambda: not broker.unacknowledged)
    assert broker.connections == 2
    again = {found["event"]["id"] for found in intake.events}
    assert {found["event"]["id"] for found in stuck.events} <= again
    assert len(again) == 2


async def test_it_waits_for_a_broker_that_is_not_there_yet(intake, clock):
    async with running(intake, clock, free_port()) as task:
        await asyncio.sleep(0.1)
        assert not task.done()


def test_the_password_is_read_from_where_the_settings_say(intake, clock, tmp_path, monkeypatch):
    (tmp_path / "password").write_text("secret\n")
    settings = MqttSettings(host="h", topics=("t",), username="u", password_file=tmp_path / "none")
    assert _password(MqttSettings(host="h", topics=(), password_file=tmp_path / "password")) == "secret"
    monkeypatch.setenv("MQTT_PASSWORD", "other")
    assert _password(MqttSettings(host="h", topics=(), password_env="MQTT_PASSWORD")) == "other"
    with pytest.raises(ImpetusError) as error:
        _password(settings)
    assert error.value.code == "settings.invalid"

"""An MQTT broker: a message is acknowledged when it is durable, and until then the broker keeps it for us."""

import asyncio
import queue
from typing import ClassVar

import msgspec

from collectors.draft import Draft
from collectors.iot.session import Broker, Message, Session
from collectors.normalise import load_normaliser
from impetus.domain.event import MAX_BYTES
from impetus.domain.ports import Clock, Intake

WAITING = 200
"""So many messages wait in memory; then the broker is not read."""
MAX_MESSAGES = 1000
GATHER = 0.05
"""Seconds that a batch waits for more messages."""


class MqttSettings(Broker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``mqtt``."""

    format: str = "impetus"
    """Name of the normaliser of the messages."""


class Mqtt:
    """Subscribes with QoS 1 in a session that outlives us; what is delivered again keeps its ``event.id``."""

    Settings: ClassVar[type[msgspec.Struct]] = MqttSettings

    def __init__(self, name: str, settings: MqttSettings, intake: Intake, clock: Clock) -> None:
        self._name, self._settings, self._intake = name, settings, intake
        self._draft = Draft(name, settings, load_normaliser(settings.format), clock)

    async def run(self) -> None:
        """Take in until cancelled; connects again, later and later, whenever the broker is away."""
        self._restore_shift()
        waiting: queue.Queue[Message] = queue.Queue(WAITING)
        arrived, loop = asyncio.Event(), asyncio.get_running_loop()
        session = Session(self._name, self._settings, waiting, lambda: loop.call_soon_threadsafe(arrived.set))
        session.start()
        try:
            while True:
                await arrived.wait()
                await asyncio.sleep(GATHER)
                arrived.clear()
                while messages := _take(waiting):
                    await self._hand_over(session, messages)
        finally:
            await asyncio.to_thread(session.stop)

    def _restore_shift(self) -> None:
        stored = self._intake.position(self._name)
        self._draft.shift = msgspec.json.decode(stored, type=int) if stored else None

    async def _hand_over(self, session: Session, messages: list[Message]) -> None:
        for message in messages:
            self._add(message)
        shift = self._draft.shift
        await self._intake.accept(self._draft.batch(None if shift is None else msgspec.json.encode(shift)))
        for message in messages:
            session.acknowledge(message)

    def _add(self, message: Message) -> None:
        where = f"mqtt {message.topic}"
        if len(message.payload) > MAX_BYTES:
            self._draft.reject("source.record", "the message is too long", where, message.payload)
        else:
            self._draft.add_json(message.payload, message.topic.encode(), where)


def _take(waiting: queue.Queue[Message]) -> list[Message]:
    messages: list[Message] = []
    while len(messages) < MAX_MESSAGES:
        try:
            messages.append(waiting.get_nowait())
        except queue.Empty:
            break
    return messages

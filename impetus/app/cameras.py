"""The demo's cameras: a real MQTT broker on loopback, and Frigate's messages published to it."""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from impetus.domain.errors import ImpetusError

PATIENCE = 30.0
"""Seconds that the collector gets to take all messages in."""


class Message(msgspec.Struct):
    """One message to publish."""

    topic: str
    payload: msgspec.Raw


class Cameras:
    """A broker and what is published there; ``async with`` starts and stops it."""

    def __init__(self, messages: Path) -> None:
        lines = messages.read_bytes().splitlines()
        self._messages = [msgspec.json.decode(line, type=Message) for line in lines if line.strip()]
        self.port = 0
        self._broker: Any = None

    async def __aenter__(self) -> Self:
        try:
            from amqtt.broker import Broker  # noqa: PLC0415 - only the demo needs a broker
        except ImportError:
            hint = "pip install impetus[demo]"
            raise ImpetusError("plugin.missing-extra", "the demo needs an MQTT broker", hint=hint) from None
        logging.getLogger("amqtt").setLevel(logging.ERROR)
        logging.getLogger("transitions").setLevel(logging.ERROR)
        self.port = _free_port()
        listener = {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}
        anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        self._broker = Broker({"listeners": {"default": listener}, "plugins": anonymous})
        await self._broker.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._broker.shutdown()

    async def play(self, taken: Callable[[], int]) -> None:
        """Publish all messages once somebody listens, and wait until as many were taken in."""
        import aiomqtt  # noqa: PLC0415 - loaded with the broker only

        await _until(lambda: bool(self._broker.subscriptions))
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            for message in self._messages:
                await client.publish(message.topic, bytes(message.payload), qos=1)
        await _until(lambda: taken() >= len(self._messages))


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the broker tells nobody who subscribes
            await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""An MQTT 3.1.1 broker for one subscriber, strict about QoS 1: what has no PUBACK is sent again when it connects again.

(amqtt forgets what was in flight when a connection ends, so it cannot show that nothing is lost.)
"""

import asyncio
import contextlib
from collections import deque
from typing import Self

IN_FLIGHT = 60
TOPIC = b"city/gates"


class StrictBroker:
    """Sends what is published, in order; ``acknowledged`` holds what the subscriber says it has."""

    def __init__(self) -> None:
        self.acknowledged: list[bytes] = []
        self.again = 0
        """How many were sent more than once."""
        self.port = 0
        self._waiting: deque[bytes] = deque()
        self._sent: dict[int, bytes] = {}
        self._number = 0
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        if self._writer is not None:
            self._writer.close()

    @property
    def unacknowledged(self) -> int:
        """How many are on their way or wait."""
        return len(self._waiting) + len(self._sent)

    def publish(self, payload: bytes) -> None:
        """Keep a message until it is acknowledged."""
        self._waiting.append(payload)
        self._send()

    def _send(self) -> None:
        while self._writer is not None and self._waiting and len(self._sent) < IN_FLIGHT:
            self._number = self._number % 65535 + 1
            payload = self._sent[self._number] = self._waiting.popleft()
            self._writer.write(_publish(self._number, payload, again=False))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _packet(reader)
                self._answer(kind >> 4, body, writer)
        if self._writer is writer:
            self._writer = None
        writer.close()

    def _answer(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == 1:  # CONNECT: a clean session was not asked for, so there is one
            writer.write(bytes([0x20, 2, 1 if self._number else 0, 0]))
        elif kind == 8:  # SUBSCRIBE
            writer.write(b"\x90\x03" + body[:2] + b"\x01")
            self._writer = writer
            self.again += len(self._sent)
            for number, payload in self._sent.items():
                writer.write(_publish(number, payload, again=True))
            self._send()
        elif kind == 4:  # PUBACK
            self.acknowledged.append(self._sent.pop(int.from_bytes(body[:2], "big")))
            self._send()
        elif kind == 12:  # PINGREQ
            writer.write(b"\xd0\x00")


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind, await reader.readexactly(length)


def _publish(number: int, payload: bytes, again: bool) -> bytes:
    body = len(TOPIC).to_bytes(2, "big") + TOPIC + number.to_bytes(2, "big") + payload
    length, rest = bytearray(), len(body)
    while True:
        length.append(rest & 127 | (128 if rest > 127 else 0))
        rest >>= 7
        if not rest:
            return bytes([0x32 | (8 if again else 0)]) + bytes(length) + body

"""The HTTP listener: ``/metrics``, ``/healthz`` (it lives) and ``/readyz`` (data come in time; if not, why).

It runs in the loop of the program, so that an answer shows that the loop runs. Requests are bounded in size, time and
number; there is no access control, so it listens on loopback or behind a proxy.
"""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec
import structlog

from impetus.domain.condition import Condition
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import format_instant

MOST_HEAD = 8 << 10
"""A longer request is refused (bytes)."""
MOST_CLIENTS = 32
"""So many requests at a time; one more is closed at once."""
PATIENCE = 5.0
"""Seconds for a request and its answer."""
TEXT = "text/plain; version=0.0.4; charset=utf-8"
JSON = "application/json"

Answer = tuple[str, str, bytes]
"""Status line, kind of content, content."""


class Probes:
    """What is answered: metrics as text, whether it lives, and the conditions that hold with since when (µs)."""

    def __init__(
        self,
        metrics: Callable[[], bytes],
        lives: Callable[[], bool],
        conditions: Callable[[], list[tuple[Condition, int]]],
    ) -> None:
        self._metrics, self._lives, self._conditions = metrics, lives, conditions

    def answer(self, path: str) -> Answer:
        """The answer to a path."""
        match path.partition("?")[0]:
            case "/metrics":
                return "200 OK", TEXT, self._metrics()
            case "/healthz":
                return _judged(self._lives(), {"alive": self._lives()})
            case "/readyz":
                return self._readiness()
            case _:
                return "404 Not Found", TEXT, b"/metrics /healthz /readyz\n"

    def _readiness(self) -> Answer:
        conditions = self._conditions()
        ready = self._lives() and not any(condition.late for condition, _ in conditions)
        told = [msgspec.structs.asdict(condition) | {"since": format_instant(since)} for condition, since in conditions]
        return _judged(ready, {"ready": ready, "conditions": told})


class Listener:
    """Serves probes at ``HOST:PORT``; port 0 takes any free one."""

    def __init__(self, address: str, probes: Probes) -> None:
        self._host, _, port = address.rpartition(":")
        self._port, self._probes = int(port), probes
        self._clients = 0
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    async def start(self) -> None:
        """Listen. Raises ``ImpetusError`` (settings.invalid)."""
        host = self._host.strip("[]")
        try:
            self._server = await asyncio.start_server(self._serve, host, self._port, limit=MOST_HEAD)
        except (OSError, OverflowError) as error:
            where = Where(key="metrics.listen")
            raise ImpetusError("settings.invalid", str(error), where, "Choose a free port of this machine") from None
        self._port = self._server.sockets[0].getsockname()[1]
        structlog.get_logger("metrics").info("metrics.listening", host=host, port=self._port)

    async def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients <= MOST_CLIENTS:
                async with asyncio.timeout(PATIENCE):
                    writer.write(await self._respond(reader))
                    await writer.drain()
        except (OSError, TimeoutError):
            pass  # whoever asked is gone, or too slow
        finally:
            self._clients -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _respond(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            return _response(("431 Request Header Fields Too Large", TEXT, b""))
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _response(("400 Bad Request", TEXT, b""))
        if words[0] not in {"GET", "HEAD"}:
            return _response(("405 Method Not Allowed", TEXT, b""), "Allow: GET, HEAD\r\n")
        return _response(self._probes.answer(words[1]), body=words[0] == "GET")


def _judged(well: bool, content: object) -> Answer:
    return "200 OK" if well else "503 Service Unavailable", JSON, msgspec.json.encode(content) + b"\n"


def _response(answer: Answer, more: str = "", body: bool = True) -> bytes:
    status, kind, content = answer
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{more}"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (content if body else b"")

"""A syslog receiver over UDP and TCP: any device that can send its log somewhere can send it here.

Syslog has no acknowledgements. TCP senders are held back by not being read; a datagram that comes while the system is
full is lost, as UDP has it, but counted and said.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec
import structlog

from collectors.draft import Draft
from collectors.logs.framing import MAX_MESSAGE, Frame, FrameSplitter
from collectors.logs.message import parse_message
from collectors.logs.syslog_event import events_of
from collectors.recording import Source
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import Json
from impetus.domain.ports import Clock, Intake

CHUNK = 64 << 10
WAITING = 256
"""So many chunks of TCP streams wait; then the streams are not read."""
WAITING_DATAGRAMS = 16 << 20
"""Bytes of datagrams that wait; then what comes is lost, and counted."""
MAX_LINES = 5000
GATHER = 0.1
"""Seconds that a batch waits for more messages."""

_log = structlog.get_logger(__name__)


class SyslogSettings(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``syslog``."""

    address: str = "127.0.0.1"
    """Address to listen on; ``0.0.0.0`` or ``::`` for all."""
    port: int = 5514
    """Port to listen on, the same for all transports; 0 for any free one."""
    transports: tuple[Literal["udp", "tcp"], ...] = ("udp", "tcp")
    """What to listen with."""
    zone: str = "UTC"
    """Time zone (IANA name) of senders that do not say theirs."""
    connections: int = 200
    """So many TCP senders at once; further ones are refused."""


class _Received(msgspec.Struct):
    """Messages that came together, from one sender."""

    sender: str
    session: str
    frames: list[Frame]
    first: int


class Syslog:
    """Listens until cancelled."""

    Settings: ClassVar[type[msgspec.Struct]] = SyslogSettings

    def __init__(self, name: str, settings: SyslogSettings, intake: Intake, clock: Clock) -> None:
        self._name, self._settings, self._intake, self._clock = name, settings, intake, clock
        try:
            self._zone = ZoneInfo(settings.zone)
        except (KeyError, ValueError, OSError) as error:
            raise ImpetusError("settings.invalid", f"no time zone {settings.zone!r}", Where(key="zone")) from error
        self._draft = Draft(name, settings, self._normalise, clock)
        self._streams: asyncio.Queue[_Received] = asyncio.Queue(WAITING)
        self._datagrams: list[_Received] = []
        self._waiting = 0
        self._lost = 0
        self._count = 0
        self._open = 0
        self._arrived = asyncio.Event()
        self._started = clock()
        self.port = settings.port
        """Where it listens once it runs; of interest if the settings say 0."""
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Receive until cancelled. Raises ``source.unreadable`` if it cannot listen."""
        stored = self._intake.position(self._name)
        self._draft.shift = msgspec.json.decode(stored, type=int) if stored else None
        closing: list[Any] = []
        try:
            await self._listen(closing)
            self.listening.set()
            while True:
                await self._arrived.wait()
                await asyncio.sleep(GATHER)
                self._arrived.clear()
                while self._gather():
                    shift = self._draft.shift
                    await self._intake.accept(self._draft.batch(None if shift is None else msgspec.json.encode(shift)))
        finally:
            for listener in closing:
                listener.close()

    async def _listen(self, closing: list[Any]) -> None:
        loop, address = asyncio.get_running_loop(), self._settings.address
        try:
            if "tcp" in self._settings.transports:
                server = await asyncio.start_server(self._serve, address, self.port, limit=CHUNK)
                closing.append(server)
                self.port = server.sockets[0].getsockname()[1]
            if "udp" in self._settings.transports:
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self._take_datagram), (address, self.port)
                )
                closing.append(transport)
                self.port = transport.get_extra_info("sockname")[1]
        except OSError as error:
            where = Where(f"{address}:{self._settings.port}")
            raise ImpetusError("source.unreadable", str(error.strerror or error), where, "Is the port free?") from error

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        if self._open >= self._settings.connections:
            _log.warning("syslog.refused", source=self._name, sender=peer, open=self._open)
            writer.close()
            return
        self._open += 1
        self._count += 1
        session, seen, splitter = f"{self._started}:{self._count}", 0, FrameSplitter()
        try:
            chunk = b" "
            while chunk:
                chunk = await reader.read(CHUNK)
                frames = list(splitter.feed(chunk) if chunk else splitter.rest())
                if frames:
                    await self._streams.put(_Received(peer, session, frames, seen))
                    self._arrived.set()
                    seen += len(frames)
        except ConnectionError as error:
            _log.info("syslog.disconnected", source=self._name, sender=peer, reason=str(error))
        finally:
            self._open -= 1
            writer.close()

    def _take_datagram(self, data: bytes, sender: str) -> None:
        self._count += 1
        if self._waiting + len(data) > WAITING_DATAGRAMS:
            self._lost += 1
        else:
            self._waiting += len(data) + CHUNK // 64
            self._datagrams.append(_Received(sender, f"{self._started}:udp", [Frame(data)], self._count))
        self._arrived.set()

    def _gather(self) -> bool:
        """Move what waits into the draft, as far as a batch goes; whether there was anything."""
        datagrams, self._datagrams, self._waiting = self._datagrams, [], 0
        for received in datagrams:
            self._add(received)
        while len(self._draft) < MAX_LINES and not self._streams.empty():
            self._add(self._streams.get_nowait())
        if self._lost:
            _log.warning("syslog.lost", source=self._name, datagrams=self._lost)
            what = f"{self._lost} datagrams were lost: they came faster than they could be stored"
            self._draft.reject("source.record", what, f"{self._settings.address}:{self.port} (udp)", b"")
            self._lost = 0
        return len(self._draft) > 0

    def _add(self, received: _Received) -> None:
        for number, frame in enumerate(received.frames, received.first):
            where = f"{received.sender} ({received.session}:{number})"
            if frame.fault or not frame.raw.strip(b"\0 \r\n"):
                self._draft.reject("source.record", frame.fault or "an empty message", where, frame.raw)
                continue
            now = self._clock()
            message = parse_message(frame.raw[:MAX_MESSAGE], now, self._zone)
            record = {"message": message, "sender": received.sender, "now": now}
            self._draft.add(record, frame.raw, f"{received.session}:{number}".encode(), where)  # type: ignore[arg-type]

    def _normalise(self, record: Mapping[str, Json]) -> Iterable[dict[str, Json]]:
        parts: Mapping[str, Any] = record
        return events_of(parts["message"], parts["sender"], parts["now"])


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, take: Any) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._take(data, str(addr[0]))

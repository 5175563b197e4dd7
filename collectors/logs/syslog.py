"""A syslog receiver over UDP and TCP: any device that can send its log somewhere can send it here.

Syslog has no acknowledgements. TCP senders are held back by not being read; a datagram that comes while the system is
full is shed, as UDP has it, but counted.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec
import structlog

from collectors.draft import Draft
from collectors.handing import Handing
from collectors.logs.datagrams import Datagrams
from collectors.logs.framing import MAX_MESSAGE, Frame, FrameSplitter
from collectors.logs.message import parse_message
from collectors.logs.syslog_event import events_of
from collectors.recording import Source
from impetus.domain.address import FreePort
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import Json
from impetus.domain.ports import Clock, Intake

CHUNK = 64 << 10
WAITING = 256
"""So many chunks of TCP streams wait; then the streams are not read."""
MAX_LINES = 2000
GATHER = 0.1
"""Seconds that a batch waits for more messages."""
QUIET = 1.0
"""Seconds without messages after which it is looked whether the kernel dropped some."""
LAST = 1.0
"""Seconds at the end in which what was received is still handed over; the rest is shed."""

_log = structlog.get_logger(__name__)


class SyslogSettings(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``syslog``."""

    address: str = "127.0.0.1"
    """Address to listen on; ``0.0.0.0`` or ``::`` for all."""
    port: FreePort = 5514
    """Port to listen on, the same for all transports; 0 for any free one."""
    transports: tuple[Literal["udp", "tcp"], ...] = ("udp", "tcp")
    """What to listen with."""
    zone: str = "UTC"
    """Time zone (IANA name) of senders that do not say theirs."""
    connections: int = 200
    """So many TCP senders at once; further ones are refused."""
    room: int = 16 << 20
    """Bytes of datagrams that may wait; what comes beyond is shed, and counted."""


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
        self._draft.fleeting = True
        self._streams: asyncio.Queue[_Received] = asyncio.Queue(WAITING)
        self._datagrams: Datagrams | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._count = 0
        self._arrived = asyncio.Event()
        self._started = clock()
        self.port = settings.port
        """Where it listens once it runs; of interest if the settings say 0."""
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Receive until cancelled. Raises ``source.unreadable`` if it cannot listen."""
        stored = self._intake.position(self._name)
        self._draft.shift = msgspec.json.decode(stored, type=int) if stored else None
        async with Handing(self._intake) as handing:
            try:
                await self._listen()
                self.listening.set()
                await self._receive(handing)
            finally:
                await self._close()
                await self._end(handing)

    async def _receive(self, handing: Handing) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(QUIET):
                    await self._arrived.wait()
            await asyncio.sleep(GATHER)
            self._arrived.clear()
            if self._datagrams is not None:
                self._datagrams.look()
            while await self._gather():
                await handing.hand_over(self._batch())

    async def _end(self, handing: Handing) -> None:
        """Hand over what was received, as far as that goes quickly; the rest is shed."""
        with contextlib.suppress(TimeoutError, ImpetusError):
            async with asyncio.timeout(LAST):
                while await self._gather():
                    await handing.hand_over(self._batch())
                await handing.settle()
                return
        left = sum(len(received.frames) for received in self._pick(sys.maxsize))
        await handing.give_up(self._draft.give_up(left))

    def _batch(self) -> Batch:
        shift = self._draft.shift
        return self._draft.batch(None if shift is None else msgspec.json.encode(shift))

    async def _listen(self) -> None:
        address = self._settings.address
        try:
            if "tcp" in self._settings.transports:
                self._server = await asyncio.start_server(self._serve, address, self.port, limit=CHUNK)
                self.port = self._server.sockets[0].getsockname()[1]
            if "udp" in self._settings.transports:
                self._datagrams = Datagrams(address, self.port, self._settings.room, self._arrived.set)
                self.port = self._datagrams.port
        except OSError as error:
            where = Where(f"{address}:{self._settings.port}")
            raise ImpetusError("source.unreadable", str(error.strerror or error), where, "Is the port free?") from error

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._datagrams is not None:
            self._datagrams.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        if len(self._connections) >= self._settings.connections:
            _log.warning("syslog.refused", source=self._name, sender=peer, open=len(self._connections))
            writer.close()
            return
        serving = asyncio.current_task()
        assert serving is not None  # noqa: S101 - this is one
        self._connections.add(serving)
        self._count += 1
        session, seen, splitter = f"{self._started}:{self._count}", 0, FrameSplitter()
        try:
            chunk = b" "
            while chunk:
                chunk = await reader.read(CHUNK)
                frames = list(splitter.feed(chunk) if chunk else splitter.rest())
                if frames:
                    await self._queue(_Received(peer, session, frames, seen))
                    seen += len(frames)
        except ConnectionError as error:
            _log.info("syslog.disconnected", source=self._name, sender=peer, reason=str(error))
        finally:
            self._connections.discard(serving)
            writer.close()

    async def _queue(self, received: _Received) -> None:
        """Let frames of a stream wait; nothing more of it is read until they do."""
        try:
            await self._streams.put(received)
        except asyncio.CancelledError:
            self._draft.shed(len(received.frames))
            raise
        self._arrived.set()

    async def _gather(self) -> bool:
        """Move what waits into the draft, as far as a batch goes; whether there is something to hand over."""
        if self._datagrams is not None:
            self._draft.shed(self._datagrams.waiting.shed())
        received = self._pick(MAX_LINES)
        if received:
            # Beside the loop, so that what cannot wait is received meanwhile.
            adding = asyncio.ensure_future(asyncio.to_thread(self._add_all, received))
            try:
                await asyncio.shield(adding)
            except asyncio.CancelledError:
                await asyncio.wait({adding})
                raise
        return not self._draft.is_empty

    def _pick(self, most: int) -> list[_Received]:
        """About so many of the messages that wait; neither way in shuts the other out."""
        found = self._pick_datagrams(most // 2)
        size = len(found)
        while size < most and not self._streams.empty():
            found.append(self._streams.get_nowait())
            size += len(found[-1].frames)
        return found + self._pick_datagrams(most - size)

    def _pick_datagrams(self, most: int) -> list[_Received]:
        if self._datagrams is None or most <= 0:
            return []
        first, session = self._count + 1, f"{self._started}:udp"
        some = self._datagrams.waiting.take(most)
        self._count += len(some)
        return [_Received(sender, session, [Frame(data)], at) for at, (data, sender) in enumerate(some, first)]

    def _add_all(self, received: Sequence[_Received]) -> None:
        for one in received:
            self._add(one)

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

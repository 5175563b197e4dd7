"""Flows of a capture file or a live interface, by nfstream in a process of its own."""

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import structlog

from collectors.draft import Draft, decode_object
from collectors.handing import Handing
from collectors.lines import Line
from collectors.network.capture_child import Capture
from collectors.network.child import CaptureChild, CaptureService
from collectors.network.flow import normalise
from collectors.network.unheld import Unheld
from collectors.recording import Source
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.ports import Clock, Intake

LONGEST_PAUSE = 60
"""Seconds: pauses before a live capture is started again double up to this."""

HEAD = 64 << 10

_log = structlog.get_logger(__name__)


class FlowsSettings(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``nfstream``."""

    file: Path | None = None
    """A capture file (pcap, pcapng): read once. Either this or ``interface``."""
    interface: str | None = None
    """The name of a network interface to listen on."""
    filter: str | None = None
    """Which packets count, as a BPF expression."""
    promiscuous: bool = True
    """Also take packets for others, on an interface."""
    idle_timeout: int = 120
    """A flow ends after so many seconds without a packet."""
    active_timeout: int = 1800
    """A flow is told after so many seconds even if it goes on."""
    capture: Path | None = None
    """The Unix socket of a service that captures for us, so that we need no right to; else a child of ours does."""
    room: int = 20_000
    """So many flows of an interface may wait; what comes beyond is shed, and counted. A file waits."""

    def __post_init__(self) -> None:
        """Refuse both, or neither."""
        if (self.file is None) is (self.interface is None):
            raise ValueError("give either a file or an interface")
        if self.capture is not None and self.interface is None:
            raise ValueError("only an interface is captured by a service")


class _Position(msgspec.Struct, frozen=True):
    """How far a capture file was read: flows come in the same order when it is read again."""

    capture: str
    flows: int
    done: bool = False
    shift: int | None = None


class Flows:
    """Takes in flows: of a file once, from the last durable flow on; of an interface, started again if it dies."""

    Settings: ClassVar[type[msgspec.Struct]] = FlowsSettings

    def __init__(self, name: str, settings: FlowsSettings, intake: Intake, clock: Clock) -> None:
        self._name, self._settings, self._intake = name, settings, intake
        self._draft = Draft(name, settings, normalise, clock)
        self._draft.fleeting = settings.interface is not None
        self._source = str(settings.file or settings.interface)
        self._capture = Capture(
            (self._source,), settings.filter, settings.promiscuous, settings.idle_timeout, settings.active_timeout
        )
        self._position = _Position(f"live:{clock()}", 0)
        self._seen = 0
        self._dropped = 0
        """Packets that the kernel dropped since the child began."""

    async def run(self) -> None:
        """Read a file to its end, or an interface until cancelled. Raises ``source.*`` or ``plugin.missing-extra``."""
        if self._settings.file is not None:
            await self._run_file(self._settings.file)
        elif (Path("/sys/class/net") / self._source).exists():
            await self._run_live()
        else:
            raise ImpetusError("source.unreadable", "there is no such interface", Where(self._source), "See ip link")

    async def _run_file(self, file: Path) -> None:
        capture = _recognise(file)
        stored = self._intake.position(self._name)
        known = msgspec.json.decode(stored, type=_Position) if stored else None
        self._position = known if known and known.capture == capture else _Position(capture, 0)
        self._draft.shift = self._position.shift
        if not self._position.done:
            await self._read()

    async def _run_live(self) -> None:
        pause = 1
        while True:
            before = self._seen
            try:
                await self._read_live()
            except ImpetusError as error:
                if error.code != "source.child":
                    raise
                pause = 1 if self._seen > before else min(2 * pause, LONGEST_PAUSE)
                _log.warning("capture.restart", source=self._name, error=str(error), pause=pause)
            await asyncio.sleep(pause)

    async def _read(self) -> None:
        skip, self._seen = self._position.flows, 0
        async with self._open() as child:
            reason, done = "", False
            async for lines in child.lines():
                for line in lines:
                    record = decode_object(line.raw)
                    done, reason = done or "end" in record, reason or str(record.get("failed", ""))
                    if "flow" in record:
                        self._take(line, record["flow"], skip)
                if len(self._draft) or done:
                    await self._intake.accept(self._batch(done))
            if not done:
                raise await child.fail(reason)

    async def _read_live(self) -> None:
        """The same for what cannot wait: the child is never held back, and what finds no room is shed."""
        self._dropped, reason = 0, ""
        async with self._open() as child, Handing(self._intake) as handing:
            unheld = Unheld(child.lines(), self._settings.room)
            try:
                async with contextlib.aclosing(unheld.lines()) as said:
                    async for lines in said:
                        reason = self._take_all(lines) or reason
                        self._draft.shed(unheld.shed())
                        if not self._draft.is_empty:
                            await handing.hand_over(self._batch(False))
                await handing.settle()
            finally:
                await handing.give_up(self._draft.give_up(unheld.give_up()))
            raise await child.fail(reason)

    def _take_all(self, lines: Sequence[Line]) -> str:
        """Take what the child says; gives why it failed, if it says that."""
        reason = ""
        for line in lines:
            record: Mapping[str, Any] = decode_object(line.raw)
            if "flow" in record:
                self._take(line, record["flow"], 0)
            elif "dropped" in record:
                self._draft.shed(max(0, record["dropped"] - self._dropped))
                self._dropped = record["dropped"]
            reason = str(record.get("failed", "")) or reason
        return reason

    def _open(self) -> CaptureChild | CaptureService:
        service = self._settings.capture
        return CaptureChild(self._capture) if service is None else CaptureService(self._capture, service)

    def _take(self, line: Line, flow: Any, skip: int) -> None:
        self._seen += 1
        if self._seen > skip:
            identity = f"{self._position.capture}:{self._seen}".encode()
            self._draft.add(flow, line.raw, identity, f"{self._source}:{self._seen}")

    def _batch(self, done: bool) -> Batch:
        self._position = _Position(self._position.capture, self._seen, done, self._draft.shift)
        return self._draft.batch(msgspec.json.encode(self._position))


def _recognise(path: Path) -> str:
    """What tells a capture file from another one, wherever it lies."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            return f"{path.name}:{path.stat().st_size}:{hashlib.blake2b(head, digest_size=8).hexdigest()}"
    except OSError as error:
        raise ImpetusError("source.unreadable", str(error.strerror), Where(str(path))) from error

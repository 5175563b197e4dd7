"""A file of JSON, one object a line: a recording that ends, or a log that is followed through its rotations."""

import asyncio
from collections import deque
from pathlib import Path
from typing import ClassVar

import msgspec
import structlog

from collectors.draft import Draft
from collectors.lines import Line
from collectors.logs.file import PACKED, LogFile, Position
from collectors.logs.pace import Pace
from collectors.logs.reading import Reading, decode_position, unreadable
from collectors.logs.rotation import Trail, follow_trail
from collectors.normalise import load_line_normaliser, load_normaliser
from collectors.recording import Source
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.ports import Clock, Intake

POLL = 0.2
"""Seconds between two looks at a file that has nothing new."""
QUIET = 10
"""A renamed file is left after so many looks: its writer may not know of the new one yet."""
MAX_LINES = 5000
MAX_BATCH = 8 << 20
"""A batch is handed over at about so many lines or bytes, and whenever the file has no more."""
AHEAD = 2
"""So many batches are on their way to the disk while the next one is read."""

_log = structlog.get_logger(__name__)


class JsonLinesSettings(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``json_lines``."""

    path: Path
    """The file. Packed ones (``.gz``, ``.zst``) are read once."""
    format: str = "impetus"
    """Name of the normaliser of the records."""
    follow: bool = False
    """Go on reading what is appended, through rotations, and wait for a file that is not there yet."""
    speed: float | None = None
    """Play the recording at so many times real time, by ``event.created``; as fast as it goes if not given."""


class JsonLines:
    """Reads a file from the last durable position on. A line that is read again keeps its ``event.id``."""

    Settings: ClassVar[type[msgspec.Struct]] = JsonLinesSettings

    def __init__(self, name: str, settings: JsonLinesSettings, intake: Intake, clock: Clock) -> None:
        self._name, self._settings, self._intake = name, settings, intake
        self._path = settings.path
        _check(settings, self._path)
        fast = load_line_normaliser(settings.format)
        self._draft = Draft(name, settings, load_normaliser(settings.format), clock, fast)
        self._pace = Pace(settings.speed) if settings.speed else None
        self._next: deque[tuple[LogFile, Position | None]] = deque()
        self._reading: Reading
        self._quiet = 0
        self._failure: ImpetusError | None = None

    async def run(self) -> None:
        """Read until the end of a finite file, or until cancelled. Raises ``source.unreadable``."""
        try:
            await self._start()
            while await self._read_on() or await self._advance():
                pass
        finally:
            for file, _ in self._next:
                file.close()
            if hasattr(self, "_reading"):
                self._reading.file.close()

    async def _start(self) -> None:
        position = decode_position(self._intake.position(self._name))
        trail = await self._open_trail(position)
        while trail is None:
            await asyncio.sleep(POLL)
            trail = await self._open_trail(position)
        if position:
            self._draft.shift = position.shift
        if position and trail.lost:
            what = f"the file that was read up to byte {position.offset} is gone, with what was added to it since"
            self._draft.reject("source.unreadable", what, str(Where(str(self._path), position.line)), b"")
        generation = position.generation + trail.lost if position else 0
        self._queue(trail)
        self._reading = Reading(*self._next.popleft(), generation)

    async def _open_trail(self, position: Position | None) -> Trail | None:
        try:
            return await asyncio.to_thread(follow_trail, self._path, position)
        except FileNotFoundError as error:
            if self._settings.follow:
                return None
            raise unreadable(self._path, error) from error
        except OSError as error:
            raise unreadable(self._path, error) from error

    def _queue(self, trail: Trail) -> None:
        positions = [trail.position, *[None] * (len(trail.files) - 1)]
        self._next.extend(zip(trail.files, positions, strict=True))

    async def _read_on(self) -> bool:
        """Hand over what there is now, reading on while some of it is made durable. Whether there was news."""
        batch, wait = await asyncio.to_thread(self._fill)
        some = batch is not None
        handing: deque[asyncio.Future[None]] = deque()
        try:
            while batch:
                handing.append(asyncio.ensure_future(self._intake.accept(batch)))
                while len(handing) > (0 if wait else AHEAD):
                    await handing.popleft()
                await asyncio.sleep(wait)
                batch, wait = await asyncio.to_thread(self._fill)
            while handing:
                await handing.popleft()
        finally:
            for left in handing:
                left.cancel()
        return some

    def _fill(self) -> tuple[Batch | None, float]:
        """The next batch, if there is news, and how long (s) to wait behind it."""
        if self._failure:
            raise self._failure
        try:
            return self._pace_lines(self._pace) if self._pace else self._take_lines()
        except ImpetusError as error:
            self._failure = error
            return self._batch(), 0.0

    def _take_lines(self) -> tuple[Batch | None, float]:
        draft, reading = self._draft, self._reading
        while len(draft) < MAX_LINES and draft.size < MAX_BATCH:
            lines = reading.lines(MAX_LINES - len(draft))
            if not lines:
                break
            self._add_all(lines)
        return self._batch(), 0.0

    def _pace_lines(self, pace: Pace) -> tuple[Batch | None, float]:
        """Lines up to the first that has to wait; that one stays in the draft."""
        while len(self._draft) < MAX_LINES:
            position, mark = self._position(), self._draft.mark()
            line = self._reading.line()
            if line is None:
                break
            self._add(line)
            wait = max((pace.wait(event) for event in self._draft.since(mark)), default=0.0)
            if wait:
                return self._draft.batch(position, mark), wait
        return self._batch(), 0.0

    def _add_all(self, lines: list[Line]) -> None:
        """Take lines; all at once where the format has a fast way, and nothing among them is none."""
        if not self._draft.has_fast_way or any(line.too_long or line.raw.isspace() or not line.raw for line in lines):
            for line in lines:
                self._add(line)
            return
        reading = self._reading
        self._draft.add_all(
            [line.raw for line in lines], reading.identities(lines), lambda at: reading.where(lines[at])
        )

    def _add(self, line: Line) -> None:
        if line.too_long:
            self._draft.reject("source.record", "the line is too long", self._reading.where(line), line.raw)
        elif line.raw.strip() and not self._draft.keep_complete(line.raw):
            self._draft.add_json(line.raw, self._reading.identity(line), self._reading.where(line))

    def _batch(self) -> Batch | None:
        return self._draft.batch(self._position()) if len(self._draft) else None

    def _position(self) -> bytes:
        return msgspec.json.encode(self._reading.position(self._draft.shift))

    async def _advance(self) -> bool:
        """Behind the end of a file: to the next one, or to a later look at this one; False when all is read."""
        if self._next and self._quiet == 0:
            await self._close_reading()
            file, position = self._next.popleft()
            self._reading = Reading(file, position, self._reading.generation + (position is None))
            return True
        if not self._settings.follow:
            await self._close_reading()
            return False
        await asyncio.sleep(POLL)
        if self._next:
            self._quiet -= 1
        else:
            await self._look()
        return True

    async def _close_reading(self) -> None:
        """Take a last line without its end, unless the file is read on from a copy of it."""
        line = None if self._next and self._next[0][1] else self._reading.rest()
        if line:
            self._add(line)
            if batch := self._batch():
                await self._intake.accept(batch)
        self._reading.file.close()

    async def _look(self) -> None:
        """See whether the file was rotated or cut, and queue what is to be read behind it."""
        reading, position = self._reading, self._reading.position(self._draft.shift)
        if not await asyncio.to_thread(_replaced, self._path, reading.file, position):
            return
        trail = await self._open_trail(position)
        if trail is None:
            return
        self._queue(trail)
        if trail.position and trail.files[0].inode == reading.file.inode and not trail.lost:
            self._next.popleft()[0].close()
            self._quiet = QUIET if self._next else 0
        _log.info("log.rotated", source=self._name, path=str(self._path), files=len(self._next), lost=trail.lost)


def _replaced(path: Path, file: LogFile, position: Position) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) != (file.device, file.inode) or not file.holds(position)


def _check(settings: JsonLinesSettings, path: Path) -> None:
    if settings.follow and path.suffix in PACKED:
        raise ImpetusError("settings.invalid", "a packed file cannot be followed", Where(key="follow"))
    if settings.speed is not None and not settings.speed > 0:
        raise ImpetusError("settings.invalid", "a speed is above 0", Where(key="speed"))

"""One file being read: its next line, what tells the line apart, and the position behind it."""

import itertools
import zlib
from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path

import msgspec
import zstandard

from collectors.lines import Line, LineSplitter
from collectors.logs.file import LogFile, Position
from impetus.domain.errors import ImpetusError, Where

CHUNK = 1 << 20
"""So much is read at once (bytes): what is done with all lines of a chunk together costs less for each."""


class Reading:
    """Reads lines from a position on. ``generation`` counts the rotations of the log up to this file."""

    def __init__(self, file: LogFile, position: Position | None, generation: int) -> None:
        self.file = file
        self.generation = generation
        self.resumed = position is not None
        self._lines = LineSplitter(position.offset, position.line) if position else LineSplitter()
        self._fingerprint = position.fingerprint if position else None
        self._tail = (position.offset, position.tail) if position else (-1, "")
        if position:
            file.skip_to(position.offset)

    def line(self) -> Line | None:
        """The next complete line; None at what is the end now. Raises ``source.unreadable``."""
        while True:
            for line in self._lines.take():
                return _unmarked(line)
            try:
                chunk = self.file.read(CHUNK)
            except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
                raise unreadable(self.file.path, error) from error
            if not chunk:
                return None
            self._lines.feed(chunk)

    def lines(self, most: int) -> list[Line]:
        """The next complete lines, as many as are at hand; none only at what is the end now. Raises the same."""
        first = self.line()
        if first is None:
            return []
        return [first, *itertools.islice(self._lines.take(), most - 1)]

    def rest(self) -> Line | None:
        """The last line of a file that will not grow, if it has no line break."""
        last = next(self._lines.rest(), None)
        return _unmarked(last) if last else None

    def identity(self, line: Line) -> bytes:
        """What tells a line from every other one of this log, and stays the same when it is read again."""
        return self.identities([line])[0]

    def identities(self, lines: Sequence[Line]) -> list[bytes]:
        """The same of several lines."""
        log = f"{self._known()}:{self.generation}:".encode()
        return [b"%b%d" % (log, line.start) for line in lines]

    def where(self, line: Line) -> str:
        """``file:line`` for people."""
        return f"{self.file.path}:{line.number}"

    def position(self, shift: int | None) -> Position:
        """The position behind the last line given out."""
        offset, file = self._lines.offset, self.file
        if self._tail[0] != offset:
            # Not looked at again later: the file may have been cut by then.
            self._tail = offset, file.tail(offset)
        return Position(
            self._known(), self._tail[1], file.device, file.inode, offset, self._lines.number, self.generation, shift
        )

    def _known(self) -> str:
        if self._fingerprint is None:
            found = self.file.fingerprint()
            if found is None or self._lines.offset == 0:
                return found or ""
            self._fingerprint = found
        return self._fingerprint


def _unmarked(line: Line) -> Line:
    """A line without the byte order mark that a file may begin with. The mark counts in every offset."""
    return line if line.start or not line.raw.startswith(BOM_UTF8) else line._replace(raw=line.raw[len(BOM_UTF8) :])


def unreadable(path: Path, error: Exception) -> ImpetusError:
    """The error of a file that cannot be opened or read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ImpetusError("source.unreadable", reason, Where(str(path)), "Check the path and who may read it.")


def decode_position(stored: bytes | None) -> Position | None:
    """A position as the intake keeps it. Raises ``source.unreadable`` on one of another version."""
    try:
        return msgspec.json.decode(stored, type=Position) if stored else None
    except msgspec.DecodeError as error:
        raise ImpetusError("source.unreadable", f"the stored position cannot be read: {error}") from error

"""Lines out of a stream of bytes, in bounded memory."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from impetus.domain.event import MAX_BYTES

HEAD = 4096
"""What is kept of a line that is too long."""


class Line(NamedTuple):
    """A line without its end, where it starts in the stream (bytes), and its number (from 1)."""

    raw: bytes
    start: int
    number: int
    too_long: bool = False
    """It had more bytes than the limit: ``raw`` is only its head."""


class LineSplitter:
    """Cuts chunks into lines at LF or CRLF. Keeps at most one unfinished line, and of one too long only the head."""

    def __init__(self, offset: int = 0, number: int = 0, limit: int = MAX_BYTES) -> None:
        self.offset = offset
        """Behind the last line given out."""
        self.number = number
        """Of the last line given out."""
        self._limit = limit
        self._ready: deque[bytes] = deque()
        self._open = b""
        self._cut = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        parts = (self._open + chunk).split(b"\n")
        self._open = parts.pop()
        self._ready.extend(parts)
        if len(self._open) > self._limit and not self._ready:
            self._cut += len(self._open) - HEAD
            self._open = self._open[:HEAD]

    def take(self) -> Iterator[Line]:
        """The lines that are complete, as far as they are asked for."""
        while self._ready:
            yield self._line(self._ready.popleft(), 1)

    def rest(self) -> Iterator[Line]:
        """The last line of a stream that ended without a line break, if there is one."""
        if self._open or self._cut:
            yield self._line(self._open, 0)
            self._open = b""

    def _line(self, raw: bytes, end: int) -> Line:
        start, cut, self._cut = self.offset, self._cut, 0
        self.offset += len(raw) + cut + end
        self.number += 1
        if cut or len(raw) > self._limit:
            return Line(raw[:HEAD], start, self.number, too_long=True)
        return Line(raw.removesuffix(b"\r"), start, self.number)

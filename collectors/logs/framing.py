"""Syslog messages out of a TCP stream: by octet counts or line feeds, told apart for each message (RFC 6587)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_MESSAGE = 64 << 10
"""Bytes; what is longer is cut and refused."""
HEAD = 4096
_COUNT = re.compile(rb"([1-9]\d{0,8}) <")
_MAYBE_COUNT = re.compile(rb"[1-9]\d{0,8} ?")


class Frame(NamedTuple):
    """A message; ``fault`` says why it is not whole."""

    raw: bytes
    fault: str | None = None


class FrameSplitter:
    """Cuts chunks into messages; keeps at most one unfinished message."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0
        self._to_line_end = False

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Take the next bytes; gives the messages that are whole now."""
        self._buffer += chunk
        at = 0
        while at < len(self._buffer):
            frame, end = self._next(at)
            if end is None:
                break
            at = end
            if frame is not None:
                yield frame
        self._buffer = self._buffer[at:]

    def rest(self) -> Iterator[Frame]:
        """What the stream ended with: a last line without its end, or a part of a counted message."""
        if self._buffer and not self._to_line_end and not self._skip:
            counted = _COUNT.match(self._buffer)
            yield Frame(self._buffer, "the connection ended within the message" if counted else None)
        self._buffer = b""

    def _next(self, at: int) -> tuple[Frame | None, int | None]:
        """The message at ``at`` and where it ends; no end while it is not whole."""
        if self._skip:
            step = min(self._skip, len(self._buffer) - at)
            self._skip -= step
            return None, at + step
        if self._to_line_end:
            return self._discard_line(at)
        counted = _COUNT.match(self._buffer, at)
        if counted:
            return self._counted(counted)
        if _MAYBE_COUNT.fullmatch(self._buffer, at):
            return None, None
        return self._line(at)

    def _counted(self, counted: re.Match[bytes]) -> tuple[Frame | None, int | None]:
        start, length = counted.end() - 1, int(counted[1])
        if length > MAX_MESSAGE:
            self._skip = length
            return Frame(self._buffer[start : start + HEAD], "the message is too long"), start
        if len(self._buffer) - start < length:
            return None, None
        return Frame(self._buffer[start : start + length]), start + length

    def _line(self, at: int) -> tuple[Frame | None, int | None]:
        end = self._buffer.find(b"\n", at)
        if end < 0 and len(self._buffer) - at <= MAX_MESSAGE:
            return None, None
        if end < 0 or end - at > MAX_MESSAGE:
            self._to_line_end = True
            return Frame(self._buffer[at : at + HEAD], "the message is too long"), at + HEAD
        raw = self._buffer[at:end]
        return (Frame(raw) if raw.strip() else None), end + 1

    def _discard_line(self, at: int) -> tuple[Frame | None, int | None]:
        end = self._buffer.find(b"\n", at)
        self._to_line_end = end < 0
        return None, len(self._buffer) if end < 0 else end + 1

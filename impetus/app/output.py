"""Standard output that may be full, closed, or a pipe whose reader has enough. Loads little, as ``warning`` does.

What cannot be written is an ``ImpetusError`` (output.unwritable); a reader that has enough stays a ``BrokenPipeError``.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TypeVar

from impetus.domain.errors import ImpetusError, Where

T = TypeVar("T")
_WHERE = Where("standard output")


def write(text: str) -> None:
    """Text as it is; who calls has made it safe to show."""
    with _told():
        _there(sys.stdout).write(text)


def write_bytes(lines: bytes) -> None:
    """Bytes as they are, at once."""
    with _told():
        _there(sys.stdout).buffer.write(lines)
        _there(sys.stdout).buffer.flush()


def flush() -> None:
    """Send what is in the buffer. A command that printed nothing needs no standard output."""
    if sys.stdout is not None:
        with _told():
            sys.stdout.flush()


def finish() -> None:
    """Send what can be sent and drop the rest, which would fail again when the interpreter ends: status 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _there(stream: T | None) -> T:
    """A stream; a process that was started with it closed has none."""
    if stream is None:
        raise ImpetusError("output.unwritable", "it is closed", _WHERE)
    return stream


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ImpetusError("output.unwritable", error.strerror or str(error), _WHERE) from None

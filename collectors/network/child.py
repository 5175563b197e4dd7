"""The capture process as seen from ours: its lines, and its end."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from collectors.lines import Line, LineSplitter
from collectors.network.capture_child import MISSING, Capture
from impetus.domain.errors import ImpetusError, Where

CHUNK = 1 << 20
"""Bytes that are read at once, if the child was faster than we."""
MAX_COMPLAINT = 4096
MODULE = "collectors.network.capture_child"


class CaptureChild:
    """A running capture process. ``lines`` gives its lines by the chunk; leaving the context kills it and its own."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._complaint = b""

    async def __aenter__(self) -> "CaptureChild":
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", MODULE, msgspec.json.encode(self._capture).decode(),
            stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, limit=CHUNK,
        )  # fmt: skip
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._listening.cancel()
        await asyncio.wait({self._listening})
        # A pipe that is full was paused, and the end of the process is told only once it is read to its own.
        await self._process.communicate()

    def lines(self) -> AsyncIterator[list[Line]]:
        """What the child has written, as it comes; ends when the child does. Not reading holds the child back."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        return _lines(self._process.stdout)

    async def fail(self, reason: str) -> ImpetusError:
        """The error of a child that ended before its source did."""
        status = await self._process.wait()
        where = Where(", ".join(self._capture.sources))
        if status == MISSING:
            return ImpetusError("plugin.missing-extra", "nfstream is not installed", where, "pip install impetus[net]")
        said = reason or self._complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return ImpetusError(
            "source.child", f"the capture process ended with {status}: {said[:300]}", where,
            "Is it a capture file or an interface, and may this user read it?",
        )  # fmt: skip

    async def _listen(self) -> None:
        """Keep the end of what the child complains about, so that its pipe never fills."""
        stderr = self._process.stderr
        while stderr and (chunk := await stderr.read(MAX_COMPLAINT)):
            self._complaint = (self._complaint + chunk)[-MAX_COMPLAINT:]


class CaptureService:
    """A capture process that someone else starts for each who connects to a Unix socket: it may open interfaces, and
    this process need not. The same to its user as a child of our own; leaving the context ends it.
    """

    def __init__(self, capture: Capture, path: Path) -> None:
        self._capture, self._path = capture, path

    async def __aenter__(self) -> "CaptureService":
        try:
            self._reader, self._writer = await asyncio.open_unix_connection(self._path, limit=CHUNK)
        except OSError as error:
            hint = "systemctl enable --now impetus-capture.socket, or leave `capture` out"
            raise ImpetusError("source.child", error.strerror or str(error), Where(str(self._path)), hint) from error
        self._writer.write(msgspec.json.encode(self._capture) + b"\n")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def lines(self) -> AsyncIterator[list[Line]]:
        """What it has written, as it comes; ends when it does. Not reading holds it back."""
        return _lines(self._reader)

    async def fail(self, reason: str) -> ImpetusError:
        """The error of a process that ended before its source did."""
        hint = "journalctl -u 'impetus-capture@*' says why"
        what = f"the capture process ended: {reason[:300] or 'it said nothing'}"
        return ImpetusError("source.child", what, Where(", ".join(self._capture.sources)), hint)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[list[Line]]:
    splitter = LineSplitter()
    with contextlib.suppress(ConnectionResetError):
        while chunk := await stream.read(CHUNK):
            splitter.feed(chunk)
            yield list(splitter.take())

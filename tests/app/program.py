"""The program as a process of its own, asked over its API."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from impetus.api.client import Client
from impetus.domain.errors import ImpetusError

PATIENCE = 120.0
"""Seconds for all that is done while it runs."""


@contextlib.asynccontextmanager
async def running(config: Path, address: str, end: signal.Signals) -> AsyncIterator[Client]:
    """Start it, wait until it answers, and end it in some way."""
    output = config.with_name("log")
    with output.open("ab") as log:
        command = (sys.executable, "-m", "impetus.app", "run", "--config", str(config))
        process = await asyncio.create_subprocess_exec(*command, stderr=log)
    try:
        async with asyncio.timeout(PATIENCE), Client(address) as client:
            while await events_of(client) < 0:
                assert process.returncode is None, output.read_text()
                await asyncio.sleep(0.05)
            yield client
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(end)
        await process.wait()


async def events_of(client: Client) -> int:
    """So many events are in; -1 while it does not answer."""
    with contextlib.suppress(ImpetusError):
        return (await client.status()).events
    return -1

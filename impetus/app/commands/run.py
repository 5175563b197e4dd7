"""``impetus run``: the system on this machine, until it is told to stop."""

import argparse
import asyncio
import gc
import signal
import sys
from pathlib import Path

from impetus.app import logs
from impetus.app.reloading import collect
from impetus.app.service import Service
from impetus.app.settings import Settings, read_settings

DEFAULT = Path("impetus.toml")
HEAD_START = 0.3
"""Seconds that the sources have for themselves before the API opens."""
SWITCH = 0.001
"""How long (s) a thread may hold the interpreter while another waits for it. Reading, stepping and committing are for
the most part native calls: who comes back from one should not wait long to begin the next.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--config", type=Path, default=DEFAULT, help="the settings (impetus.toml)")
    parser.add_argument("--once", action="store_true", help="stop when all sources are at their end")


def main(arguments: argparse.Namespace) -> int:
    """Run until a signal, or with ``--once`` until the sources are at their end."""
    settings = read_settings(arguments.config)
    logs.set_up(settings.log)
    sys.setswitchinterval(SWITCH)
    return asyncio.run(_run(settings, arguments.once))


async def _run(settings: Settings, once: bool) -> int:
    # What a reload would read is being read just now; the default would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    service = Service(settings)
    collect()
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, service.reloading.ask)
    await service.begin()
    work = asyncio.create_task(_until(service, stop, once))
    try:
        await work
    finally:
        await service.stop()
        # All is durable. Taking millions of objects apart one by one would take seconds, for a process that ends.
        gc.freeze()
    return 0


async def _until(service: Service, stop: asyncio.Event, once: bool) -> None:
    stopped = asyncio.create_task(stop.wait())
    sources = asyncio.create_task(service.run())
    try:
        # Side by side with what opens the API, what waits at the sources would come in later.
        await asyncio.wait({stopped, sources}, timeout=HEAD_START, return_when=asyncio.FIRST_COMPLETED)
        await service.serve()
        await asyncio.wait({stopped, sources}, return_when=asyncio.FIRST_COMPLETED)
        if sources.done():
            sources.result()
            if not once:
                # All sources are finite and at their end; the API goes on serving what was found.
                await service.watch(asyncio.create_task(_wait(stop)))
    finally:
        sources.cancel()
        stopped.cancel()
        await asyncio.gather(sources, stopped, return_exceptions=True)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()

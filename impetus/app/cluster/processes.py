"""Keeps the workers of this machine running: each a process, started again when it ended, under the same name."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from itertools import product

import structlog

from impetus.app.settings import Settings

ROLES = ("match", "lane")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a worker is started again, doubled each time up to the longest; one that was killed is at once."""
STEADY = 30.0
"""Seconds after which one that ran counts as well again."""
WATCH = 1.0
"""Seconds between two looks of a worker whether who started it is still there."""
GRACE = 10.0
"""Seconds that one has to end by itself."""


class Processes:
    """The workers of some names, in both roles."""

    def __init__(self, settings: Settings, names: Sequence[str]) -> None:
        self._settings = settings
        self._workers = list(product(ROLES, names))
        self.running: dict[tuple[str, str], asyncio.subprocess.Process] = {}
        """Role and name of those that run."""
        self.restarts = 0
        self._log = structlog.get_logger("workers")

    async def run(self) -> None:
        """Keep them running until cancelled; then they end in the orderly way."""
        async with asyncio.TaskGroup() as tasks:
            for role, name in self._workers:
                tasks.create_task(self._keep(role, name), name=f"{role} {name}")

    async def _keep(self, role: str, name: str) -> None:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            began = loop.time()
            process = self.running[role, name] = await self._start(role, name)
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                await _end(process)
                raise
            self.restarts += 1
            steady = status < 0 or loop.time() - began > STEADY
            pause = FIRST_PAUSE if steady else min(pause * 2, LONGEST_PAUSE)
            self._log.warning("worker.ended", role=role, name=name, status=status, again_in=pause)
            await asyncio.sleep(pause)

    async def _start(self, role: str, name: str) -> asyncio.subprocess.Process:
        words = ["worker", "--config", self._settings.file, "--name", name, "--role", role]
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "impetus.app", *words, "--parent", str(os.getpid()), start_new_session=True
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def end_with(parent: int) -> None:
    """End this process when the one that started it is gone, however that went."""

    def watch() -> None:
        while os.getppid() == parent:
            ended.wait(WATCH)
        os.kill(os.getpid(), signal.SIGTERM)

    ended = threading.Event()
    threading.Thread(target=watch, name="parent", daemon=True).start()

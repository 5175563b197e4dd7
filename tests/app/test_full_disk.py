"""The disk of a running program fills up: it refuses and says so, loses and doubles nothing, and goes on by itself."""

import asyncio
import json
import socket
from asyncio.subprocess import Process
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from command import impetus_here
from full_disk import Disk, Quota, Tmpfs
from outcome import outcome_of
from run_kills import PATIENCE, Feed, Installation, check_log, check_rerun, check_same, ready, running, whole_of
from strict_broker import StrictBroker

from impetus.api.client import Client
from impetus.domain.errors import ImpetusError


class Monitored(Installation):
    """An installation whose store lies in a folder of its own, with probes."""

    def __init__(self, folder: Path, broker: StrictBroker) -> None:
        super().__init__(folder, broker)
        self.store = folder / "disk" / "impetus.db"
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self._port = one.getsockname()[1]
        self.config = folder / "impetus.toml"
        more = f'[store]\npath = "disk/impetus.db"\n[metrics]\nlisten = "127.0.0.1:{self._port}"\n'
        self.config.write_text(more + self.config.read_text())

    def conditions(self) -> dict[str, Any]:
        """What the probe says that ails it, by kind."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            found = json.loads(answer.read())["conditions"]
            assert (answer.status == 503) == any(one["late"] for one in found)
            return {one["kind"]: one for one in found}
        finally:
            connection.close()

    async def wait(self, process: Process, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(holds):
                assert process.returncode is None, "the program ended by itself"
                await asyncio.sleep(0.1)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Tmpfs]:
    if not Tmpfs.possible(tmp_path / "tried"):
        pytest.skip("this user may not mount a file system")
    disk = Tmpfs(tmp_path / "full" / "disk")
    try:
        yield disk
    finally:
        disk.remove()


async def _refuse(installation: Monitored, process: Process, broker: StrictBroker) -> None:
    """Wait until it refuses, and see that it says so and acknowledges nothing."""
    await installation.wait(process, lambda: "store_refusing" in installation.conditions())
    acknowledged = len(broker.acknowledged)
    doctor = await asyncio.to_thread(impetus_here, "doctor", "--config", installation.config)
    assert doctor.status == 1
    assert "error    store: nothing can be written" in doctor.out
    assert broker.unacknowledged > 0
    async with Client(installation.address, deadline=5.0) as client:
        with pytest.raises(ImpetusError, match="Nothing was done") as refused:
            await client.reload()
    assert refused.value.code == "store.unavailable"
    assert "store_refusing" in installation.conditions()
    assert len(broker.acknowledged) == acknowledged
    assert '"event": "store.unavailable"' in (installation.folder / "log").read_text()


async def _survive(folder: Path, disk: Disk, *, kill: bool) -> None:
    async with StrictBroker() as broker:
        installation = Monitored(folder, broker)
        feed = Feed(installation, seed=3)
        with installation.file.open("ab", buffering=0) as file:
            await feed.add(file)
        await installation.begin()
        process = await installation.start()
        await ready(installation.address)
        disk.fill(process)
        async with running(feed.run()):
            await _refuse(installation, process, broker)
        if kill:
            process.kill()
            await process.wait()
        disk.free(process)
        if not kill:
            await installation.wait(process, lambda: "store_refusing" not in installation.conditions())
            process.terminate()
            assert await process.wait() == 0
        await installation.finish(len(feed.lines) + len(feed.messages), [])
    left = outcome_of(installation.store)
    check_log(left, feed, broker, kills=1)
    check_rerun(installation.store)
    check_same(left, await whole_of(folder.parent / "whole", installation, feed, []))


async def test_a_disk_that_is_full_stops_the_intake_until_there_is_room(tmp_path: Path, tmpfs: Tmpfs) -> None:
    await _survive(tmp_path / "full", tmpfs, kill=False)


async def test_a_kill_while_files_may_not_grow_loses_nothing(tmp_path: Path) -> None:
    await _survive(tmp_path / "full", Quota(tmp_path / "full" / "disk" / "impetus.db"), kill=True)

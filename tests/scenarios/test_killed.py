"""The Oslo day through the real program, killed by signal 9 while the day comes in: it ends as if nothing had been."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from oslo import DEMO, ROOT, Event, day, outcome_of, redrawn, replay, setup_of

from correlator.worker import Correlator
from impetus.api.client import Client
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import parse_instant
from integrations.embedded.store import EmbeddedStore

PATIENCE = 60.0
"""Seconds that the program gets to start, and to take all in."""
SETTINGS = """
[health]
disk = 1.0
[city]
model = "{day}/city.yml"
plan = "{day}/plan.yml"
[rules]
paths = ["{rules}"]
[api]
listen = "unix:i.sock"
[log]
level = "warning"
[[source]]
name = "day"
kind = "json_lines"
format = "impetus"
path = "events.ndjson"
follow = true
"""


class Program:
    """``impetus run`` on a file that grows."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._address = folder, f"unix:{folder / 'i.sock'}"
        self.store, self.file = folder / "impetus.db", folder / "events.ndjson"
        self.file.touch()
        (folder / "impetus.toml").write_text(SETTINGS.format(day=DEMO, rules=ROOT / "rules" / "sigma"))

    async def start(self) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "impetus.app", "run", "--config", str(self._folder / "impetus.toml"))
        with (self._folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(*command, stderr=log)

    async def took(self, events: int, process: asyncio.subprocess.Process) -> None:
        """Wait until so many events are in."""
        async with asyncio.timeout(PATIENCE), Client(self._address, deadline=1.0) as client:
            while True:
                assert process.returncode is None, (self._folder / "log").read_text()
                try:
                    if (await client.status()).events >= events:
                        return
                except ImpetusError:
                    pass  # it starts
                await asyncio.sleep(0.02)


def _parts(events: list[Event], number: int, draw: random.Random) -> Iterator[bytes]:
    """The lines of the day by arrival, cut anywhere, also within a line."""
    events = sorted(events, key=lambda event: parse_instant(event["event"]["created"]))
    data = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    cuts = [0, *sorted(draw.sample(range(1, len(data)), number)), len(data)]
    for start, end in pairwise(cuts):
        yield data[start:end]


async def _survive(program: Program, events: list[Event], kills: int, draw: random.Random) -> None:
    *parts, last = _parts(events, kills, draw)
    for part in parts:
        process = await program.start()
        if draw.random() < 0.8:
            await program.took(0, process)
        _append(program.file, part)
        await asyncio.sleep(draw.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    process = await program.start()
    _append(program.file, last)
    await program.took(len(events), process)
    process.terminate()
    assert await process.wait() == 0


def _append(file: Path, data: bytes) -> None:
    with file.open("ab") as out:
        out.write(data)


async def _compare(folder: Path, kills: int, seed: int) -> None:
    events, program = redrawn(day(), seed), Program(folder)
    await _survive(program, events, kills, random.Random(seed))
    with closing(EmbeddedStore(program.store)) as store:
        assert store.counts()["events"] == len(events)
        assert outcome_of(store).state() == replay(events, finish=False).state()
        store.commit(Correlator(setup_of(DEMO), store).finish())
        assert outcome_of(store).state() == replay(events).state()


async def test_the_day_ends_as_without_kills(tmp_path: Path) -> None:
    await _compare(tmp_path, kills=4, seed=17)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
async def test_the_day_ends_as_without_kills_many_times(tmp_path: Path, seed: int) -> None:
    await _compare(tmp_path, kills=20, seed=seed)

"""The program is told to stop in mid-load: it ends in order and quickly, and loses and doubles nothing."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from outcome import outcome_of
from run_kills import Feed, Installation, check_log, ready, running
from strict_broker import StrictBroker

from impetus.api.client import Client
from impetus.app.runner import Runner
from impetus.app.tally import Tally
from impetus.domain.batch import Batch, Commit
from impetus.domain.errors import ImpetusError
from integrations.embedded.store import EmbeddedStore

GRACE = 60.0
"""Seconds after which the test gives up; how long it took is in the report (``--junit-xml``)."""


async def test_it_stops_under_load_and_goes_on_where_it_was(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with StrictBroker() as broker:
        installation = Installation(tmp_path / "load", broker)
        feed = Feed(installation, 1)
        with installation.file.open("ab", buffering=0) as file:
            for _ in range(20):
                await feed.add(file)
        for _ in range(2):
            process = await installation.start()
            async with running(feed.run()):
                await ready(installation.address)
                await asyncio.sleep(0.3)
                begun = time.monotonic()
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(GRACE):
                    assert await process.wait() == 0, (installation.folder / "log").read_text()
                record_property("seconds", time.monotonic() - begun)
            assert not (installation.folder / "i.sock").exists()
        await installation.finish(len(feed.lines) + len(feed.messages), [])
    check_log(outcome_of(installation.store), feed, broker, kills=0)


async def test_clients_that_hold_streams_do_not_hold_up_the_end(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    text = "x" * 20_000
    at, count = "2027-05-17T12:00:00Z", 2_000
    event = '{"@timestamp":"%s","event":{"id":"e%d","created":"%s","provider":"gate"},"message":"%s"}\n'
    (tmp_path / "events.ndjson").write_text("".join(event % (at, number, at, text) for number in range(count)))
    (tmp_path / "impetus.toml").write_text(
        '[rules]\npaths = []\n[[source]]\nname = "gate"\nkind = "json_lines"\npath = "events.ndjson"\n'
    )
    command = [sys.executable, "-m", "impetus.app", "run", "--config", str(tmp_path / "impetus.toml")]
    process = await asyncio.create_subprocess_exec(*command, stderr=(tmp_path / "log").open("wb"))
    address = f"unix:{tmp_path / 'impetus.sock'}"
    async with Client(address) as client, asyncio.timeout(GRACE):
        while True:
            with contextlib.suppress(ImpetusError):
                if (await client.status()).events >= count:
                    break
            await asyncio.sleep(0.05)
        watching = asyncio.ensure_future(anext(aiter(client.watch())))
        stream = client.search_events(query="x", limit=count)
        await anext(stream)  # and no more: what is not read fills the connection
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        record_property("seconds", time.monotonic() - begun)
        watching.cancel()


async def test_what_is_in_memory_is_not_taken_apart_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "impetus.toml").write_text("[rules]\npaths = []\n")
    script = (
        "import gc, sys\nfrom impetus.app.cli import main\nfrom impetus.app.service import Service\n"
        "assert main(sys.argv[1:]) == 0\n"
        "left = [one for one in gc.get_objects() if isinstance(one, Service)]\n"
        "gc.unfreeze()\n"
        "kept = [one for one in gc.get_objects() if isinstance(one, Service)]\n"
        "print(len(left), len(kept))\n"
    )
    command = [sys.executable, "-c", script, "run", "--once", "--config", str(tmp_path / "impetus.toml")]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(GRACE):
        out, _ = await process.communicate()
    assert out.split() == [b"0", b"1"], "nothing that the garbage collector looks through, and nothing freed before"


class Refusing(EmbeddedStore):
    """A store whose disk is full, as long as it is said to be."""

    full = False

    def commit(self, commit: Commit) -> int:
        if self.full:
            raise ImpetusError("store.unavailable", "database or disk is full")
        return super().commit(commit)


class Idle:
    """A correlator that takes everything in and finds nothing."""

    clock = msgspec.defstruct("Clock", [("now", int | None, None)])()

    def begin(self) -> Commit:
        return Commit()

    def step(self, batches: list[Batch], heard: int) -> Commit:
        return Commit()

    def committed(self) -> None: ...

    def notices(self) -> tuple[()]:
        return ()

    def vitals(self, heard: int) -> object:
        return None


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr("impetus.app.runner.RETRY", 0.05)
    store = Refusing(None)
    return Runner(lambda _: Idle(), store, lambda: 0, Tally(store, lambda: 0))  # type: ignore[arg-type]


async def test_a_full_disk_does_not_hold_up_the_end(runner: Runner) -> None:
    runner._store.full = True  # type: ignore[attr-defined]
    loop = asyncio.create_task(runner.run())
    waiting = asyncio.create_task(runner.accept(Batch("gate", (b"{}",))))
    async with asyncio.timeout(GRACE):
        while not runner._tally.refused:
            await asyncio.sleep(0.01)
        loop.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await loop
        await asyncio.to_thread(runner.close)
    assert not waiting.done(), "it was not acknowledged"
    waiting.cancel()


async def test_what_does_not_fit_into_the_end_is_left_to_its_source(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impetus.app.runner.LAST", 0.0)
    loop = asyncio.create_task(runner.run())
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(runner.accept(Batch("gate", (b"{}",) * 9_000))) for _ in range(4)]
    await asyncio.sleep(0)
    loop.cancel()
    async with asyncio.timeout(GRACE):
        with contextlib.suppress(asyncio.CancelledError):
            await loop
    assert runner.waiting > 0
    for one in waiting:
        one.cancel()
    runner.close()


async def test_a_store_that_writes_again_is_no_longer_refused(runner: Runner) -> None:
    runner._store.full = True  # type: ignore[attr-defined]
    loop = asyncio.create_task(runner.run())
    waiting = asyncio.create_task(runner.accept(Batch("gate", (b"{}",))))
    async with asyncio.timeout(GRACE):
        while not runner._tally.refused:
            await asyncio.sleep(0.01)
        runner._store.full = False  # type: ignore[attr-defined]
        await waiting
    assert runner._tally.refused == ""
    loop.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await loop
    runner.close()

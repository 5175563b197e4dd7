"""The runner: a step is made durable while the next is made, in order; one that cannot be takes no other with it."""

import asyncio
import json
import threading

import pytest

from correlator.city import CityModel
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.runner import Runner
from impetus.app.tally import Tally
from impetus.app.wiring import wall_clock
from impetus.domain.batch import Batch, Commit
from impetus.domain.condition import Vitals
from impetus.domain.errors import ImpetusError
from integrations.embedded.store import EmbeddedStore
from rules.load import load

SETUP = Setup(load([]).rules, CityModel.empty(), None)


def line(number: int, text: str = "") -> bytes:
    event = {"id": f"e{number}", "provider": "s", "created": "2027-05-17T10:00:00Z"}
    return json.dumps({"@timestamp": "2027-05-17T10:00:00Z", "event": event, "text": text}).encode()


def batch(first: int, count: int = 3) -> Batch:
    return Batch("s", tuple(line(number) for number in range(first, first + count)), b"%d" % (first + count))


class Hindered(EmbeddedStore):
    """A store that waits where it is told to, and fails once on a step with an event that it is told of."""

    def hinder(self, fails_on: bytes, error: ImpetusError) -> None:
        self.fails_on, self.error, self.left = fails_on, error, 1
        self.go = threading.Event()

    def commit(self, commit: Commit) -> int:
        if commit.lines:
            self.go.wait(10)
        if self.left and any(self.fails_on in line for line in commit.lines):
            self.left -= 1
            raise self.error
        return super().commit(commit)


def make_store(fails_on: bytes, code: str) -> Hindered:
    store = Hindered(None)
    store.fails_on, store.left = b"", 0
    store.hinder(fails_on, ImpetusError(code, "as told"))
    return store


async def hand_over(store: Hindered, batches: list[Batch]) -> tuple[Runner, list[BaseException | None]]:
    """Hand batches over one by one, each while the commits before it wait; what each of them ended with."""
    runner = Runner(lambda behind: Correlator(SETUP, behind), store, wall_clock, Tally(store, wall_clock))
    loop = asyncio.create_task(runner.run())
    waiting = []
    for one in batches:
        waiting.append(asyncio.ensure_future(runner.accept(one)))
        await asyncio.sleep(0.05)
    assert not any(done.done() for done in waiting)
    store.go.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    runner.close()
    return runner, [error if isinstance(error, BaseException) else None for error in ended]


def stored(store: Hindered) -> list[str]:
    return [json.loads(line)["event"]["id"] for block in store.log() for line in block]


async def test_steps_follow_each_other_in_order():
    store = make_store(b"none", "store.unavailable")
    runner, ended = await hand_over(store, [batch(first) for first in (0, 3, 6, 9)])
    assert ended == [None] * 4
    assert stored(store) == [f"e{number}" for number in range(12)]
    assert runner.position("s") == store.positions()["s"] == b"12"


async def test_only_the_thread_that_steps_asks_the_correlator(monkeypatch):
    """While it reads on from the store it waits for commits: who asked it from there would wait for itself."""
    asked = set()
    monkeypatch.setattr("impetus.app.tally.SECOND", 0)
    monkeypatch.setattr(
        Correlator, "vitals", lambda self, heard: asked.add(threading.current_thread().name) or Vitals()
    )
    await hand_over(make_store(b"none", "store.unavailable"), [batch(first) for first in (0, 3, 6)])
    assert asked == {threading.main_thread().name, "writer_0"}


@pytest.mark.parametrize("failing", [b'"e1"', b'"e4"', b'"e10"'])
async def test_a_step_that_cannot_be_stored_is_taken_event_by_event_and_none_is_lost(failing):
    store = make_store(failing, "event.malformed")
    runner, ended = await hand_over(store, [batch(first) for first in (0, 3, 6, 9)])
    assert ended == [None] * 4
    assert stored(store) == [f"e{number}" for number in range(12)]
    assert runner.position("s") == b"12"


async def test_an_event_that_can_never_be_stored_is_rejected_alone():
    store = make_store(b'"e4"', "event.malformed")
    store.left = 100
    _, ended = await hand_over(store, [batch(first) for first in (0, 3, 6)])
    assert ended == [None] * 3
    assert stored(store) == [f"e{number}" for number in range(9) if number != 4]
    assert store.counts()["rejected"] == 1


@pytest.mark.parametrize("code", ["store.unavailable", "store.damaged"])
async def test_a_disk_that_is_full_or_damaged_is_waited_for(monkeypatch, code):
    monkeypatch.setattr("impetus.app.runner.RETRY", 0.01)
    store = make_store(b'"e4"', code)
    store.left = 5
    _, ended = await hand_over(store, [batch(first) for first in (0, 3, 6)])
    assert ended == [None] * 3
    assert stored(store) == [f"e{number}" for number in range(9)]


async def test_a_store_that_cannot_go_on_ends_it_and_nothing_behind_is_acknowledged():
    store = make_store(b'"e4"', "store.version")
    store.left = 100
    _, ended = await hand_over(store, [batch(first) for first in (0, 3, 6, 9)])
    assert ended[0] is None
    assert all(isinstance(error, ImpetusError) for error in ended[1:])
    assert stored(store) == ["e0", "e1", "e2"]
    assert store.positions()["s"] == b"3"

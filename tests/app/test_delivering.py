"""Sinks follow the incidents of the store: at their own pace, again after a failure, on from where they were."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from impetus.app import delivering
from impetus.app.delivering import Delivering
from impetus.app.exchange import read_lines
from impetus.app.rendering import renderer
from impetus.app.settings import SinkSettings, read_settings
from impetus.app.tally import Tally
from impetus.domain.batch import Commit
from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.sink import Parcel
from integrations.embedded.store import EmbeddedStore

KEY = b"k" * 32
SINK = SinkSettings("dispatch", "kept", origin="oslo")


class Feed:
    """A feed that is told by hand."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store, self._moved = store, asyncio.Event()

    def commit(self, *incidents: Incident) -> None:
        self._store.commit(Commit(incidents=incidents))
        self._moved.set()

    async def changed(self) -> AsyncIterator[int]:
        while True:
            self._moved.clear()
            yield self._store.cursor()
            await self._moved.wait()


class Kept:
    """A sink that keeps what it is told, and fails as often as it is said to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.bodies: list[bytes] = []
        self.failures, self.closed = 0, 0

    async def deliver(self, parcels: Sequence[Parcel]) -> None:
        if self.failures:
            self.failures -= 1
            raise ImpetusError("sink.unreachable", "away")
        self.bodies += [parcel.body for parcel in parcels]
        self.told += [(one.incident, msgspec.json.decode(one.body)["incident"]["revision"]) for one in parcels]

    async def close(self) -> None:
        self.closed += 1


def incident(id: str, revision: int, **more: Any) -> Incident:
    return Incident(id, "Doors", "incident", "high", "open", 0, 0, revision, (), (), **more)


@pytest.fixture
def store() -> EmbeddedStore:
    return EmbeddedStore.in_memory()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(delivering, "GATHER", 0.0)


class Run:
    """Deliveries under way."""

    def __init__(self, store: EmbeddedStore, feed: Feed, sink: Kept) -> None:
        self.tally = Tally(store, lambda: 0)
        work = Delivering([SINK], lambda _: sink, renderer(store, KEY), store, feed, self.tally)
        self.task = asyncio.create_task(work.run())

    async def __aenter__(self) -> "Run":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


async def until(sink: Kept, told: list[tuple[str, int]]) -> None:
    async with asyncio.timeout(60):
        while sink.told != told:
            await asyncio.sleep(0.01)


async def test_what_was_there_and_each_change_is_delivered_once(store: EmbeddedStore) -> None:
    feed, sink = Feed(store), Kept()
    feed.commit(incident("i1", 1), incident("i2", 1))
    async with Run(store, feed, sink):
        await until(sink, [("i1", 1), ("i2", 1)])
        feed.commit(incident("i1", 2))
        await until(sink, [("i1", 1), ("i2", 1), ("i1", 2)])
    feed.commit(incident("i2", 2))
    later = Kept()
    async with Run(store, feed, later):
        await until(later, [("i2", 2)])
    assert sink.closed == 1


async def test_a_sink_that_is_away_is_told_of_and_gets_it_all_later(store: EmbeddedStore) -> None:
    feed, sink = Feed(store), Kept()
    sink.failures = 3
    feed.commit(incident("i1", 1))
    async with Run(store, feed, sink) as run:
        async with asyncio.timeout(60):
            while not run.tally.sinks.get("dispatch"):
                await asyncio.sleep(0.001)
        await until(sink, [("i1", 1)])
        async with asyncio.timeout(60):
            while run.tally.sinks["dispatch"]:
                await asyncio.sleep(0.01)


async def test_it_is_told_in_pages_of_any_size(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "PAGE", 3)
    feed, sink = Feed(store), Kept()
    feed.commit(*(incident(f"i{number}", 1) for number in range(10)))
    async with Run(store, feed, sink):
        await until(sink, [(f"i{number}", 1) for number in range(10)])


async def test_persons_are_masked_and_the_lines_can_be_imported(store: EmbeddedStore, tmp_path: Path) -> None:
    feed, sink = Feed(store), Kept()
    feed.commit(incident("i1", 1, entities=(Entity("user", "kari.nordmann"),), cause="user kari.nordmann again"))
    async with Run(store, feed, sink):
        await until(sink, [("i1", 1)])
    (body,) = sink.bodies
    assert b"kari" not in body
    assert b"user#" in body
    (tmp_path / "lines").write_bytes(body + b"\n")
    with (tmp_path / "lines").open("rb") as file:
        (foreign,) = read_lines(file, "lines")
    assert not isinstance(foreign, ImpetusError)
    assert (foreign.origin, foreign.incident.id) == ("oslo", "i1")


SETTINGS = {
    '[[sink]]\nname = "a"': "a sink needs a kind",
    '[[sink]]\nname = "a"\nkind = "k"\n[[sink]]\nname = "a"\nkind = "k"': "two sinks are named 'a'",
    '[[sink]]\nname = "a"\nkind = "k"\nalerts = 1': "alerts is true or false",
}


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_that_cannot_be_are_refused_with_their_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "impetus.toml"
    file.write_text(text)
    with pytest.raises(ImpetusError, match=SETTINGS[text]):
        read_settings(file)

"""Watching incidents: nothing lost over reconnects and restarts, no polling, a slow watcher in nobody's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from types import SimpleNamespace

import pytest

from impetus.api.client import Client
from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.action import Action
from impetus.domain.batch import Commit
from impetus.domain.errors import ImpetusError
from tests.api.doubles import incident


def commit(place: SimpleNamespace, *numbers: int) -> None:
    """Store incidents and say so."""
    place.bell.ring(place.store.commit(Commit(incidents=tuple(incident(number) for number in numbers))))


async def take(changes: AsyncIterator[pb.IncidentChange], count: int) -> list[str]:
    """The ids of the next changes."""
    return [(await anext(changes)).incident.id for _ in range(count)]


@pytest.fixture
def quick() -> dict[str, object]:
    """A client that waits half its delay."""
    return {"jitter": lambda: 0.0}


async def test_gives_what_is_and_then_what_changes(place: SimpleNamespace) -> None:
    commit(place, 1, 2)
    async with aclosing(place.client.watch()) as changes:
        assert await take(changes, 2) == ["INC-1", "INC-2"]
        commit(place, 3)
        assert await take(changes, 1) == ["INC-3"]
        await place.client.act(Action("a", "INC-1", "kari", "take"))
        change = await anext(changes)
    assert (change.incident.id, change.incident.status) == ("INC-1", pb.INCIDENT_STATUS_TAKEN)
    assert change.cursor == place.store.cursor()


async def test_goes_on_from_a_cursor(place: SimpleNamespace) -> None:
    commit(place, *range(250))
    cursor = (await place.client.list_incidents(limit=1)).cursor
    commit(place, *range(250, 600))
    async with aclosing(place.client.watch(cursor)) as changes:
        assert await take(changes, 350) == [f"INC-{number}" for number in range(250, 600)]


async def test_a_restart_of_the_server_loses_nothing(place: SimpleNamespace, quick: dict[str, object]) -> None:
    states: list[bool] = []
    commit(place, 1)
    async with Client(place.server.address, on_connection=states.append, **quick) as client:
        async with aclosing(client.watch()) as changes:
            assert await take(changes, 1) == ["INC-1"]
            assert client.connected
            await place.server.stop(0)
            commit(place, 2, 3)
            again = place.serve()
            await again.start()
            commit(place, 4)
            assert await take(changes, 3) == ["INC-2", "INC-3", "INC-4"]
        assert client.connected
        await again.stop(0)
    assert states == [True, False, True, False]


async def test_changes_while_reading_are_not_missed(place: SimpleNamespace) -> None:
    """Each change comes at another moment of the watcher's round, told by a feed that wakes only who listens."""
    async with aclosing(place.client.watch()) as changes:
        for number in range(60):
            for _ in range(number % 7):
                await asyncio.sleep(0)
            commit(place, number)
            if number % 3 == 0:
                await take(changes, 1)
        rest = await take(changes, 40)
    assert rest[-1] == "INC-59"


@pytest.mark.parametrize("store", ["lists"], indirect=True)
async def test_does_not_poll(place: SimpleNamespace) -> None:
    commit(place, 1)
    async with aclosing(place.client.watch()) as changes:
        await take(changes, 1)
        await asyncio.sleep(0.3)
        before = place.store.reads
        await asyncio.sleep(0.3)
        assert place.store.reads == before
        commit(place, 2)
        assert await take(changes, 1) == ["INC-2"]


@pytest.mark.parametrize("store", ["lists"], indirect=True)
async def test_a_slow_watcher_holds_up_nobody_and_is_given_the_newest(place: SimpleNamespace) -> None:
    """5,000 incidents of 10 KB do not fit in the buffers of a stream: the server must stop reading for the slow one."""
    title = "x" * 10_000
    async with aclosing(place.client.watch()) as slow:
        commit(place, 0)
        await take(slow, 1)
        place.bell.ring(place.store.commit(Commit(incidents=tuple(incident(n, title=title) for n in range(1, 5_001)))))
        await asyncio.sleep(0.5)
        assert place.store.reads < 40
        async with aclosing(place.client.watch(place.store.cursor())) as quick:
            commit(place, 1)
            assert await take(quick, 1) == ["INC-1"]
        taken = await take(slow, 5_000)
    assert set(taken) == {f"INC-{number}" for number in range(1, 5_001)}


async def test_a_cursor_of_another_store_is_refused(place: SimpleNamespace) -> None:
    with pytest.raises(ImpetusError, match="watch from 0") as caught:
        await anext(place.client.watch(1 << 63))
    assert caught.value.code == "query.invalid"


async def test_a_feed_that_ends_makes_the_watcher_come_again(
    place: SimpleNamespace, quick: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended() -> AsyncIterator[int]:
        return
        yield 0

    monkeypatch.setattr(place.bell, "changed", ended)
    commit(place, 1)
    async with Client(place.server.address, **quick) as client, aclosing(client.watch()) as changes:
        assert await take(changes, 1) == ["INC-1"]
        commit(place, 2)
        assert await take(changes, 1) == ["INC-2"]


async def test_watches_end_when_their_client_goes(place: SimpleNamespace) -> None:
    """A watcher that is gone leaves nothing behind that would listen for ever."""
    for _ in range(5):
        async with Client(place.server.address) as client, aclosing(client.watch()) as changes:
            commit(place, 1)
            await take(changes, 1)
    for _ in range(1_000):
        waiting = [task for task in asyncio.all_tasks() if "anext" in repr(task) or "Event.wait" in repr(task)]
        if not waiting:
            break
        await asyncio.sleep(0.02)
    assert not waiting

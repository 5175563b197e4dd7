"""A server that stops while clients hold calls: they end, whatever they are at, and hold nothing up."""

import asyncio
import threading
from pathlib import Path

import grpc
import pytest

from impetus.api.client import Client
from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.batch import Commit, Head
from impetus.domain.errors import ImpetusError
from impetus.domain.personal import Masker
from impetus.domain.ports import EventQuery, StoredEvent
from integrations.embedded.store import EmbeddedStore
from integrations.grpc.server import Server
from tests.api.doubles import Bell, Fit, SimpleDesk

GRACE = 60.0
"""Seconds after which the test gives up."""
ENDLESS = "WITH RECURSIVE count (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM count) SELECT sum(x) FROM count"


class Slow(EmbeddedStore):
    """A store in which a look-up of events never comes to its end."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reading, self.ended = threading.Event(), threading.Event()

    def events(self, query: EventQuery) -> list[StoredEvent]:
        self.reading.set()
        try:
            self._read(lambda connection: connection.execute(ENDLESS).fetchall())
        finally:
            self.ended.set()
        return []


def serve(store: EmbeddedStore, path: Path) -> Server:
    bell = Bell()
    return Server(store, SimpleDesk(store, bell), bell, Fit(), Masker(b"a key for tests only"), f"unix:{path}/api.sock")  # type: ignore[arg-type]


async def test_a_read_that_would_never_end_holds_up_neither_the_server_nor_the_store(tmp_path: Path) -> None:
    store = Slow(tmp_path / "impetus.db")
    server = serve(store, tmp_path)
    await server.start()
    async with Client(server.address) as client, asyncio.timeout(GRACE):
        call = asyncio.ensure_future(anext(aiter(client.search_events())))
        assert await asyncio.to_thread(store.reading.wait, GRACE)
        await server.stop(0.1)
        with pytest.raises(ImpetusError):
            await call
        await asyncio.to_thread(store.close)
        assert await asyncio.to_thread(store.ended.wait, GRACE)


async def test_watchers_and_streams_that_nobody_reads_hold_nothing_up(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "impetus.db")
    lines = tuple(b'{"message":"%s"}' % (b"x" * 20_000) for _ in range(2_000))
    store.commit(Commit(lines=lines, heads=tuple(Head(f"e{n}", n, ()) for n in range(len(lines)))))
    server = serve(store, tmp_path)
    await server.start()
    async with Client(server.address) as client, asyncio.timeout(GRACE):
        events = aiter(client.search_events(limit=2_000))
        await anext(events)  # and no more: the rest does not fit into what is on its way
        watching = asyncio.ensure_future(anext(aiter(client._stub.WatchIncidents(pb.WatchIncidentsRequest()))))
        await asyncio.sleep(0.1)
        await server.stop(0.1)
        with pytest.raises(grpc.aio.AioRpcError):
            await watching
        await asyncio.to_thread(store.close)


async def test_what_comes_later_is_refused(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "impetus.db")
    with store._connections.read() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    store.close()
    with pytest.raises(ImpetusError) as caught:
        store.events(EventQuery())
    assert caught.value.code == "store.unavailable"

"""A real server on a Unix socket of its own, and a client of it, over each store."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from impetus.api.client import Client
from impetus.domain.personal import Masker
from integrations.embedded.store import EmbeddedStore
from integrations.grpc.server import Server
from tests.api.doubles import Bell, Fit, ListStore, SimpleDesk

MASKER = Masker(b"a key for tests only")


@pytest.fixture(params=["lists", "embedded"])
def store(request: pytest.FixtureRequest) -> Iterator[object]:
    store = ListStore() if request.param == "lists" else EmbeddedStore.in_memory()
    yield store
    store.close()


@pytest.fixture
async def place(store: ListStore, tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    """The parts: ``store``, ``bell``, ``masker``, ``server``, ``client`` and ``serve`` for another server there."""
    bell, address = Bell(), f"unix:{tmp_path}/api.sock"

    def serve() -> Server:
        return Server(store, SimpleDesk(store, bell), bell, Fit(), MASKER, address)

    server = serve()
    await server.start()
    async with Client(address) as client:
        yield SimpleNamespace(
            store=store, bell=bell, masker=MASKER, server=server, client=client, serve=serve, path=tmp_path / "api.sock"
        )
    await server.stop(0)

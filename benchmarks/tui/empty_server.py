"""A server with nothing in it: what the console's first paint is measured against.

``python benchmarks/tui/empty_server.py ADDRESS`` says ``ready`` and serves until it is ended.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from impetus.domain.action import Action, Undo
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.personal import Masker
from impetus.domain.status import Status
from integrations.embedded.store import EmbeddedStore
from integrations.grpc.server import Server


class Still:
    """Desk, feed and health of a system in which nothing happens."""

    async def act(self, action: Action) -> Incident:
        raise ImpetusError("incident.unknown", "nothing is here")

    async def undo(self, undo: Undo) -> Incident:
        raise ImpetusError("incident.unknown", "nothing is here")

    async def changed(self) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 0

    def status(self) -> Status:
        return Status("0", 0, 0, 0.0, None, (), 0, 0)


async def serve(address: str) -> None:
    """Serve until the process ends."""
    still = Still()
    server = Server(EmbeddedStore.in_memory(), still, still, still, Masker(b"of a benchmark only"), address)
    await server.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))

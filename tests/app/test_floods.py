"""A flood on real sockets: nothing of it is gone without being counted, and another source is served meanwhile."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from impetus.app.service import Service
from impetus.app.settings import read_settings
from impetus.domain.condition import Passage
from impetus.domain.ports import IncidentQuery

RULE = """
title: Door forced
id: 00000000-0000-4000-8000-000000000001
logsource: {product: linux}
detection: {forced: {message|contains: forced}, condition: forced}
level: high
"""
DATAGRAM = b"<13>May 17 12:00:00 gate app[1]: nothing of interest " + b"." * 200


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class City:
    """An installation with a gate that sends datagrams, and a door with a connection."""

    def __init__(self, folder: Path, room: int) -> None:
        self.config = folder / "impetus.toml"
        self.gate, self.door = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        (folder / "rule.yml").write_text(RULE)
        self.config.write_text(
            '[rules]\npaths = ["rule.yml"]\n'
            f'[[source]]\nname = "gate"\nkind = "syslog"\nport = {self.gate}\ntransports = ["udp"]\nroom = {room}\n'
            f'[[source]]\nname = "door"\nkind = "syslog"\nport = {self.door}\ntransports = ["tcp"]\n'
        )

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Service]:
        service = Service(read_settings(self.config))
        await service.start()
        running = asyncio.create_task(service.run())
        try:
            yield service
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await service.stop()

    async def connect(self) -> asyncio.StreamWriter:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    return (await asyncio.open_connection("127.0.0.1", self.door))[1]
                await asyncio.sleep(0.05)

    def passage(self, source: str) -> Passage:
        """What came of a source, as its store says after the end."""
        service = Service(read_settings(self.config))
        vitals = service.tally.vitals
        service.runner.close()
        service.store.close()
        return vitals.sources[source].passage


def send(port: int, count: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(DATAGRAM, ("127.0.0.1", port))
    return count


async def test_a_flood_is_counted_to_the_last_datagram_and_others_are_served_meanwhile(tmp_path: Path) -> None:
    city, sent = City(tmp_path, room=1 << 20), 0
    for number in range(2):
        async with city.serving() as service:
            writer = await city.connect()
            before = len(service.store.incidents(IncidentQuery()))
            writer.write(b"<13>May 17 12:00:00 door-%d lock[1]: forced\n" % number)
            async with asyncio.timeout(60):
                while len(service.store.incidents(IncidentQuery())) == before:
                    sent += await asyncio.to_thread(send, city.gate, 500)
            writer.close()
            sent += await asyncio.to_thread(send, city.gate, 5_000)
    gate, door = city.passage("gate"), city.passage("door")
    assert gate.stored + gate.duplicates + gate.rejected + gate.shed == sent
    assert gate.shed > 0 and gate.stored > 0
    assert door == Passage(stored=2)

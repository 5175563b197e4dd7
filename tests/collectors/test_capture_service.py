"""Capturing by a service on a socket, as systemd starts it: the socket is its standard input and output."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest
from keeping_intake import NOW, KeepingIntake

from collectors.network.capture_child import Capture
from collectors.network.child import CaptureService
from collectors.network.flows import Flows, FlowsSettings
from impetus.domain.errors import ImpetusError

ANY_SOURCE = "from collectors.network import capture_child; import os; capture_child.main(os.read(0, 65536).decode())"
"""The child without the limit to interfaces, which take rights to open."""


class Activation:
    """Accepts connections and starts a process on each, like a socket unit with ``Accept=yes``."""

    def __init__(self, path: Path, *arguments: str) -> None:
        self.path, self._arguments = path, arguments
        self.processes: list[subprocess.Popen[bytes]] = []

    async def __aenter__(self) -> "Activation":
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen()
        self._socket.setblocking(False)
        self._serving = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._serving.cancel()
        self._socket.close()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()

    async def _serve(self) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._socket)
            with connection:
                connection.setblocking(True)
                command = [sys.executable, *self._arguments]
                process = subprocess.Popen(command, stdin=connection, stdout=connection, start_new_session=True)
                self.processes.append(process)


@pytest.fixture
async def refusing(tmp_path: Path) -> AsyncIterator[Activation]:
    async with Activation(tmp_path / "s", "-m", "collectors.network.capture_child", "-") as activation:
        yield activation


async def ended(activation: Activation) -> None:
    async with asyncio.timeout(60):
        while not activation.processes or any(process.poll() is None for process in activation.processes):
            await asyncio.sleep(0.02)


async def said(activation: Activation, capture: Capture) -> list[bytes]:
    async with asyncio.timeout(60), CaptureService(capture, activation.path) as service:
        return [line.raw async for lines in service.lines() for line in lines]


async def test_a_service_reads_interfaces_and_no_files(refusing: Activation) -> None:
    (line,) = await said(refusing, Capture(("/etc/passwd",)))
    assert msgspec.json.decode(line) == {"failed": "no interface of this machine: /etc/passwd"}
    await ended(refusing)


async def test_what_is_no_request_is_refused(refusing: Activation) -> None:
    reader, writer = await asyncio.open_unix_connection(refusing.path)
    writer.write(b"{}\n")
    assert b"failed" in await reader.read()
    writer.close()
    await ended(refusing)


async def test_flows_come_over_the_socket_and_its_end_ends_the_process(shared: Path, tmp_path: Path) -> None:
    if find_spec("nfstream") is None:
        pytest.skip("the extra `net` is not installed")
    capture = Capture((str(shared / "data/pcap/zeek/ssh/sshguess.pcap"),))
    async with Activation(tmp_path / "s", "-c", ANY_SOURCE) as activation:
        lines = [msgspec.json.decode(line) for line in await said(activation, capture)]
        await ended(activation)
    assert sum("flow" in line for line in lines) == 11
    assert lines[-1] == {"end": capture.sources[0]}


async def test_a_service_that_is_not_there_is_a_failure_of_the_source(tmp_path: Path) -> None:
    intake = KeepingIntake()
    settings = FlowsSettings(interface="lo", capture=tmp_path / "none")
    flows = Flows("flows", settings, intake, lambda: NOW)
    with pytest.raises(ImpetusError) as raised:
        await flows._read()
    assert raised.value.code == "source.child"
    assert "impetus-capture.socket" in raised.value.hint


def test_only_an_interface_is_captured_by_a_service() -> None:
    with pytest.raises(ValueError, match="only an interface"):
        FlowsSettings(file=Path("x.pcap"), capture=Path("s"))

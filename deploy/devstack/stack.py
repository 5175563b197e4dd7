"""The stack: which servers run, where, and how they are started, checked and stopped, by however many at once."""

import fcntl
import json
import random
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from deploy.devstack import artifacts, kafka, opensearch
from deploy.devstack.failure import StackError
from deploy.devstack.java import find_java
from deploy.devstack.process import Process, launch, wait_until

_START = 120.0
"""Seconds that a server has to start, on two busy cores."""
_RECORD = "stack.json"


class Kind(NamedTuple):
    """A kind of server."""

    ports: tuple[str, ...]
    range: range | None
    """Where the port for clients has to be."""
    prepare: Callable[[Path, Path, Path, dict[str, int]], list[str]]
    answers: Callable[[dict[str, int]], bool]
    address: Callable[[dict[str, int]], str]


KINDS: dict[str, Kind] = {
    module.NAME: Kind(module.PORTS, module.RANGE, module.prepare, module.answers, module.address)
    for module in (kafka, opensearch)
}


class Running(NamedTuple):
    """A server that was started."""

    process: Process
    ports: dict[str, int]


class Stack:
    """The servers of one folder, which holds their settings, data, logs and the record of what runs."""

    def __init__(self, folder: Path, *, bound: bool = False, ports: Mapping[str, int] | None = None) -> None:
        """``bound`` servers end with this process. ``ports`` says where clients connect to (0, or none: a free one)."""
        self.folder, self._bound, self._ports = folder.absolute(), bound, dict(ports or {})

    def start(self, *names: str) -> dict[str, str]:
        """Start the servers that do not run yet, and wait for all; gives their addresses. Raises ``StackError``."""
        self.launch(*(names or KINDS))
        return self.wait(*(names or KINDS))

    def launch(self, *names: str) -> None:
        """Start the servers that do not run yet. Raises ``StackError``."""
        with self._locked():
            running = self._read()
            missing = [name for name in names if not (name in running and running[name].process.lives())]
            jars, java = (artifacts.fetch(), find_java()) if missing else (Path(), Path())
            for name in missing:
                running[name] = self._launch(name, java, jars / name)
                self._write(running)

    def wait(self, *names: str) -> dict[str, str]:
        """Wait until servers that were launched answer; gives their addresses. Raises ``StackError``."""
        running = self._read()
        for name in names:
            process, ports = running[name]
            wait_until(lambda name=name, ports=ports: KINDS[name].answers(ports), process, self.log(name), _START)
        return {name: KINDS[name].address(running[name].ports) for name in names}

    def check(self) -> dict[str, str]:
        """Server → its address if it runs and answers, else what is wrong with it."""
        running = self._read()
        return {name: self._state(name, running.get(name)) for name in KINDS}

    def healthy(self) -> bool:
        """Whether all servers answer."""
        running = self._read()
        return all(name in running and KINDS[name].answers(running[name].ports) for name in KINDS)

    def stop(self, *names: str, grace: float = 15.0) -> None:
        """Stop what runs; nothing happens to what does not."""
        with self._locked():
            running = self._read()
            for name in names or tuple(KINDS):
                if name in running:
                    running[name].process.stop(grace)
            self._write({name: one for name, one in running.items() if one.process.lives()})

    def log(self, name: str) -> Path:
        """What a server printed."""
        return self.folder / "logs" / f"{name}.log"

    def process(self, name: str) -> Process:
        """The process of a server that was started."""
        return self._read()[name].process

    def _launch(self, name: str, java: Path, jars: Path) -> Running:
        kind, home = KINDS[name], self.folder / name
        home.mkdir(parents=True, exist_ok=True)
        ports = self._choose(name, kind)
        command = kind.prepare(java, jars, home, ports)
        return Running(launch(command, home, self.log(name), bound=self._bound), ports)

    def _choose(self, name: str, kind: Kind) -> dict[str, int]:
        """Ports for a server: those it had, else what was asked for, else free ones."""
        kept = self.folder / name / "ports.json"
        with suppress(OSError, ValueError):
            ports: dict[str, int] = json.loads(kept.read_text(encoding="utf-8"))
            if self._ports.get(name, 0) in {0, ports[kind.ports[0]]} and all(map(_is_free, ports.values())):
                return ports
        found = dict(zip(kind.ports, _free_ports(len(kind.ports)), strict=True))
        if self._ports.get(name):
            found[kind.ports[0]] = self._ports[name]
        elif kind.range is not None:
            found[kind.ports[0]] = _free_within(kind.range)
        kept.write_text(json.dumps(found), encoding="utf-8")
        return found

    def _state(self, name: str, running: Running | None) -> str:
        if running is None or not running.process.lives():
            return "does not run"
        address = KINDS[name].address(running.ports)
        return address if KINDS[name].answers(running.ports) else f"does not answer at {address}; see {self.log(name)}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One start or stop at a time; the lock goes with the process that has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, Running]:
        try:
            record = json.loads((self.folder / _RECORD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise StackError(f"{self.folder / _RECORD} is damaged: {error}; remove it") from None
        return {name: Running(Process(*one["process"]), one["ports"]) for name, one in record.items()}

    def _write(self, running: Mapping[str, Running]) -> None:
        """Replace the record as a whole, so that whoever is killed here leaves the old one or the new one."""
        part = self.folder / f"{_RECORD}.part"
        part.write_text(json.dumps({name: one._asdict() for name, one in running.items()}), encoding="utf-8")
        part.replace(self.folder / _RECORD)


def _free_ports(count: int) -> list[int]:
    """Ports that are free just now, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _free_within(ports: range) -> int:
    """A free port of a range; not always the same, so that two stacks that start at once seldom meet."""
    for port in random.sample(ports, len(ports)):
        if _is_free(port):
            return port
    raise StackError(f"no port from {ports.start} to {ports.stop - 1} is free")


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

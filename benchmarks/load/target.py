"""The Impetus under load: ``impetus run`` as a process of its own, and what is seen of it from outside."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.load.source import RULE
from impetus.domain.condition import Passage
from integrations.embedded.store import EmbeddedStore

POLL = 0.01
PATIENCE = 900.0
"""Seconds in which what was brought must be taken in."""
FILE, GATE = "wec", "gate"
"""The sources: a log that is followed, and syslog over UDP."""


class Site(msgspec.Struct, frozen=True):
    """What a target is given: rules beside the shipped ones, and where its log is written (beside its store if None).

    A log in memory takes no part of the disk that the store is synced to.
    """

    rules: Sequence[Path] = ()
    logs: Path | None = None


class Target:
    """``impetus run`` in a folder."""

    def __init__(self, folder: Path, log: Path, rules: Sequence[Path]) -> None:
        self.folder, self.log = folder, log
        self.path, config = folder / "impetus.db", folder / "impetus.toml"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        (folder / "marker.yml").write_text(RULE)
        paths = ", ".join(f'"{path}"' for path in ("shipped", "marker.yml", *rules))
        config.write_text(
            f'[rules]\npaths = [{paths}]\n[api]\nlisten = "unix:i.sock"\n[log]\nlevel = "warning"\n'
            f'[[source]]\nname = "{FILE}"\nkind = "json_lines"\npath = "{log}"\n'
            'format = "windows"\nfollow = true\n'
            f'[[source]]\nname = "{GATE}"\nkind = "syslog"\nport = {self.port}\ntransports = ["udp"]\n'
        )
        command = [sys.executable, "-m", "impetus.app", "run", "--config", str(config)]
        self.process = subprocess.Popen(command, cwd=folder)
        self._wait_until_ready()
        self.store = EmbeddedStore(self.path)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 300
        while not (self.folder / "i.sock").exists() or not self.path.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, "impetus run did not start"
            time.sleep(0.1)

    def memory(self) -> float:
        """Resident size (MiB)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def threads(self) -> dict[int, float]:
        """Seconds of processor time so far, by thread; the first is the event loop."""
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                fields = (task / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            found[int(task.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return found

    def cpu(self) -> float:
        """Seconds of processor time so far, also of threads that ended."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def taken(self) -> int:
        """Lines of the log that are stored, or told apart as rejected or delivered before."""
        passage = self.passage(FILE)
        return passage.stored + passage.duplicates + passage.rejected

    def passage(self, source: str) -> Passage:
        """What came of a source so far."""
        found = dict(self.store.state("health.flow", source.encode())).get(source.encode())
        return Passage() if found is None else msgspec.msgpack.decode(found, type=Passage)

    def wait_until_taken(self, written: int) -> float:
        """Wait until all lines of the log are taken in; the seconds that it took. Fails if some are lost."""
        began = time.monotonic()
        while (taken := self.taken()) < written and time.monotonic() < began + PATIENCE:
            time.sleep(0.1)
        assert taken == written, f"{written} lines written, {taken} taken in"
        return time.monotonic() - began

    def stop(self) -> float:
        """Stop it; the seconds that it took. The store can be read until ``close``."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - began

    def close(self) -> None:
        """Release all."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.store.close()


class Watch(threading.Thread):
    """Finds the incidents of markers in the store, as any reader would."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self.begun: dict[str, float] = {}
        """When the markers that are not found yet were about to be written."""
        self.took: list[float] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        store, cursor = EmbeddedStore(self._path), 0
        while not self.stopping.wait(POLL):
            for moved, incident in store.changes(cursor, 10_000):
                cursor = moved
                for name in (entity.value for entity in incident.entities if entity.kind == "user"):
                    begun = self.begun.pop(name, None)
                    if begun is not None:
                        self.took.append(time.monotonic() - begun)
        store.close()

    def finish(self) -> None:
        """Look for a while longer, then no more."""
        deadline = time.monotonic() + 10
        while self.begun and time.monotonic() < deadline:
            time.sleep(POLL)
        self.stopping.set()
        self.join()

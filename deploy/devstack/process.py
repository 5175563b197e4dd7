"""A server process: started with its output in a file, known again by its number and start, stopped for sure."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from deploy.devstack.failure import StackError

_BOUND = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Asks to be killed with the thread that started it (``PR_SET_PDEATHSIG``), then becomes the server, unless who started
it is gone already.

A program of its own: code between fork and exec (``preexec_fn``) runs beside what other libraries do at a fork, and
gRPC's threads have ended such a child.
"""
_STEP = 0.05
_GRACE = 15.0
"""Seconds that a server has to end by itself."""
_TAIL = 2_000


class Process(NamedTuple):
    """A process of this machine: a number alone may be another's by now."""

    pid: int
    started: int
    """Clock ticks since boot."""

    def lives(self) -> bool:
        """Whether it still runs (a zombie does not)."""
        return start_of(self.pid) == self.started

    def stop(self, grace: float = _GRACE) -> None:
        """Ask it to end, and end it if it does not."""
        for sign, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
            if not self.lives():
                return
            with suppress(ProcessLookupError):
                os.kill(self.pid, sign)
            _wait(lambda: not self.lives(), seconds)


def start_of(pid: int) -> int | None:
    """When a process was started; None if there is none."""
    with suppress(ChildProcessError, OSError):
        os.waitpid(pid, os.WNOHANG)  # one of ours that ended is a zombie until it is asked for
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def launch(command: Sequence[str], folder: Path, log: Path, *, bound: bool) -> Process:
    """Start a server in a folder. A ``bound`` one is killed when the thread that started it ends, however that ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [*_binding(), *command] if bound else command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = start_of(child.pid)
    # It is followed by number from here on; what Popen would say of it at exit does not matter.
    child.returncode = 0
    return Process(child.pid, started or 0)


def _binding() -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _BOUND, str(os.getpid())]


def wait_until(ready: Callable[[], bool], process: Process, log: Path, seconds: float) -> None:
    """Wait until a server answers. Raises ``StackError`` with the end of its log if it ends first or takes longer."""
    _wait(lambda: ready() or not process.lives(), seconds)
    if not ready():
        what = "did not start in time" if process.lives() else "ended"
        tail = log.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
        raise StackError(f"the server {what}; the end of {log}:\n{tail}")


def _wait(until: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(_STEP)

"""Time from the start of the interpreter to the first painted queue, in a real pseudo-terminal.

``python benchmarks/tui/first_paint.py [--size 80x24] [--runs 11]`` starts a server with an empty queue on a Unix socket
and opens the console on it, again and again, beside the smallest application that Textual allows for. *First paint* is
when the terminal has been sent the bar of actions, *live* when it has been sent what the server answered.
"""

import argparse
import fcntl
import os
import platform
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
PATIENCE = 20.0
CONSOLE = "from tui.console import run; run({address!r}, actor='bench')"
SMALLEST = """
from textual.app import App
from textual.widgets import Static
class Smallest(App):
    def compose(self):
        yield Static("take")
Smallest().run()
"""


@contextmanager
def server(address: str) -> Iterator[None]:
    """A server with nothing in it, in a process of its own."""
    script = Path(__file__).with_name("empty_server.py")
    with subprocess.Popen([sys.executable, script, address], env=ENVIRONMENT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while b"ready" not in process.stdout.readline():
            pass
        try:
            yield
        finally:
            process.kill()


def measure(code: str, size: tuple[int, int], *texts: bytes) -> list[float]:
    """Milliseconds until the terminal has been sent each text, and of processor time until the last."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", code], ENVIRONMENT)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    seen, times = b"", dict.fromkeys(texts, 0.0)
    while not all(times.values()) and time.perf_counter() - started < PATIENCE:
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
            now = 1000 * (time.perf_counter() - started)
            times = {text: reached or (now if text in seen else 0.0) for text, reached in times.items()}
    os.kill(pid, signal.SIGKILL)
    _, _, usage = os.wait4(pid, 0)
    os.close(terminal)
    return [*times.values(), 1000 * (usage.ru_utime + usage.ru_stime)]


def report(name: str, values: list[float]) -> None:
    """Print median and 95th percentile."""
    ordered = sorted(values)
    p95 = ordered[min(round(0.95 * len(ordered)), len(ordered) - 1)]
    print(f"{name:24} median {statistics.median(ordered):5.0f} ms  p95 {p95:5.0f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="80x24")
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    columns, rows = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder, server(f"unix:{folder}/api.sock"):
        code = CONSOLE.format(address=f"unix:{folder}/api.sock")
        console = [measure(code, (columns, rows), b"take", b"live") for _ in range(options.runs)]
        smallest = [measure(SMALLEST, (columns, rows), b"take") for _ in range(options.runs)]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {commit.stdout.strip()}")
    print(f"Python {platform.python_version()}, {options.size}, {options.runs} runs")
    for index, name in enumerate(("first paint", "live", "processor until live")):
        report(name, [each[index] for each in console])
    for index, name in enumerate(("smallest application", "its processor time")):
        report(name, [each[index] for each in smallest])


if __name__ == "__main__":
    main()

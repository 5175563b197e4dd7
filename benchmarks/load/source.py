"""What is brought under load: a log of real Windows events with markers among them, and a flood of datagrams."""

import itertools
import re
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.pipeline import windows_events

ROTATE = 12 << 30
"""The log is rotated at so many bytes."""
MARKER = "impetus-load-marker"
RULE = f"""title: Marker of the load
id: 6f0f6d5e-8f4e-4d0c-9d53-6a1f6d1a2b11
status: stable
logsource: {{product: windows, category: process_creation}}
detection:
    marker: {{CommandLine|contains: {MARKER}}}
    condition: marker
level: high
"""
_TIMES = re.compile(rb'("(?:UtcTime|SystemTime|TimeCreated|@timestamp|EventTime)":")[^"]*(")')

Corpus = Sequence[list[bytes]]
"""Lines, cut where their times go."""


def read_corpus(count: int) -> Corpus:
    """So many different Windows events."""
    return [_TIMES.sub(rb"\1\0\2", line.rstrip() + b"\n").split(b"\0") for line in windows_events(count)]


class Log:
    """The log that is followed, written in portions and rotated. A rotated file stays until it is read."""

    def __init__(self, path: Path, corpus: Corpus) -> None:
        self.path, self.written = path, 0
        self._corpus = itertools.cycle(corpus)
        self._rotated: deque[tuple[int, Path]] = deque()
        self._rotations = 0
        self._file = path.open("ab", buffering=0)

    def write(self, count: int, more: bytes = b"") -> None:
        """Append so many events of the corpus, as of now, and further lines."""
        now = stamp()
        self._file.write(b"".join(now.join(parts) for parts in itertools.islice(self._corpus, count)) + more)
        self.written += count + more.count(b"\n")
        if self._file.tell() > ROTATE:
            self._rotate()

    def forget(self, taken: int) -> None:
        """Remove the rotated files behind which lines are taken in; the newest stays, by which a reader finds on."""
        while len(self._rotated) > 1 and self._rotated[0][0] < taken:
            self._rotated.popleft()[1].unlink()

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        self._rotations += 1
        name = self.path.with_name(f"{self.path.name}.{self._rotations:06}")
        self.path.rename(name)
        self._rotated.append((self.written, name))
        self._file = self.path.open("ab", buffering=0)


def stamp() -> bytes:
    """Now, as the events of the corpus have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def marker(number: int) -> tuple[str, bytes]:
    """A marker: the user whom it names, and its line."""
    user = f"load-{number}"
    record = {
        "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "UtcTime": stamp().decode(), "User": user,
        "CommandLine": MARKER, "Computer": f"host-{number}", "Image": "C:\\marker.exe",
    }  # fmt: skip
    return user, msgspec.json.encode(record) + b"\n"


def flood(port: int, rate: int, seconds: float) -> int:
    """Send datagrams at a rate, or as fast as that goes; how many."""
    text = b"<134>1 %b fw%d kernel - - - IN=eth0 SRC=192.0.2.%d DST=198.51.100.7 PROTO=UDP SPT=53 DPT=%d LEN=60 " + (
        b"TTL=54 ID=0 DF" * 8
    )
    sent, began = 0, time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while (passed := time.monotonic() - began) < seconds:
            now = stamp()
            for _ in range(min(2_000, int(passed * rate) - sent)):
                sender.sendto(text % (now, sent % 9, sent % 250, sent % 60_000), ("127.0.0.1", port))
                sent += 1
            time.sleep(0.005)
    return sent


if __name__ == "__main__":  # a process of its own: python -m benchmarks.load.source PORT RATE SECONDS
    sys.stdout.write(str(flood(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))

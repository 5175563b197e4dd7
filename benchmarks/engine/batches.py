"""The matcher as Python calls it: ``python -m benchmarks.engine.batches buffers|lines FORM EVENTS`` prints the figures.

Events are in memory, cut into the same pieces that the Rust program cuts, before time begins.
"""

import resource
import sys
import time
from pathlib import Path

import msgspec

from benchmarks.programs import Figures
from correlator._engine import Matcher

CHUNK = 1 << 20


def main() -> None:
    """Match all and print what it took."""
    way, form, events = sys.argv[1:]
    matcher = Matcher(Path(form).read_bytes())
    chunks = cut(Path(events).read_bytes())
    figures = match_buffers(matcher, chunks) if way == "buffers" else match_lines(matcher, chunks)
    figures.rules = matcher.rules
    sys.stdout.buffer.write(msgspec.json.encode(figures) + b"\n")


def cut(data: bytes) -> list[bytes]:
    """Pieces of about a mebibyte that end where a line ends."""
    chunks, start = [], 0
    while start < len(data):
        end = data.find(b"\n", start + CHUNK) + 1 or len(data)
        chunks.append(data[start:end])
        start = end
    return chunks


def match_buffers(matcher: Matcher, chunks: list[bytes]) -> Figures:
    """As ``impetus match`` calls it."""
    began, processor = time.perf_counter(), time.process_time()
    events = matches = 0
    for chunk in chunks:
        scan = matcher.scan(chunk, False)
        events += scan.events
        matches += len(scan.matches)
    return _figures(events, chunks, matches, began, processor)


def match_lines(matcher: Matcher, chunks: list[bytes]) -> Figures:
    """As the correlator calls it: every event is an object of its own already."""
    batches = [chunk.splitlines() for chunk in chunks]
    began, processor = time.perf_counter(), time.process_time()
    matches = sum(len(matcher.match(batch)) for batch in batches)
    return _figures(sum(map(len, batches)), chunks, matches, began, processor)


def _figures(events: int, chunks: list[bytes], matches: int, began: float, processor: float) -> Figures:
    seconds, cpu = time.perf_counter() - began, time.process_time() - processor
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Figures(events, sum(map(len, chunks)), matches, seconds, cpu, memory)


if __name__ == "__main__":
    main()

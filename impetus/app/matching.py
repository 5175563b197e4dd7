"""Single-event rules over events as they are: buffers of lines in, matches out, in the order of the lines."""

import json
import time
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

import msgspec

from correlator._engine import Matcher, Scan
from impetus.app.engine import Refusal
from impetus.domain.errors import ImpetusError, Where
from rules.load import Loaded, load

BUFFER = 1 << 20
"""Bytes that are matched at a time: few enough to stay in the processor's cache, enough to make calls cheap."""

MAX_LINE = 64 << 20
"""Longest event, in bytes, that the engine looks at; the rest of a longer one is not even kept."""

NAMED = 20
"""Malformed events that are named one by one in each file; the others are counted."""


@dataclass(frozen=True)
class Rules:
    """Rules ready to match, and why others are not."""

    matcher: Matcher
    matches: tuple[bytes, ...]
    """For each rule what is printed after the number of the line."""
    problems: tuple[ImpetusError, ...]
    correlations: int
    """How many there were: they are no single-event rules."""

    @classmethod
    def load(cls, paths: Sequence[Path], pipelines: Sequence[str]) -> "Rules":
        """Load and compile. Raises ``ImpetusError`` where a path is not there or a pipeline cannot be used."""
        for path in paths:
            if not path.exists():
                raise ImpetusError("rule.unreadable", "there is no such file or folder", Where(str(path)))
        loaded = load(paths, pipelines, raw=not pipelines)
        try:
            matcher = Matcher(loaded.rules.form)
        except ValueError as error:
            loaded = _without_refused(loaded, str(error))
            matcher = Matcher(loaded.rules.form)
        single = [rule for rule in loaded.rules.rules if not rule.correlation]
        matches = tuple(b', "rule": %b}\n' % json.dumps(rule.id).encode() for rule in single)
        return cls(matcher, matches, loaded.problems, len(loaded.rules.rules) - len(single))


@dataclass
class Tally:
    """What was read and found."""

    events: int = 0
    """Lines that are JSON objects."""
    bytes: int = 0
    matches: int = 0
    seconds: float = 0.0
    """From the first byte read to the last match; loading the rules is not in it."""
    malformed: list[ImpetusError] = field(default_factory=list)
    """The first ``NAMED`` malformed events of each file."""
    malformed_total: int = 0


@dataclass(frozen=True)
class _Chunk:
    file: str
    data: bytes
    first: bool
    """Whether it is the first of its file."""


class Matching:
    """One pass over files. Lines are counted from 1, on from file to file, as if the files were one."""

    def __init__(self, rules: Rules, every: bool = False, workers: int = 1) -> None:
        """``every`` tries each rule on each event whatever its log source; ``workers`` is a number of threads."""
        self.tally = Tally()
        self._rules = rules
        self._every = every
        self._workers = workers

    def run(self, files: Iterable[tuple[str, BufferedReader]], write: Callable[[bytes], object] | None) -> None:
        """Match all; ``write`` is given the matches as lines of JSON, without it they are only counted."""
        started = time.perf_counter()
        before = in_file = 0
        for chunk, scan in self._scans(_chunks(files)):
            in_file = 0 if chunk.first else in_file
            self._count(chunk, scan, in_file)
            if write and scan.matches:
                lines = (
                    b'{"line": %d%b' % (before + line + 1, self._rules.matches[rule]) for line, rule in scan.matches
                )
                write(b"".join(lines))
            before += scan.lines
            in_file += scan.lines
        self.tally.seconds = time.perf_counter() - started

    def _count(self, chunk: _Chunk, scan: Scan, in_file: int) -> None:
        tally = self.tally
        if chunk.first:
            self._named = 0
        tally.events += scan.events
        tally.bytes += len(chunk.data)
        tally.matches += len(scan.matches)
        tally.malformed_total += len(scan.malformed)
        for line in scan.malformed[: NAMED - self._named]:
            self._named += 1
            what = "no JSON object, or over 64 MiB or a million values"
            tally.malformed.append(ImpetusError("event.malformed", what, Where(chunk.file, in_file + line + 1)))

    def _scan(self, chunk: _Chunk) -> Scan:
        return self._rules.matcher.scan(chunk.data, self._every)

    def _scans(self, chunks: Iterator[_Chunk]) -> Iterator[tuple[_Chunk, Scan]]:
        """The chunks scanned, in their order, no more than a few of them in memory."""
        if self._workers == 1:
            yield from ((chunk, self._scan(chunk)) for chunk in chunks)
            return
        pending: deque[tuple[_Chunk, Future[Scan]]] = deque()
        with ThreadPoolExecutor(self._workers) as pool:
            for chunk in chunks:
                pending.append((chunk, pool.submit(self._scan, chunk)))
                if len(pending) > 2 * self._workers:
                    done, scan = pending.popleft()
                    yield done, scan.result()
            yield from ((done, scan.result()) for done, scan in pending)


def _without_refused(loaded: Loaded, refusals: str) -> Loaded:
    found = msgspec.json.decode(refusals, type=list[Refusal])
    return loaded.without({refusal.rule: f"{refusal.op}: {refusal.what}" for refusal in found})


def _chunks(files: Iterable[tuple[str, BufferedReader]]) -> Iterator[_Chunk]:
    for name, file in files:
        try:
            for number, data in enumerate(_lines(file)):
                yield _Chunk(name, data if number else data.removeprefix(BOM_UTF8), number == 0)
        except OSError as error:
            what = f"the events cannot be read: {error.strerror}"
            raise ImpetusError("source.unreadable", what, Where(name)) from error


def _lines(file: BufferedReader) -> Iterator[bytes]:
    """Whole lines, about ``BUFFER`` bytes of them at a time; of a pipe, those that are there already."""
    begun = bytearray()
    while data := file.read1(BUFFER):
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join((begun, memoryview(data)[:end]))
            begun = bytearray(data[end:])
        elif len(begun) <= MAX_LINE:
            begun += data
    if begun:
        yield bytes(begun)

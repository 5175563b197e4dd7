"""The corpus beside the repository (``shared/bench``), unpacked: real Windows and Zeek events, and SigmaHQ's rules."""

import io
import itertools
import random
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import zstandard

from benchmarks.results import ROOT

BENCH = ROOT.parent / "shared" / "bench"
WINDOW = 1 << 27
SEED = 6
"""Of the order in which rules are drawn: the same for every engine, and the fewer are among the more."""


def read_events(count: int | None = None) -> Iterator[bytes]:
    """The first events, all where no number is given; the corpus is shuffled."""
    with (BENCH / "windows-zeek-327k.ndjson.zst").open("rb") as file:
        stream = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file)
        yield from itertools.islice(io.BufferedReader(stream, 1 << 20), count)


def unpack_events(folder: Path, count: int | None = None) -> Path:
    """A file of the first events."""
    events = folder / "events.ndjson"
    with events.open("wb") as unpacked:
        unpacked.writelines(read_events(count))
    return events


def unpack_rules(folder: Path) -> Path:
    """A folder of all rules."""
    rules = folder / "sigmahq"
    with (
        (BENCH / "sigmahq-rules-3141.tar.zst").open("rb") as packed,
        zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(packed) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        archive.extractall(rules, filter="data")
    return rules


def draw_rules(rules: Path, count: int, folder: Path) -> Path:
    """A folder of so many rules, drawn with ``SEED`` from the files in the order of their paths."""
    files = sorted(rules.rglob("*.yml"))
    random.Random(SEED).shuffle(files)
    return copy_rules(files[:count], folder)


def copy_rules(files: list[Path], folder: Path) -> Path:
    """A folder of some rules, numbered in case two are called the same."""
    folder.mkdir()
    for number, file in enumerate(files):
        shutil.copy(file, folder / f"{number:04}-{file.name}")
    return folder

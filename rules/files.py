"""Files of rules: found in folders, and read as they are at one moment, within bounds."""

import os
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from impetus.domain.errors import ImpetusError, Where

MAX_BYTES = 1 << 20
"""Largest rule file that is read."""

SUFFIXES = {".yml", ".yaml"}
TESTS = "tests"
"""Folders of this name hold no rules."""


class RuleFile(NamedTuple):
    """A file as it was read: its bytes, or why there are none."""

    path: str
    data: bytes | ImpetusError


def find(paths: Sequence[Path]) -> Iterator[Path]:
    """Rule files in the order of their names: files as given, directories searched to the bottom."""
    for path in paths:
        if path.is_dir():
            yield from sorted(_within(path), key=lambda file: file.parts)
        else:
            yield path


def _within(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != TESTS]
        for name in names:
            file = Path(parent, name)
            if file.suffix in SUFFIXES and file.is_file():
                yield file


def read_files(paths: Sequence[Path]) -> list[RuleFile]:
    """All rule files of some files and folders, each read once: what is made of them is made of this."""
    return [read_file(path) for path in find(paths)]


def read_file(path: Path) -> RuleFile:
    """A file; one that cannot be read, or is too large, says so instead."""
    where = Where(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return RuleFile(str(path), ImpetusError("rule.unreadable", f"the file cannot be read: {error.strerror}", where))
    if len(data) > MAX_BYTES:
        what = f"the file is larger than {MAX_BYTES} bytes"
        return RuleFile(str(path), ImpetusError("rule.unreadable", what, where, "Split it"))
    return RuleFile(str(path), data)


def digest(files: Iterable[RuleFile]) -> bytes:
    """What is another as soon as one of the files, or its name, is."""
    state = blake2b(digest_size=16)
    for path, data in files:
        for part in (path.encode(errors="surrogateescape"), data if isinstance(data, bytes) else str(data).encode()):
            state.update(len(part).to_bytes(8, "little"))
            state.update(part)
    return state.digest()

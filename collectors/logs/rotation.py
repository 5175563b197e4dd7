"""Which files to read, in which order, so that a rotation loses nothing and repeats nothing."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from collectors.logs.file import PACKED, LogFile, Position

MAX_ROTATED = 100
"""So many files of one log are looked at; a rotation keeps fewer."""


class Trail(NamedTuple):
    """Open files in the order to read them; the first one goes on at ``position``, the others start at 0."""

    files: list[LogFile]
    position: Position | None
    lost: bool = False
    """The file that the position is in is gone, with what stood behind it."""


def follow_trail(path: Path, position: Position | None) -> Trail:
    """Find the position again: in the file itself, else in one that a rotation made of it (renamed, or copied).

    Files that were rotated after that one are read whole in between, oldest first. Raises ``OSError`` if the
    file itself cannot be opened.
    """
    newest = LogFile(path)
    if position is None or (newest.is_of(position) and newest.holds(position)):
        return Trail([newest], position)
    files = [*_rotated(path), newest]
    holding = [file for file in files if file.holds(position)]
    # The very file under another name comes before the one in its place, which may begin with the same lines.
    own = next((file for file in holding if file.is_of(position)), None)
    found = own or (newest if newest in holding else next(iter(holding), newest))
    at = files.index(found)
    _close(files[:at])
    return Trail(files[at:], position, lost=False) if holding else Trail(files[at:], None, lost=True)


def _rotated(path: Path) -> Iterator[LogFile]:
    """The rotated files of a log (``log.1``, ``log-20270517``), the oldest first."""
    name = re.compile(re.escape(path.name) + r"[.-][\w.-]{1,64}")
    found = []
    for sibling in path.parent.iterdir():
        if name.fullmatch(sibling.name) and sibling.suffix not in PACKED:
            with contextlib.suppress(OSError):
                found.append((sibling.stat().st_mtime_ns, sibling))
    for _, sibling in sorted(found)[-MAX_ROTATED:]:
        with contextlib.suppress(OSError):
            if sibling.is_file():
                yield LogFile(sibling)


def _close(files: list[LogFile]) -> None:
    for file in files:
        file.close()

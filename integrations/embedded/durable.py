"""Files that are there as a whole, whenever the power fails."""

import os
import shutil
from pathlib import Path
from typing import IO


def sync(path: Path) -> None:
    """Bring what is written to a file, or named in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy(source: Path, target: Path) -> Path:
    """Copy a file for its owner alone; on the disk when it returns."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with source.open("rb") as read, os.fdopen(descriptor, "wb") as write:
        shutil.copyfileobj(read, write, 1 << 20)
        flush(write)
    return target


def flush(file: IO[bytes]) -> None:
    """Bring what was written to an open file to the disk."""
    file.flush()
    os.fsync(file.fileno())

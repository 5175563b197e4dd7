"""Disks that fill up under the store of a running program, and have room again."""

import resource
import shutil
import subprocess
from asyncio.subprocess import Process
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Where a store lies."""

    def fill(self, process: Process) -> None:
        """From now on, or soon, a program can write no more."""

    def free(self, process: Process) -> None:
        """There is room again."""


class Tmpfs:
    """A small file system of its own: writing fails with ENOSPC. Wants the right to mount."""

    SMALL, LARGE = "2m", "1g"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._mount("-t", "tmpfs", "-o", f"size={self.SMALL}", "tmpfs", str(folder))

    @staticmethod
    def possible(folder: Path) -> bool:
        """Whether this user may mount here."""
        if shutil.which("mount") is None:
            return False
        try:
            Tmpfs(folder).remove()
        except subprocess.CalledProcessError:
            return False
        return True

    def fill(self, process: Process) -> None:
        """It is small: what is taken in fills it."""

    def free(self, process: Process) -> None:
        self._mount("-o", f"remount,size={self.LARGE}", str(self.folder))

    def remove(self) -> None:
        """Take it away, with all that is on it."""
        subprocess.run(["umount", str(self.folder)], check=True, capture_output=True)

    def _mount(self, *arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)


class Quota:
    """A bound on the size of files, set on the running program: writing fails with EFBIG. Anyone may."""

    def __init__(self, store: Path, more: int = 200_000) -> None:
        self._store, self._more = store, more

    def fill(self, process: Process) -> None:
        log = self._store.with_name(self._store.name + "-wal")
        self._limit(process, max(self._store.stat().st_size, log.stat().st_size) + self._more)

    def free(self, process: Process) -> None:
        if process.returncode is None:
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            self._limit(process, hard)

    def _limit(self, process: Process, size: int) -> None:
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))

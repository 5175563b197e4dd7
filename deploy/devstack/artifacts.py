"""The jars of the servers: brought by Maven as ``pom.xml`` says, and compared with the digests in the lock file."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.devstack.failure import MissingError, StackError

HERE = Path(__file__).parent
LOCK = HERE / "artifacts.sha256"
_TIMEOUT = 600
"""Seconds in which Maven has to bring about 100 MB."""


def fetch(cache: Path | None = None) -> Path:
    """A folder with a folder of jars for each server. Fetched once for each lock file, compared each time.

    Raises ``MissingError`` without Maven or where it finds no source, ``StackError`` where a jar is not the one that
    was locked.
    """
    locked = LOCK.read_bytes()
    cache = cache or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "impetus"
    folder = cache / f"devstack-{hashlib.sha256(locked).hexdigest()[:12]}"
    if not folder.is_dir():
        _bring(folder)
    compare(folder, read_lock())
    return folder


def read_lock() -> dict[str, str]:
    """Jar (``kafka/kafka-clients-….jar``) → SHA-256."""
    rows = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines())
    return {path: digest for digest, path in rows}


def compare(folder: Path, locked: dict[str, str]) -> None:
    """Raise ``StackError`` unless a folder holds exactly the jars that are locked."""
    found = digests(folder)
    wrong = sorted(path for path in found.keys() | locked.keys() if found.get(path) != locked.get(path))
    if wrong:
        what = f"{len(wrong)} jars are not as locked, {wrong[0]} the first of them"
        raise StackError(f"{what}: remove {folder}; if pom.xml was changed, python -m deploy.devstack lock")


def digests(folder: Path) -> dict[str, str]:
    """The jars below a folder, each with its SHA-256."""
    found = sorted(folder.glob("*/*.jar"))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def lock() -> int:
    """Write the lock file anew from what ``pom.xml`` says now; returns how many jars that is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "jars"
        _bring(folder)
        found = digests(folder)
    LOCK.write_text("".join(f"{digest}  {path}\n" for path, digest in found.items()), encoding="utf-8")
    return len(found)


def _bring(folder: Path) -> None:
    """Let Maven copy the jars; the folder appears whole or not at all."""
    if shutil.which("mvn") is None:
        raise MissingError("Maven is missing: apt-get install maven")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        part = Path(name) / "jars"
        target = f"-DoutputDirectory={part}/${{project.artifactId}}"
        command = ["mvn", "--batch-mode", "--quiet", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        done = subprocess.run([*command, target], capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        if done.returncode != 0:
            raise MissingError(f"Maven cannot bring the servers; has it a mirror? {done.stdout[-2000:]}")
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another start was faster
                raise

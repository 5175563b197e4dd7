"""Instructions by source, out of what callgrind writes.

A line of code that the compiler put into another function counts where it was written, not where it was put; the
standard library's counts where it was called from, as far as it was put there.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

CRATE = re.compile(r"/registry/src/[^/]+/(?P<name>.+?)-\d+\.\d[^/]*/")
OURS = re.compile(r"(?:^|/)(?P<crate>matcher|bench)/src/(?P<module>\w+)")
PEER = re.compile(r"/(?P<crate>rsigma-\w+)-\d[^/]*/src/(?P<module>\w+)")
STANDARD = re.compile(r"/rustc/|/library/(?:core|alloc|std)/|/rust/deps/")
NAME = re.compile(r"\((?P<number>\d+)\)(?: (?P<name>.*))?")


def count(command: Sequence[str], out: Path) -> Counter[str]:
    """Instructions of a command, by source."""
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command]
    subprocess.run(valgrind, check=True, capture_output=True)
    with out.open(encoding="utf-8", errors="replace") as lines:
        return read(lines)


def read(lines: Iterable[str]) -> Counter[str]:
    """Instructions by source, out of the lines of a profile."""
    counts: Counter[str] = Counter()
    for function, file, library, instructions in _costs(lines):
        counts[_source(function, file, library)] += instructions
    return counts


def _costs(lines: Iterable[str]) -> Iterator[tuple[str, str, str, int]]:
    """For each line of code: file of the function, file of the line, library, and the instructions it took itself."""
    names: dict[tuple[str, str], str] = {}
    place = {"fl": "", "fi": "", "ob": ""}
    inclusive = False
    for line in lines:
        key, equals, value = line.rstrip("\n").partition("=")
        if equals and key in {"fl", "fi", "fe", "ob"}:
            name = _name(names, "ob" if key == "ob" else "fl", value)
            place["ob" if key == "ob" else "fi"] = name
            if key == "fl":
                place["fl"] = name
        elif equals and key in {"cfi", "cfl", "cob"}:
            _name(names, "ob" if key == "cob" else "fl", value)
        elif equals and key == "calls":
            inclusive = True
        elif line[:1] in "0123456789+-*" and (words := line.split()) and len(words) == 2:
            if not inclusive:
                yield place["fl"], place["fi"], place["ob"], int(words[1])
            inclusive = False


def _name(names: dict[tuple[str, str], str], kind: str, value: str) -> str:
    """A name, which callgrind writes out only the first time."""
    found = NAME.match(value)
    if not found:
        return value
    key = (kind, found["number"])
    if found["name"] is not None:
        names[key] = found["name"]
    return names.get(key, "")


def _source(function: str, file: str, library: str) -> str:
    for path in (file, function):
        if named := _named(path):
            return named
    if "valgrind" in library or not library:
        return "other"
    return Path(library).name if ".so" in library else "standard library, by itself"


def _named(path: str) -> str | None:
    if STANDARD.search(path):
        return None
    if found := PEER.search(path):
        return f"{found['crate']} {found['module']}"
    if found := CRATE.search(path):
        return found["name"]
    if found := OURS.search(path):
        return f"{found['crate']} {found['module']}"
    return None

"""``docs/city.md`` as a city team follows it: every command that it shows prints what it shows."""

import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import OSLO, impetus_here

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "city.md").read_text(encoding="utf-8")
WINDOW = 120


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)
    assert found is not None
    return found[1]


def steps() -> Iterator[tuple[str, str]]:
    """Each command of the document with what is printed below it, in order."""
    for found in re.findall(r"^```console\n(.*?)^```", TEXT, re.M | re.S):
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", found, re.M)


def run(command: str) -> str:
    if not command.startswith("impetus "):
        subprocess.run(command, shell=True, check=True)
        return ""
    words, _, tail = command.partition(" | tail -n ")
    done = impetus_here(*shlex.split(words)[1:])
    lines = (done.err + done.out).splitlines(keepends=True)
    return "".join(lines[-int(tail) :] if tail else lines)


def undated(printed: str) -> str:
    """Where a plan stands depends on today."""
    return re.sub(r": (approved|in force|over), ", ": approved, ", printed)


def start() -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-m", "impetus.app", "run"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + WINDOW
    while "source oslo-17-may is finished" not in impetus_here("doctor").out:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    return process


def test_the_way_through_the_document_is_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("city.yml", "plan.yml", "events.ndjson"):
        (tmp_path / name).write_bytes((OSLO / name).read_bytes())
    (tmp_path / "squares.geojson").write_text(block("json"))
    (tmp_path / "impetus.toml").write_text(block("toml"))
    process = None
    try:
        for command, printed in steps():
            if command == "impetus incidents":
                process = start()
            assert undated(run(command)) == undated(printed), command
    finally:
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.wait(WINDOW)
    assert process is not None

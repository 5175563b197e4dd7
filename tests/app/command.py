"""The command ``impetus`` as people start it."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from impetus.app.cli import main

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"
OSLO = DEMO / "oslo-17-may"
DAY = ("--city", str(OSLO / "city.yml"), "--plan", str(OSLO / "plan.yml"))


class Done(msgspec.Struct):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[Any]:
        """Standard output as JSON, one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def impetus(*arguments: str | Path, stdin: bytes = b"", folder: Path | None = None, timeout: float = 60) -> Done:
    """Run a command to its end."""
    command = [sys.executable, "-m", "impetus.app", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, cwd=folder, capture_output=True, timeout=timeout, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def impetus_here(*arguments: str | Path) -> Done:
    """The same in this process, which need not load the program again."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(argument) for argument in arguments])
    return Done(status, out.getvalue(), err.getvalue())

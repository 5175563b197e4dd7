"""A restart with a million window keys: from the start of the process to the first event correlated.

    python -m benchmarks.restart                       20 restarts with a million keys
    python -m benchmarks.restart --keys 1000000 --restarts 100 --write
    python -m benchmarks.restart --rules all           the same with the shipped rules and those of SigmaHQ beside it

A store is filled by ``impetus run --once`` with logins of so many users, one each, which a rule counts over a day: a
key of the windows for each user. Then the program is started again and again on a file that it follows. One more login
of a known user is in it, with which that user's count is reached; when a reader of the store, polling every 5 ms, finds
the incident, the program is killed by signal 9. So each start recovers from a kill. The time runs from before the
process is started; processor time is that of the process until then.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from benchmarks.corpus import unpack_rules
from benchmarks.pipeline import machine
from benchmarks.results import commit, write_section
from integrations.embedded.store import EmbeddedStore

HEADING = "# Restart"
POLL = 0.005
PATIENCE = 600.0
NOON = datetime(2027, 5, 17, 12, tzinfo=UTC)
RULES = """title: Login
id: 0a5d0c0e-0000-4000-8000-000000000001
name: login
logsource: {product: load}
detection: {selection: {event.action: login}, condition: selection}
level: informational
---
title: Two logins
id: 0a5d0c0e-0000-4000-8000-000000000002
correlation: {type: event_count, rules: [login], group-by: [user.name], timespan: 1d, condition: {gte: 2}}
level: high
"""
PATHS = {"two": '["rules.yml"]', "all": '["rules.yml", "shipped", "sigmahq"]'}
SETTINGS = """[rules]
paths = {paths}
[api]
listen = "unix:i.sock"
[log]
level = "warning"
[[source]]
name = "logins"
kind = "json_lines"
path = "logins.ndjson"
"""


class Restart(msgspec.Struct):
    """One restart: seconds from the start to the incident, and processor time of the process until then."""

    seconds: float
    processor: float


def main() -> None:
    """Fill, restart, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--rules", choices=PATHS, default="two")
    parser.add_argument("--write", action="store_true", help="put the section into benchmarks/RESULTS.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="restart-") as name:
        folder = Path(name)
        _fill(folder, options.keys, options.rules)
        size = (folder / "impetus.db").stat().st_size
        done = [_restart(folder, number, options.keys) for number in range(options.restarts)]
    report = _report(done, options, size)
    sys.stdout.write(report)
    if options.write:
        write_section(report)


def _line(number: int, user: int) -> str:
    now = (NOON + timedelta(milliseconds=number * 10)).isoformat()
    event = {"id": f"e{number}", "provider": "test", "created": now, "action": "login"}
    record = {"@timestamp": now, "event": event, "logsource": {"product": "load"}, "user": {"name": f"user-{user:08}"}}
    return json.dumps(record) + "\n"


def _fill(folder: Path, keys: int, rules: str) -> None:
    (folder / "rules.yml").write_text(RULES)
    if rules == "all":
        unpack_rules(folder)
    settings = SETTINGS.replace("{paths}", PATHS[rules])
    (folder / "impetus.toml").write_text(settings + "follow = true\n")
    (folder / "once.toml").write_text(settings)
    with (folder / "logins.ndjson").open("w") as file:
        file.writelines(_line(number, number) for number in range(keys))
    subprocess.run([*_run(folder, "once.toml"), "--once"], env=_environment(folder), check=True)


def _run(folder: Path, settings: str) -> list[str]:
    return [sys.executable, "-m", "impetus.app", "run", "--config", str(folder / settings)]


def _environment(folder: Path) -> dict[str, str]:
    """With compiled modules, as an installed program has them, whatever is set here."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def _restart(folder: Path, number: int, keys: int) -> Restart:
    with (folder / "logins.ndjson").open("a") as file:
        file.write(_line(keys + number, number * 7919 % keys))
    with closing(EmbeddedStore(folder / "impetus.db")) as store:
        cursor = store.cursor()
        began = time.monotonic()
        process = subprocess.Popen(_run(folder, "impetus.toml"), env=_environment(folder))
        try:
            for _ in _until(began, process):
                if store.cursor() > cursor:
                    return Restart(time.monotonic() - began, _processor_time(process.pid))
            raise RuntimeError("the event was not correlated")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def _until(began: float, process: "subprocess.Popen[bytes]") -> Iterator[None]:
    while process.poll() is None and time.monotonic() - began < PATIENCE:
        yield
        time.sleep(POLL)


def _processor_time(pid: int) -> float:
    """Seconds of all cores that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _report(done: Sequence[Restart], options: argparse.Namespace, size: int) -> str:
    seconds, processor = sorted(one.seconds for one in done), sorted(one.processor for one in done)
    worst = max(0, -(-len(seconds) * 99 // 100) - 1)
    return "\n".join([
        HEADING if options.rules == "two" else f"{HEADING} with all rules",
        "",
        "From the start of the process, after a kill by signal 9, to the incident that the first event completes with",
        "a key of the windows from before.",
        f"`.venv/bin/python -m benchmarks.restart --rules {options.rules} --restarts 100 --write`.",
        "",
        "| | |",
        "|---|---|",
        f"| date, commit | {datetime.now(UTC):%Y-%m-%d}, {commit()} |",
        f"| machine | {machine()}, load average {os.getloadavg()[0]:.1f} when it ended |",
        f"| keys of windows | {options.keys:,}; store {size >> 20} MiB |",
        f"| restarts | {len(done)} |",
        f"| seconds by the clock | median {statistics.median(seconds):.2f}, p99 {seconds[worst]:.2f} |",
        f"| seconds of processor | median {statistics.median(processor):.2f}, p99 {processor[worst]:.2f} |",
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()

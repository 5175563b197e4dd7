"""A program whose store was damaged while it was stopped starts, serves the rest, takes in, and says so."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command import impetus, impetus_here

WINDOW = 60.0
RULES = """title: Login
id: 0a5d0c0e-0000-4000-8000-000000000001
name: login
logsource: {product: load}
detection: {selection: {event.action: login}, condition: selection}
level: informational
---
title: Many logins
id: 0a5d0c0e-0000-4000-8000-000000000002
correlation: {type: event_count, rules: [login], group-by: [user.name], timespan: 1h, condition: {gte: 3}}
level: high
"""

SETTINGS = """[rules]
paths = ["rules.yml"]
[api]
listen = "unix:i.sock"
[log]
level = "warning"
[[source]]
name = "gate"
kind = "json_lines"
path = "events.ndjson"
follow = true
"""
SELF = Path(__file__).resolve().parents[2] / "rules" / "sigma" / "self"
SOON = """
import sys
from impetus.app import inspecting
from impetus.app.cli import main
inspecting.Inspecting.__init__.__defaults__ = (0.1,)
sys.exit(main(sys.argv[1:]))
"""
"""The program, that does not wait half a minute before it looks through its store."""


def line(number: int, user: int, when: str = "") -> str:
    when = when or f"2027-05-17T10:00:{number % 60:02}Z"
    event = {"id": f"e{number}", "provider": "test", "created": when, "action": "login"}
    return json.dumps(
        {"@timestamp": when, "event": event, "logsource": {"product": "load"}, "user": {"name": f"u{user}"}}
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rules.yml").write_text(RULES)
    config = tmp_path / "impetus.toml"
    config.write_text(SETTINGS)
    # Two logins of each of a thousand users: with a third there is an alert.
    lines = [line(number, number % 1_000) for number in range(2_000)]
    (tmp_path / "events.ndjson").write_text("\n".join(lines) + "\n")
    once = tmp_path / "once.toml"
    once.write_text(config.read_text().replace("follow = true\n", ""))
    done = impetus("run", "--once", "--config", once, timeout=WINDOW)
    assert done.status == 0, done.err
    return config


def damage_windows(store: Path) -> None:
    """Zero a page of rows of windows, and flip a bit of a row of another."""
    with sqlite3.connect(store) as connection:
        rows = connection.execute("SELECT value FROM state WHERE space = 'windows' ORDER BY rowid").fetchall()
    connection.close()
    data = bytearray(store.read_bytes())
    page = data.index(rows[len(rows) // 2][0]) // 8_192
    data[page * 8_192 : (page + 1) * 8_192] = bytes(8_192)
    data[data.index(rows[-5][0]) + 12] ^= 1
    store.write_bytes(data)


def test_it_starts_and_says_what_is_damaged(config: Path) -> None:
    store, events = config.with_name("impetus.db"), config.with_name("events.ndjson")
    damage_windows(store)
    deep = impetus_here("doctor", "--deep", "--config", config)
    assert deep.status == 1
    assert "offset" in deep.out
    assert "[store.damaged]" in deep.out
    process = subprocess.Popen(
        [sys.executable, "-m", "impetus.app", "run", "--config", str(config)], stderr=subprocess.PIPE
    )
    try:
        with events.open("a") as file:
            file.write("".join(line(2_000 + user, user) + "\n" for user in range(1_000)))
        wait(process, lambda: events_of(config) >= 3_000)
        doctor = impetus_here("doctor", "--config", config)
        incidents = impetus_here("incidents", "--config", config, "--json", "list", "--limit", "5000").objects
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert process.wait(WINDOW) == 0, said
    assert "store damaged" in said
    assert "[store.damaged]" in doctor.out
    # Whose rows are lost begins anew; all others go on.
    assert 700 < len(incidents) < 1_000


def flip_in_block(store: Path) -> None:
    """Flip a bit of the lines of a block, which no start and no detection reads."""
    with sqlite3.connect(store) as connection:
        (lines,) = connection.execute("SELECT lines FROM block ORDER BY number LIMIT 1").fetchone()
    connection.close()
    data = bytearray(store.read_bytes())
    data[data.index(lines[:64]) + 32] ^= 1
    store.write_bytes(data)


def test_after_a_kill_damage_that_nothing_reads_is_found_and_becomes_an_incident(tmp_path: Path) -> None:
    config = tmp_path / "impetus.toml"
    config.write_text(SETTINGS.replace('"rules.yml"', f'"{SELF}"'))
    # What Impetus tells of itself is of now, and so are these.
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (tmp_path / "events.ndjson").write_text("".join(line(number, number, now) + "\n" for number in range(100)))
    process = subprocess.Popen([sys.executable, "-m", "impetus.app", "run", "--config", str(config)])
    wait(process, lambda: events_of(config) >= 100)
    process.kill()
    process.wait()
    flip_in_block(config.with_name("impetus.db"))
    process = subprocess.Popen([sys.executable, "-c", SOON, "run", "--config", str(config)], stderr=subprocess.PIPE)
    try:
        wait(process, lambda: incidents(config))
        (found,) = incidents(config)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WINDOW)
    assert found["severity"] == "SEVERITY_MEDIUM"


def events_of(config: Path) -> int:
    """So many events are in; what Impetus tells of itself is among them."""
    said = re.search(r"(\d+) events", impetus_here("doctor", "--config", config).out)
    return int(said[1]) if said else 0


def incidents(config: Path) -> list[Any]:
    """Those that the store's damage raised."""
    listed = impetus_here("incidents", "--config", config, "--json", "list").objects
    return [one for one in listed if "damaged" in one["title"].lower()]


def wait(process: "subprocess.Popen[bytes]", holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WINDOW
    while not holds():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.2)

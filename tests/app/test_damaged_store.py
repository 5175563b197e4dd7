"""A program whose store was damaged while it was stopped starts, serves the rest, takes in, and says so."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

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


def line(number: int, user: int) -> str:
    event = {"id": f"e{number}", "provider": "test", "created": "2027-05-17T10:00:00Z", "action": "login"}
    when = f"2027-05-17T10:00:{number % 60:02}Z"
    return json.dumps(
        {"@timestamp": when, "event": event, "logsource": {"product": "load"}, "user": {"name": f"u{user}"}}
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rules.yml").write_text(RULES)
    config = tmp_path / "impetus.toml"
    config.write_text(
        '[rules]\npaths = ["rules.yml"]\n[api]\nlisten = "unix:i.sock"\n[log]\nlevel = "warning"\n'
        '[[source]]\nname = "gate"\nkind = "json_lines"\npath = "events.ndjson"\nfollow = true\n'
    )
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
        wait(process, lambda: "3000 events" in impetus_here("doctor", "--config", config).out)
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


def wait(process: "subprocess.Popen[bytes]", holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WINDOW
    while not holds():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.2)

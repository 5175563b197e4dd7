"""A collector that fails in a running service is on record: in the log, for rules, and for who asks."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import OSLO, impetus_here

WINDOW = 60.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Path]:
    """The settings of a running service whose one source has no file yet."""
    config = tmp_path / "impetus.toml"
    config.write_text(
        '[api]\nlisten = "unix:i.sock"\n[log]\nlevel = "error"\n'
        '[[source]]\nname = "gate"\nkind = "json_lines"\npath = "gate.ndjson"\nrecorded = true\n'
    )
    command = [sys.executable, "-m", "impetus.app", "run", "--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield config
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(WINDOW) == 0


def wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WINDOW
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def reports(config: Path) -> list[dict[str, Any]]:
    """The events of the log by which Impetus says how its collectors are, oldest first."""
    events = impetus_here("events", "--config", config, "--limit", "1000").objects
    own = [one for one in events if one.get("event", {}).get("dataset") == "impetus.collector_health"]
    return sorted(own, key=lambda one: str(one["@timestamp"]))


def test_a_source_that_cannot_be_read_is_down_until_it_can(service: Path) -> None:
    def doctor() -> str:
        return impetus_here("doctor", "--config", service).out

    wait(lambda: "[source.down]" in doctor())
    said = doctor()
    assert "warning  source gate: down since " in said
    assert "source gate is failed" in said
    (down,) = reports(service)
    assert (down["event"]["action"], down["collector"]["name"]) == ("down", "gate")
    assert "gate.ndjson" in json.dumps(down["event"]["reason"])
    (service.parent / "gate.ndjson").write_bytes((OSLO / "events.ndjson").read_bytes())
    wait(lambda: "source gate is finished" in doctor() and "[source.down]" not in doctor())
    # If it takes long to its end, it runs again before.
    (up,) = reports(service)[1:]
    assert up["event"]["action"] == "up"
    assert up["event"]["reason"] in {"came to its end", "runs again"}

"""A running program under the probes: red with reasons while a source is away, an incident for it, and green again."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command import impetus_here
from prometheus_client.parser import text_string_to_metric_families

WINDOW = 60.0


class Probed:
    """A running program whose one source has no file yet."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.folder, self.config = folder, folder / "impetus.toml"
        self.config.write_text(
            f'[api]\nlisten = "unix:i.sock"\n[log]\nlevel = "error"\n[metrics]\nlisten = "127.0.0.1:{self.port}"\n'
            '[[source]]\nname = "gate"\nkind = "json_lines"\npath = "gate.ndjson"\n'
        )
        command = [sys.executable, "-m", "impetus.app", "run", "--config", str(self.config)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, "{}"
        finally:
            connection.close()

    def ready(self) -> Any:
        return json.loads(self.get("/readyz")[1])

    def metrics(self) -> dict[tuple[str, str | None], float]:
        families = text_string_to_metric_families(self.get("/metrics")[1])
        return {(one.name, one.labels.get("source")): one.value for family in families for one in family.samples}

    def wait(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WINDOW
        while not holds():
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture
def probed(tmp_path: Path) -> Iterator[Probed]:
    probed = Probed(tmp_path)
    try:
        yield probed
    finally:
        probed.process.send_signal(signal.SIGTERM)
        assert probed.process.wait(WINDOW) == 0


def opened(number: int) -> dict[str, object]:
    """A door that was opened just now."""
    return {
        "@timestamp": datetime.now(UTC).isoformat(),
        "event": {"id": f"E-{number}", "action": "opened", "provider": "doors"},
        "logsource": {"product": "city", "category": "access_control"},
        "city": {"domain": "physical"},
    }


def titles(probed: Probed) -> list[str]:
    return [one["title"] for one in impetus_here("incidents", "--config", probed.config, "--json", "list").objects]


def test_what_ails_it_shows_to_probes_and_in_the_queue_until_it_is_over(probed: Probed) -> None:
    probed.wait(lambda: probed.ready().get("ready") is False)
    (down,) = (one for one in probed.ready()["conditions"] if one["kind"] == "collector_down")
    assert down["subject"] == "gate" and "gate.ndjson" in down["reason"] and down["hint"]
    assert probed.get("/healthz")[0] == 200
    probed.wait(lambda: titles(probed) == ["Collector of a source is down"])
    (probed.folder / "gate.ndjson").write_text("".join(f"{json.dumps(opened(n))}\n" for n in range(60)))
    probed.wait(lambda: probed.get("/readyz")[0] == 200)
    probed.wait(lambda: probed.metrics().get(("impetus_events_total", "gate")) == 60)
    assert probed.metrics()["impetus_source_up", "gate"] == 1
    (incident,) = (
        one
        for one in impetus_here("incidents", "--config", probed.config, "--json", "list").objects
        if one["title"] == "Collector of a source is down"
    )
    probed.wait(lambda: "up again" in impetus_here("incidents", "--config", probed.config, "show", incident["id"]).out)

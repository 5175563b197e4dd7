"""Metrics: what Prometheus gets, and the listener that probes ask."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from metrics_moment import DOWN, MOMENT, NOON, SKEWED
from prometheus_client.parser import text_string_to_metric_families

from impetus.app.health.reading import Reading
from impetus.app.metrics.catalogue import METRICS, MOST_VALUES, OTHERS, Metric, Moment
from impetus.app.metrics.exposition import Exposition
from impetus.app.metrics.listener import MOST_CLIENTS, MOST_HEAD, Listener, Probes
from impetus.domain.errors import ImpetusError


def samples(text: bytes) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(text.decode())
    return {(one.name, "".join(one.labels.values())): one.value for family in families for one in family.samples}


def test_prometheus_reads_what_is_there() -> None:
    found = samples(Exposition(lambda: MOMENT).write())
    assert found["impetus_events_total", "radio"] == 120
    assert found["impetus_rejects_total", "gate"] == 1
    assert found["impetus_late_events_total", "radio"] == 3
    assert found["impetus_alerts_total", "high"] == 2
    assert found["impetus_source_up", "gate"] == 0 and found["impetus_source_up", "radio"] == 1
    assert (
        found["impetus_source_holds_watermark", "radio"] == 1 and found["impetus_source_holds_watermark", "gate"] == 0
    )
    assert found["impetus_watermark_lag_seconds", ""] == 150
    assert found["impetus_windows_groups", "store"] == 5
    assert found["impetus_store_size_bytes", ""] == 4096
    assert found["impetus_disk_used_ratio", ""] == 0.5
    assert found["impetus_conditions", "collector_down"] == 1
    assert found["process_resident_memory_bytes", ""] > 0


def test_an_idle_system_has_metrics_too() -> None:
    assert samples(Exposition(lambda: Moment(Reading(NOON))).write())["impetus_waiting", ""] == 0


def test_names_follow_the_conventions_and_are_told_apart() -> None:
    names = [metric.prometheus for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("impetus.") and metric.name == metric.name.lower()
        assert metric.help.endswith(".")
        assert metric.unit in {"", "s", "By", "1"} or metric.unit.startswith("{")


def test_a_label_has_few_values_whatever_comes() -> None:
    metric = Metric("impetus.x", "counter", "", "X.", lambda m: m.reading.events, "source")
    found = metric.values(Moment(Reading(NOON, events={f"s{n}": 1 for n in range(1000)} | {"": 5})))
    assert len(found) == MOST_VALUES + 1
    assert sum(found.values()) == 1005 and found[OTHERS] == 805
    assert metric.values(Moment(Reading(NOON, events={"": 5}))) == {OTHERS: 5}


# --- the listener


class Asked:
    """A listener, and requests to it."""

    def __init__(self) -> None:
        self.conditions = [(DOWN, NOON), (SKEWED, NOON)]
        self.lives = True
        probes = Probes(Exposition(lambda: MOMENT).write, lambda: self.lives, lambda: self.conditions)
        self.listener = Listener("127.0.0.1:0", probes)

    async def send(self, request: bytes) -> tuple[str, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        try:
            writer.write(request)
            if request.endswith(b"\r\n\r\n"):
                answer = await reader.read()
            else:
                writer.write_eof()
                answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode().partition("\r\n")[0].removeprefix("HTTP/1.1 "), body

    async def get(self, path: str) -> tuple[str, bytes]:
        return await self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    asked = Asked()
    await asked.listener.start()
    yield asked
    await asked.listener.stop()


async def test_readiness_is_red_with_reasons_while_data_come_late(asked: Asked) -> None:
    status, body = await asked.get("/readyz")
    assert status == "503 Service Unavailable"
    answer = json.loads(body)
    assert not answer["ready"]
    assert answer["conditions"][0] == {
        "kind": "collector_down", "subject": "gate", "reason": "away", "hint": "mend it", "late": True,
        "since": "2027-05-17T12:00:00Z",
    }  # fmt: skip
    asked.conditions = [(SKEWED, NOON)]
    status, body = await asked.get("/readyz?verbose=1")
    assert (status, json.loads(body)["ready"], len(json.loads(body)["conditions"])) == ("200 OK", True, 1)
    asked.lives, asked.conditions = False, []
    assert (await asked.get("/readyz"))[0] == "503 Service Unavailable"


async def test_liveness_is_whether_it_still_steps(asked: Asked) -> None:
    assert await asked.get("/healthz") == ("200 OK", b'{"alive":true}\n')
    asked.lives = False
    assert (await asked.get("/healthz"))[0] == "503 Service Unavailable"


async def test_metrics_come_over_http(asked: Asked) -> None:
    status, body = await asked.get("/metrics")
    assert status == "200 OK"
    assert samples(body)["impetus_events_total", "radio"] == 120


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HEAD /healthz HTTP/1.0\r\n\r\n", "200 OK"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (b"GET /secrets HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"\xff\xfe\r\n\r\n", "400 Bad Request"),
        (b"GET / HTTP/2\r\n\r\n", "400 Bad Request"),
        (b"GET /" + b"x" * 2 * MOST_HEAD + b" HTTP/1.1\r\n\r\n", "431 Request Header Fields Too Large"),
        (b"GET /metrics", ""),
    ],
)
async def test_whatever_is_asked_is_answered_shortly(asked: Asked, request_: bytes, status: str) -> None:
    answer, body = await asked.send(request_)
    assert answer == status
    if request_.startswith(b"HEAD"):
        assert body == b""


async def test_clients_that_say_nothing_do_not_shut_others_out_for_long(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impetus.app.metrics.listener.PATIENCE", 0.2)
    silent = [await asyncio.open_connection("127.0.0.1", asked.listener.port) for _ in range(MOST_CLIENTS)]
    for reader, _ in silent:
        assert await reader.read() == b"", "they are closed"
    monkeypatch.setattr("impetus.app.metrics.listener.PATIENCE", 5.0)
    assert (await asked.get("/healthz"))[0] == "200 OK"
    for _, writer in silent:
        writer.close()


async def test_an_address_that_is_taken_is_refused_with_what_to_do(asked: Asked) -> None:
    with pytest.raises(ImpetusError) as raised:
        await Listener(f"127.0.0.1:{asked.listener.port}", asked.listener._probes).start()
    assert raised.value.code == "settings.invalid" and raised.value.hint

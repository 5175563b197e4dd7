"""Metrics sent by OTLP to a real receiver, and to none."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from metrics_moment import MOMENT

from impetus.app.metrics.catalogue import METRICS
from impetus.app.metrics.otlp import Exporter

pytest.importorskip("opentelemetry.sdk.metrics", reason="the extra `otlp` is not installed")
service = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
stubs = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc")


class Receiver:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def Export(self, request: object, _: object) -> object:  # noqa: N802 - the name in the protocol
        """Take metrics in."""
        self.got.append(request)
        return service.ExportMetricsServiceResponse()


def received() -> Any:
    """What a receiver gets of the moment."""
    receiver, server = Receiver(), grpc.server(ThreadPoolExecutor(2))
    stubs.add_MetricsServiceServicer_to_server(receiver, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        Exporter(f"http://127.0.0.1:{port}", 3600, lambda: MOMENT).stop()
    finally:
        server.stop(0)
    (resource,) = receiver.got[-1].resource_metrics
    return resource


def test_a_receiver_gets_the_same_metrics() -> None:
    resource = received()
    assert {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"] == "impetus"
    metrics = {metric.name: metric for metric in resource.scope_metrics[0].metrics}
    assert set(metrics) == {metric.name for metric in METRICS if metric.values(MOMENT)}
    events = metrics["impetus.events"]
    assert (events.unit, events.sum.is_monotonic) == ("{event}", True)
    points = {point.attributes[0].value.string_value: point.as_int for point in events.sum.data_points}
    assert points == {"radio": 120, "gate": 7}
    assert {point.attributes[0].key for point in events.sum.data_points} == {"impetus.source"}
    (lag,) = metrics["impetus.watermark.lag"].gauge.data_points
    assert lag.as_double == 150


def test_no_receiver_stops_nothing() -> None:
    Exporter("http://127.0.0.1:9", 3600, lambda: MOMENT).stop()

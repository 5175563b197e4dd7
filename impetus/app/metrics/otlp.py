"""The metrics sent to an OpenTelemetry receiver, by OTLP over gRPC. Needs the extra ``otlp``."""

from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

from impetus.app.metrics.catalogue import METRICS, Metric, Moment
from impetus.domain.errors import ImpetusError, Where

PATIENCE = 2
"""Seconds that a receiver has to take metrics in; what it did not take comes with the next, since all are totals."""


class Exporter:
    """Sends the metrics every so often (seconds), from a thread of its own, until it is stopped.

    Raises ``ImpetusError`` ``plugin.missing-extra`` where the extra is not installed.
    """

    def __init__(self, endpoint: str, every: float, moment: Callable[[], Moment]) -> None:
        self._provider = _provider(endpoint, every)
        meter = self._provider.get_meter("impetus", version("impetus"))
        for metric in METRICS:
            make = meter.create_observable_counter if metric.kind == "counter" else meter.create_observable_gauge
            make(metric.name, [_callback(metric, moment)], metric.unit, metric.help)

    def stop(self) -> None:
        """Send a last time, as far as the receiver answers, and stop."""
        self._provider.shutdown(timeout_millis=PATIENCE * 1000)


def _provider(endpoint: str, every: float) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    except ImportError as error:
        what = f"metrics cannot be sent: {error}"
        raise ImpetusError(
            "plugin.missing-extra", what, Where(key="metrics.otlp"), "pip install impetus[otlp]"
        ) from None
    exporter = OTLPMetricExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"), timeout=PATIENCE)
    reader = PeriodicExportingMetricReader(exporter, every * 1000, PATIENCE * 1000)
    resource = Resource({"service.name": "impetus", "service.version": version("impetus")})
    return MeterProvider([reader], resource=resource, shutdown_on_exit=False)


def _callback(metric: Metric, moment: Callable[[], Moment]) -> Callable[[Any], Iterable[Any]]:
    from opentelemetry.metrics import Observation  # noqa: PLC0415 - the extra may be missing

    def observe(_: Any) -> Iterable[Any]:
        for label, value in metric.values(moment()).items():
            yield Observation(value, {f"impetus.{metric.label}": label} if metric.label else {})

    return observe

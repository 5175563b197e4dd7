"""The metrics as Prometheus reads them."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from impetus.app.metrics.catalogue import METRICS, Metric, Moment

Family = CounterMetricFamily | GaugeMetricFamily


class Exposition:
    """Writes the metrics of a moment, and those of the process, in the text format of Prometheus."""

    def __init__(self, moment: Callable[[], Moment]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Catalogue(moment))
        ProcessCollector(registry=self._registry)

    def write(self) -> bytes:
        """The text of now."""
        return generate_latest(self._registry)


class _Catalogue(Collector):
    def __init__(self, moment: Callable[[], Moment]) -> None:
        self._moment = moment

    def collect(self) -> Iterator[Family]:
        """The families of the catalogue."""
        moment = self._moment()
        for metric in METRICS:
            yield _family(metric, moment)


def _family(metric: Metric, moment: Moment) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family: Family = kind(metric.prometheus, metric.help, labels=[metric.label] if metric.label else [])
    for label, value in metric.values(moment).items():
        family.add_metric([label] if metric.label else [], value)
    return family

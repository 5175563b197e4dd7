"""The metrics: each declared once, for Prometheus and OpenTelemetry alike.

Names follow the conventions of OpenTelemetry, from which those of Prometheus follow. A label is the configured name of
a source, a level or a kind of condition, so there are few values, and none tells of a person.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Literal

import msgspec

from impetus.app.health.reading import Reading
from impetus.domain.condition import Condition
from impetus.domain.instant import SECOND

MOST_VALUES = 200
"""So many values of a label at most; what is beyond is counted as one."""
OTHERS = "others"
UNITS = {"s": "_seconds", "By": "_bytes", "1": "_ratio"}
"""Unit → what Prometheus puts behind the name."""


class Moment(msgspec.Struct, frozen=True):
    """What metrics are made of."""

    reading: Reading
    conditions: tuple[Condition, ...] = ()


Values = Mapping[str, float]
"""Value of the label (empty without) → value."""


class Metric(msgspec.Struct, frozen=True):
    """One metric. ``unit`` in UCUM; ``read`` gives its values of a moment, by the ``label`` if it has one."""

    name: str
    kind: Literal["counter", "gauge"]
    unit: str
    help: str
    read: Callable[[Moment], Values]
    label: str = ""

    @property
    def prometheus(self) -> str:
        """The name for Prometheus; a counter gets its ``_total`` from the library."""
        return self.name.replace(".", "_") + UNITS.get(self.unit, "")

    def values(self, moment: Moment) -> dict[str, float]:
        """The values of a moment, few of them."""
        found = self.read(moment)
        named = {name if name or not self.label else OTHERS: value for name, value in list(found.items())[:MOST_VALUES]}
        rest = list(found.values())[MOST_VALUES:]
        return named | {OTHERS: sum(rest) + named.get(OTHERS, 0)} if rest else named


def _seconds(instant: int | None) -> Values:
    return {} if instant is None else {"": instant / SECOND}


def _lag(moment: Moment) -> Values:
    vitals = moment.reading.vitals
    if vitals.newest is None or vitals.watermark is None:
        return {}
    return {"": max(0, vitals.newest - vitals.watermark) / SECOND}


def _holder(moment: Moment) -> Values:
    vitals = moment.reading.vitals
    names = moment.reading.states
    return {name: float(name == vitals.holder_collector) for name in names} if vitals.holder else {}


def _up(moment: Moment) -> Values:
    return {name: float(state != "failed") for name, (state, _) in moment.reading.states.items()}


def _late(moment: Moment) -> Values:
    return {name: one.late for name, one in moment.reading.vitals.sources.items()}


def _shed(moment: Moment) -> Values:
    return {name: one.passage.shed for name, one in moment.reading.vitals.sources.items()}


def _skewed(moment: Moment) -> Values:
    return {name: one.skewed for name, one in moment.reading.vitals.sources.items()}


def _conditions(moment: Moment) -> Values:
    found: dict[str, float] = {}
    for condition in moment.conditions:
        found[condition.kind] = found.get(condition.kind, 0) + 1
    return found


def _groups(moment: Moment) -> Values:
    return {"memory": moment.reading.vitals.groups, "store": moment.reading.vitals.stored_groups}


METRICS = (
    Metric("impetus.build.info", "gauge", "", "1, with the version.", lambda _: {version("impetus"): 1}, "version"),
    Metric("impetus.events", "counter", "{event}", "Events taken in.", lambda m: m.reading.events, "source"),
    Metric("impetus.rejects", "counter", "{record}", "Records refused.", lambda m: m.reading.rejects, "source"),
    Metric("impetus.shed", "counter", "{record}", "Records that found no room and are lost.", _shed, "source"),
    Metric("impetus.late_events", "counter", "{event}", "Events too late for windows.", _late, "source"),
    Metric("impetus.skewed_events", "counter", "{event}", "Events timed far from their arrival.", _skewed, "source"),
    Metric("impetus.duplicates", "counter", "{event}", "Deliveries left out.", lambda m: {"": m.reading.duplicates}),
    Metric("impetus.alerts", "counter", "{alert}", "New alerts.", lambda m: m.reading.alerts, "level"),
    Metric("impetus.source.up", "gauge", "", "0 if the collector of the source failed, else 1.", _up, "source"),
    Metric("impetus.source.holds_watermark", "gauge", "", "1 if it holds event time back.", _holder, "source"),
    Metric("impetus.watermark.timestamp", "gauge", "s", "Event time.", lambda m: _seconds(m.reading.vitals.watermark)),
    Metric("impetus.watermark.lag", "gauge", "s", "Event time behind the newest event.", _lag),
    Metric("impetus.step.timestamp", "gauge", "s", "Last durable step.", lambda m: _seconds(m.reading.stepped)),
    Metric("impetus.waiting", "gauge", "{record}", "Records not durable yet.", lambda m: {"": m.reading.waiting}),
    Metric("impetus.windows.groups", "gauge", "{group}", "Groups of correlations.", _groups, "tier"),
    Metric(
        "impetus.incidents.open", "gauge", "{incident}", "Open incidents.", lambda m: {"": m.reading.open_incidents}
    ),
    Metric("impetus.incidents.active", "gauge", "{incident}", "Joinable.", lambda m: {"": m.reading.vitals.incidents}),
    Metric("impetus.store.size", "gauge", "By", "Files of the store.", lambda m: {"": m.reading.disk.store_bytes}),
    Metric("impetus.store.refusing", "gauge", "", "1 if it refuses.", lambda m: {"": float(bool(m.reading.refused))}),
    Metric("impetus.disk.used", "gauge", "1", "Used part of its disk.", lambda m: {"": m.reading.disk.used}),
    Metric(
        "impetus.retention.removed",
        "counter",
        "{record}",
        "What retention removed.",
        lambda m: m.reading.removed,
        "class",
    ),
    Metric("impetus.conditions", "gauge", "{condition}", "What ails Impetus itself now.", _conditions, "kind"),
)

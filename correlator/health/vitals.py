"""What a correlator measures of itself: event time and who holds it back, and how much it keeps."""

from collections.abc import Mapping

import msgspec

from correlator.health.monitor import Monitor
from correlator.watermark import EventClock
from impetus.domain.condition import Passage, SourceVitals, Vitals


def vitals_of(  # noqa: PLR0913, PLR0917 - one of each of its parts
    clock: EventClock,
    monitor: Monitor,
    passages: Mapping[str, Passage],
    population: tuple[int, int],
    incidents: int,
    heard: int,
) -> Vitals:
    """The vitals at a wall clock (µs). Sources are counted with the collector that they come by: those are few."""
    holder = clock.holder(heard)
    source, allowed = holder if holder is not None else ("", 0)
    groups, stored = population
    return Vitals(
        watermark=clock.now,
        newest=clock.newest,
        holder=source,
        holder_collector=monitor.collector_of(source),
        allowed=allowed,
        sources=_by_collector(clock, monitor, passages),
        groups=groups,
        stored_groups=stored,
        incidents=incidents,
    )


def _by_collector(clock: EventClock, monitor: Monitor, passages: Mapping[str, Passage]) -> dict[str, SourceVitals]:
    found: dict[str, SourceVitals] = {}
    for source, one in clock.sources.items():
        name = monitor.collector_of(source)
        known = found.get(name, SourceVitals())
        found[name] = SourceVitals(known.late + one.late, known.skewed + one.ahead + one.behind)
    for name, passage in passages.items():
        found[name] = msgspec.structs.replace(found.get(name, SourceVitals()), passage=passage)
    return found

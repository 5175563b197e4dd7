"""Packing: what the lane has to know of a batch of matched events, with as little as possible for each of them."""

from collections.abc import Sequence

from correlator.arrival import Arrival, Said
from correlator.cluster.rounds import LookedAt
from correlator.health.monitor import Monitor
from correlator.health.record import OWN
from correlator.intelligence import SOUGHT
from correlator.matched import Packed, Saying, Sign
from correlator.watermark import Span
from impetus.domain.batch import Head
from impetus.domain.event import Json
from impetus.domain.run import pack, traits_of


class Packer:
    """Packs batches; ``monitor`` knows which events are signs of life."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def pack(self, arrivals: Sequence[Arrival], heads: Sequence[Head]) -> Packed:
        """The events of a batch."""
        sayings: dict[tuple[str, Said], int] = {}
        says = [sayings.setdefault((one.source, one.said), len(sayings)) for one in arrivals]
        first: dict[int, int] = {}
        for one, saying in zip(arrivals, says, strict=True):
            first[saying] = min(one.time, first.get(saying, one.time))
        return Packed(
            traits_of(heads, SOUGHT),
            pack([one.created for one in arrivals]),
            pack(says),
            _spans(arrivals),
            tuple(Saying(source, said, first[place]) for (source, said), place in sayings.items()),
            tuple(Sign(place, signs) for place, one in enumerate(arrivals) if (signs := self._signs(one))),
        )

    def _signs(self, arrival: Arrival) -> dict[str, Json]:
        return {} if arrival.brief else self._monitor.signs_of(arrival.event)


def is_looked_at(arrival: Arrival) -> bool:
    """Whether the lane needs the line of an event whatever rules it meets."""
    return arrival.source in OWN or arrival.is_indicator


def looked_at(place: int, arrival: Arrival, addition: bytes, rules: Sequence[int]) -> LookedAt:
    """An event of which the lane needs all."""
    return LookedAt(
        place, arrival.line, arrival.event, arrival.id, arrival.source, arrival.time, arrival.created, addition,
        tuple(rules),
    )  # fmt: skip


def _spans(arrivals: Sequence[Arrival]) -> tuple[Span, ...]:
    """The times of the events by source; none where one is Impetus' own, which says nothing of any source."""
    spans: dict[str, Span] = {}
    for one in arrivals:
        time, arrived = one.time, one.created
        span = spans.get(one.source)
        if span is None:
            spans[one.source] = Span(one.source, time, time, arrived, time - arrived)
            continue
        if time < span.first:
            span.first = time
        elif time > span.last:
            span.last = time
        span.arrived, span.ahead = max(span.arrived, arrived), max(span.ahead, time - arrived)
    return () if spans.keys() & OWN else tuple(spans.values())

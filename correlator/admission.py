"""Admission of matched batches: as a whole where nothing is unusual, else event by event; both come to the same.

Unusual is a batch with an event that came before, or one that is late, ahead or behind, or of a source that is new or
rests, or that is Impetus' own.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Set

import msgspec

from correlator.arrival import Arrival
from correlator.health.monitor import Monitor
from correlator.intelligence import Intelligence
from correlator.matched import MatchedBatch
from correlator.recent import Recent
from correlator.watermark import EventClock
from impetus.domain.run import places_by_key, unpack

Observe = Callable[[Arrival, str, int], bool]
"""Takes in what an event of a collector says at a wall clock (µs); whether it is too late for windows."""


class Admitted(msgspec.Struct):
    """What of a batch is new: places from and to, and which of them are too late for windows."""

    batch: MatchedBatch
    fresh: list[tuple[int, int]]
    late: Set[int] = frozenset()

    @property
    def size(self) -> int:
        """How many events are new."""
        return sum(stop - start for start, stop in self.fresh)

    def parts(self, concerned: Set[int]) -> Iterator[tuple[int, int]]:
        """What is new in order, from and to; a place that is concerned is by itself."""
        alone = sorted(concerned)
        for start, stop in self.fresh:
            within = alone[bisect_left(alone, start) : bisect_left(alone, stop)]
            at = start
            for place in within:
                if at < place:
                    yield at, place
                yield place, place + 1
                at = place + 1
            if at < stop:
                yield at, stop


class Admission:
    """Takes matched batches in, with the calls for an event by itself: to ``observe`` it, and to ``learn`` what it says
    of indicators.
    """

    def __init__(self, clock: EventClock, monitor: Monitor, observe: Observe, learn: Callable[[Arrival], None]) -> None:
        self._clock, self._monitor = clock, monitor
        self._observe, self._learn = observe, learn

    def admit(self, batch: MatchedBatch, heard: int, recent: Recent) -> Admitted:
        """Take a batch in at a wall clock (µs); what of it is new."""
        packed, ids = batch.packed, batch.packed.traits.ids
        recent.look_up(ids)
        if not recent.add_new(ids):
            fresh = [place for place, id in enumerate(ids) if recent.add_new((id,))]
            return self._one_by_one(batch, fresh, heard)
        if not (packed.spans and self._clock.observe_usual(packed.spans, heard)):
            return self._one_by_one(batch, range(len(ids)), heard)
        self._monitor.observe_all(packed, batch.source)
        for one in batch.matched:
            self._learn(one)
        return Admitted(batch, [(0, len(ids))])

    def _one_by_one(self, batch: MatchedBatch, fresh: Collection[int], heard: int) -> Admitted:
        looked_at: dict[int, Arrival] = {one.place: one for one in batch.matched}
        arrivals = list(batch.packed.arrivals()) if fresh else []
        late = {place for place in fresh if self._observe(looked_at.get(place, arrivals[place]), batch.source, heard)}
        return Admitted(batch, list(_runs(fresh)), late)


def meeting(batch: MatchedBatch, intelligence: Intelligence) -> set[int]:
    """The places of the events that may meet an indicator."""
    if not intelligence.keys:
        return set()
    found = places_by_key(batch.packed.traits)
    times = unpack(batch.packed.traits.times)
    return {
        place
        for key in found.keys() & intelligence.keys
        for place in found[key]
        if intelligence.holds(key, times[place])
    }


def _runs(places: Collection[int]) -> Iterator[tuple[int, int]]:
    """Ascending places as stretches, from and to."""
    start = stop = None
    for place in places:
        if place != stop:
            if start is not None and stop is not None:
                yield start, stop
            start = place
        stop = place + 1
    if start is not None and stop is not None:
        yield start, stop

"""Events that were enriched before an indicator came which counts for them: found in the store, and enriched anew.

Only events that are not final, which event time has not passed: so the outcome is that of the indicator coming first,
and what is final stays. Nothing is kept in memory for it; the heads of the log say which events have a value.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from correlator.arrival import Arrival, ArrivalReader
from correlator.city import CityModel
from correlator.enrich import Enriched, Enricher, join
from correlator.intelligence import Indicator, search_key
from correlator.observation import entities_of
from impetus.domain.batch import Revision
from impetus.domain.ports import EventQuery, Span, StoredEvent

MAX_RENEWED = 100_000
"""So many events at most are enriched anew in one step, the newest: an indicator of an address that all have."""
MAX_COUNTED = 10 * MAX_RENEWED
"""So many of those left out are counted."""

Events = Callable[[EventQuery], Sequence[StoredEvent]]
"""Finds stored events."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class Renewed(msgspec.Struct):
    """An event as it was enriched and as it is now."""

    before: Enriched
    after: Enriched
    addition: bytes

    def revision(self, city: CityModel) -> Revision:
        """What the store keeps of it."""
        keys = tuple(entity.key for entity in entities_of(self.after.added, city))
        return Revision(self.after.arrival.id, self.after.arrival.time, self.addition, keys)


class Renewal:
    """Looks for the events that indicators concern which came after them."""

    def __init__(self, events: Events, reader: ArrivalReader, enricher: Enricher, most: int = MAX_RENEWED) -> None:
        self._events, self._reader, self._enricher = events, reader, enricher
        self._most = most
        self.left_out = 0
        """Events of the last look that were too many, and keep their additions."""

    def find(self, changed: Sequence[Indicator], now: int | None) -> list[Renewed]:
        """The events whose additions change with these indicators; ``now`` is event time of the whole (µs)."""
        self.left_out = 0
        keys = {search_key(one.kind, one.value) for one in changed if one.value}
        if not keys or now is None:
            return []
        span = Span(max(now, min(one.time for one in changed)))
        query = EventQuery(any_keys=tuple(sorted(keys)), span=span, limit=self._most + 1)
        found = self._events(query)
        if len(found) > self._most:
            counted = self._events(msgspec.structs.replace(query, limit=MAX_COUNTED))
            self.left_out = max(len(counted), len(found)) - self._most
        return list(self._renew(found[: self._most]))

    def _renew(self, found: Sequence[StoredEvent]) -> Iterator[Renewed]:
        lines = [stored.line for stored in found]
        for stored, arrival in zip(found, self._reader.read(lines, ""), strict=True):
            if isinstance(arrival, Arrival):
                old = _decode(stored.addition) if stored.addition else {}
                new = self._enricher.renew(arrival.event, arrival.time, old)
                if new != old:
                    addition = _encode(new) if new else b""
                    before = _enriched(arrival, stored, stored.addition, old)
                    yield Renewed(before, _enriched(arrival, stored, addition, new), addition)


def _enriched(arrival: Arrival, stored: StoredEvent, addition: bytes, added: dict[str, Any]) -> Enriched:
    return Enriched(arrival, join(arrival.line, addition), added, late=False, block=stored.block)

"""Counting events: over time in buckets, and by the values of fields. Bounded, whatever the events hold."""

from collections import Counter
from collections.abc import Iterable, Mapping

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import Json, read, text

BUCKETS = 240
"""Where the width is chosen, at most so many lie between the first and the last event."""
MOST_BUCKETS = 10_000
VALUES = 10_000
"""Values of a field that are counted apart."""
MAX_VALUE = 256
"""Characters of a value; a longer one counts as its beginning."""
_WIDTHS = tuple(
    seconds * 1_000_000
    for seconds in (1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 43_200, 86_400, 7 * 86_400, 28 * 86_400)
)


class Histogram:
    """Events per stretch of time. Without a width the least one of a handy length is found that gives few buckets."""

    def __init__(self, width: int = 0) -> None:
        self.width = width or _WIDTHS[0]
        self._fixed = width > 0
        self._counts: Counter[int] = Counter()
        self._reach: tuple[int, int] | None = None

    def add(self, times: Iterable[int]) -> None:
        """Count events (µs). Raises ``ImpetusError`` (query.invalid) where a width that was asked for is too small."""
        buckets = [time // self.width for time in times]
        self._counts.update(buckets)
        if buckets:
            least, most = self._reach or (buckets[0], buckets[0])
            self._reach = (min(least, *buckets), max(most, *buckets))
        if self._fixed and len(self._counts) > MOST_BUCKETS:
            hint = "Ask for a wider one, or for less time."
            raise ImpetusError("query.invalid", f"more than {MOST_BUCKETS} buckets", Where(key="histogram"), hint)
        while not self._fixed and self._reach is not None and self._reach[1] - self._reach[0] >= BUCKETS:
            self._widen()

    def buckets(self) -> list[tuple[int, int]]:
        """(beginning, events) of each bucket that has one, in order."""
        return [(bucket * self.width, events) for bucket, events in sorted(self._counts.items())]

    def _widen(self) -> None:
        width = next((wider for wider in _WIDTHS if wider > self.width), self.width * 2)
        wide: Counter[int] = Counter()
        for bucket, events in self._counts.items():
            wide[bucket * self.width // width] += events
        self._counts, self.width = wide, width
        self._reach = (min(wide), max(wide))


class Facets:
    """The most frequent values of some fields."""

    def __init__(self, fields: Iterable[str]) -> None:
        self.values: dict[str, Counter[str]] = {field: Counter() for field in fields}
        self.events: Counter[str] = Counter()
        self.bounded: set[str] = set()

    def add(self, event: Mapping[str, Json]) -> None:
        """Count the values of an event, as they may be shown; each once."""
        for field, counts in self.values.items():
            found = {text(value)[:MAX_VALUE] for value in read(event, field) if value is not None}
            self.events[field] += bool(found)
            for value in found:
                if value in counts or len(counts) < VALUES:
                    counts[value] += 1
                else:
                    self.bounded.add(field)

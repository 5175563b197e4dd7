"""The events whose explanation may still change, by event time: what stands near them has to be remembered."""

from bisect import bisect_left, insort
from heapq import heappop, heappush

Pending = tuple[str, int, int]
"""Id of an event, its event time, and the event time (µs) up to which its explanation may change."""


class Unsettled:
    """Those events, until event time has passed them."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._times: list[int] = []
        self._due: list[tuple[int, int, str]] = []
        self._fresh: list[Pending] = []

    def add(self, event: str, time: int, until: int) -> None:
        """Note an event; one that is there stays as it is."""
        if event not in self._known:
            self._known.add(event)
            insort(self._times, time)
            heappush(self._due, (until, time, event))
            self._fresh.append((event, time, until))

    def take(self) -> list[Pending]:
        """Those that were noted since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def release(self, now: int) -> None:
        """Let go of what event time (µs) has passed."""
        while self._due and self._due[0][0] < now:
            _, time, event = heappop(self._due)
            self._known.remove(event)
            del self._times[bisect_left(self._times, time)]

    def near(self, first: int, last: int) -> bool:
        """Whether one of them stands in a stretch of event time, both ends included (µs)."""
        index = bisect_left(self._times, first)
        return index < len(self._times) and self._times[index] <= last

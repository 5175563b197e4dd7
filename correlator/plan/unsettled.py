"""The events whose explanation may still change, by event time: what stands near them has to be remembered."""

from bisect import bisect_left, insort

Pending = tuple[str, int, int]
"""Id of an event, its event time, and the event time (µs) up to which its explanation may change."""


class Unsettled:
    """Those events, until event time has passed them."""

    def __init__(self) -> None:
        self._known: dict[str, Pending] = {}
        self._times: list[int] = []
        self._fresh: list[Pending] = []

    def add(self, event: str, time: int, until: int) -> None:
        """Note an event; one that is there stays as it is."""
        if event not in self._known:
            self._known[event] = (event, time, until)
            insort(self._times, time)
            self._fresh.append(self._known[event])

    def take(self) -> list[Pending]:
        """Those that were noted since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def release(self, now: int) -> None:
        """Let go of what event time (µs) has passed."""
        over = [event for event, (_, _, until) in self._known.items() if until < now]
        for event in over:
            del self._known[event]
        if over:
            self._times = sorted(time for _, time, _ in self._known.values())

    def near(self, first: int, last: int) -> bool:
        """Whether one of them stands in a stretch of event time, both ends included (µs)."""
        index = bisect_left(self._times, first)
        return index < len(self._times) and self._times[index] <= last

"""Growth: by how much counters grew of late, and how often things happened of late."""

from collections import Counter, deque
from collections.abc import Mapping

from impetus.domain.instant import SECOND

SLOT = 30 * SECOND
"""Time is looked at in slots of this length (µs)."""


class Growth:
    """By how much named counters grew over a time (µs). What was there at the first look has not grown."""

    def __init__(self, over: int) -> None:
        self._slots = max(1, over // SLOT)
        self._seen: deque[tuple[int, dict[str, int]]] = deque()

    def grown(self, counters: Mapping[str, int], now: int) -> dict[str, int]:
        """The counters that grew, each with by how much."""
        if not self._seen or now // SLOT > self._seen[-1][0]:
            self._seen.append((now // SLOT, dict(counters)))
        while self._seen[0][0] < now // SLOT - self._slots:
            self._seen.popleft()
        first = self._seen[0][1]
        # One that was not there then began at 0.
        more = {name: count - first.get(name, 0) for name, count in counters.items()}
        return {name: by for name, by in more.items() if by > 0}


class Recent:
    """How often named things happened over a time (µs)."""

    def __init__(self, over: int) -> None:
        self._slots = max(1, over // SLOT)
        self._counted: deque[tuple[int, Counter[str]]] = deque()

    def count(self, name: str, now: int) -> None:
        """It happened."""
        slot = now // SLOT
        if not self._counted or slot > self._counted[-1][0]:
            self._counted.append((slot, Counter()))
            self._forget(slot)
        self._counted[-1][1][name] += 1

    def recent(self, now: int) -> dict[str, int]:
        """What happened, and how often."""
        since, total = now // SLOT - self._slots, Counter[str]()
        for slot, counts in list(self._counted):
            if slot > since:
                total.update(counts.copy())
        return dict(total)

    def _forget(self, slot: int) -> None:
        while self._counted[0][0] <= slot - self._slots:
            self._counted.popleft()

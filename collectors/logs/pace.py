"""How long to wait between the events of a recording, to play it at a multiple of real time."""

import msgspec

from collectors.normalise.field import read_field
from impetus.domain.instant import SECOND, parse_instant

LONGEST = 2.0
"""Seconds: nobody watches a recording through a longer silence."""
SHORTEST = 0.02
"""Seconds: shorter waits are added up, so that events near to each other come together."""


class Pace:
    """Tells the wait before each event, from the times at which they arrived when they were recorded."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._last: int | None = None
        self._owed = 0.0

    def wait(self, line: bytes) -> float:
        """Seconds to wait before a finished event."""
        event = msgspec.json.decode(line)
        arrival = parse_instant(str(read_field(event, "event.created")))
        last, self._last = self._last, arrival
        if last is None or arrival <= last:
            return 0.0
        self._owed += min((arrival - last) / SECOND / self._speed, LONGEST)
        if self._owed < SHORTEST:
            return 0.0
        owed, self._owed = self._owed, 0.0
        return min(owed, LONGEST)

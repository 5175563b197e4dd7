"""The stride: how much a step may take, so that steps stay short however slow the machine or dear the events are."""

from impetus.domain.instant import SECOND

AIM = SECOND // 4
"""A step should take so long (µs): what comes meanwhile waits for it."""
LEAST, MOST = 500, 10_000
"""Events. Below, what a step costs besides its events is too much of it; above, its memory is."""


class Stride:
    """Learns from how long steps take."""

    def __init__(self) -> None:
        self.events = LEAST * 4
        """So many events the next step may take."""

    def learn(self, events: int, spent: int) -> None:
        """Take in how long (µs) a step of so many events took. Small ones say little of what large ones take."""
        if events >= LEAST:
            fitting = events * AIM // max(spent, 1)
            self.events = max(LEAST, min(MOST, (self.events + fitting) // 2))

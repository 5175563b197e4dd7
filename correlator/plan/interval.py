"""A span of event time."""

from impetus.domain.instant import parse_instant


class Interval:
    """From (included) to (excluded), µs. Raises ``ValueError`` for times that cannot be read or stand the wrong way."""

    __slots__ = ("end", "start")

    def __init__(self, start: str, end: str) -> None:
        self.start, self.end = parse_instant(start), parse_instant(end)
        if self.end <= self.start:
            raise ValueError(f"it ends ({end}) before it begins ({start})")

    def holds(self, instant: int) -> bool:
        """Whether an instant is within."""
        return self.start <= instant < self.end

    def meets(self, other: "Interval") -> bool:
        """Whether some instant is within both."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Interval") -> bool:
        """Whether every instant of the other is within."""
        return self.start <= other.start and other.end <= self.end

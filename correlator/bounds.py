"""The bounds of the numbers that people write into a city model and a plan: distances, limits, durations."""

from collections.abc import Iterator
from math import isfinite

from correlator.document import Lines, Steps
from correlator.finding import Finding, invalid
from impetus.domain.instant import parse_span

LONGEST = "100y"
"""No duration of a city is longer, and a sum of a few stays within the 64 bits of an instant (µs)."""


class Bounds:
    """Whether numbers of one document make sense. What is left out (None) does."""

    def __init__(self, area: str, lines: Lines) -> None:
        self._area, self._lines = area, lines
        self._longest = parse_span(LONGEST)

    def metres(self, metres: float | None, owner: str, steps: Steps) -> Iterator[Finding]:
        """A distance or radius: nothing is nearer than 0, NaN is in no comparison, and all is within infinity."""
        if metres is not None and not (isfinite(metres) and metres >= 0):
            yield self._invalid(f"{owner}: {metres} is no number of metres", steps, "0 or more")

    def limit(self, limit: float | None, owner: str, steps: Steps) -> Iterator[Finding]:
        """What a value is compared with."""
        if limit is not None and not isfinite(limit):
            yield self._invalid(f"{owner}: {limit} is no limit", steps, "A number, or leave it out")

    def span(self, text: str, owner: str, steps: Steps, *, least: str = "1us") -> Iterator[Finding]:
        """A duration, of no time at all only where that means something."""
        try:
            span = parse_span(text)
        except ValueError as error:
            yield self._invalid(f"{owner}: {error}", steps)
            return
        if span < parse_span(least):
            yield self._invalid(f"{owner}: {text} is zero: no time at all", steps, "More than 0, such as 30s")
        if span > self._longest:
            yield self._invalid(f"{owner}: {text} is too long", steps, f"At most {LONGEST}")

    def _invalid(self, what: str, steps: Steps, hint: str = "") -> Finding:
        return invalid(self._area, what, self._lines.where(*steps), hint)

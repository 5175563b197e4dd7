"""Event time: a watermark for each source, and the least of those that are not idle for the whole.

See "Event time" of ``docs/correlation.md``.
"""

from collections.abc import Iterator, Mapping

import msgspec

from impetus.domain.instant import SECOND

LATENESS = 120 * SECOND
"""How late an event may come, by default (µs)."""
IDLE = 300 * SECOND
"""After how long without events a source is idle, by default (µs)."""
AHEAD = 300 * SECOND
"""An event time this far ahead of its arrival moves no watermark (µs)."""


class SourceClock(msgspec.Struct, array_like=True):
    """What is known of one source: its newest event time, when something last came (wall clock), and its misdeeds."""

    newest: int
    heard: int
    late: int = 0
    ahead: int = 0


class EventClock:
    """The watermarks of all sources. ``now`` never goes back."""

    def __init__(self, lateness: Mapping[str, int] | None = None, idle: Mapping[str, int] | None = None) -> None:
        self._lateness, self._idle = dict(lateness or {}), dict(idle or {})
        self.sources: dict[str, SourceClock] = {}
        self.now: int | None = None
        """Event time of the whole (µs); None before the first event."""

    def observe(self, source: str, time: int, arrived: int, heard: int) -> bool:
        """Take an event in: its time, its arrival, and the wall clock. Returns whether it is too late for windows."""
        clock = self.sources.get(source)
        if clock is None:
            clock = self.sources[source] = SourceClock(min(time, arrived), heard)
        clock.heard = heard
        if time > arrived + AHEAD:
            clock.ahead += 1
        else:
            clock.newest = max(clock.newest, time)
        late = self.now is not None and time < self.now
        clock.late += late
        return late

    def advance(self, heard: int | None = None) -> int | None:
        """Move event time on; with the wall clock ``heard``, sources that have been quiet are idle too."""
        if not self.sources:
            return self.now
        newest = max(clock.newest for clock in self.sources.values())
        marks = [
            clock.newest - self._lateness.get(source, LATENESS)
            for source, clock in self.sources.items()
            if not self._is_idle(source, clock, newest, heard)
        ]
        if not marks:
            # All are idle: none holds the others back, but each may still be as late as it is allowed to be.
            marks = [max(clock.newest - self._lateness.get(source, LATENESS) for source, clock in self.sources.items())]
        mark = min(marks)
        self.now = mark if self.now is None else max(self.now, mark)
        return self.now

    def finish(self, longest: int) -> int | None:
        """The end of a replay: all watermarks move to the newest event time and the longest timespan beyond it."""
        if self.sources:
            newest = max(clock.newest for clock in self.sources.values())
            self.now = max(self.now or newest, newest + longest + 1)
        return self.now

    def _is_idle(self, source: str, clock: SourceClock, newest: int, heard: int | None) -> bool:
        limit = self._idle.get(source, IDLE)
        return newest - clock.newest > limit or (heard is not None and heard - clock.heard > limit)

    def dump(self) -> Iterator[tuple[bytes, bytes]]:
        """The state of the clock, for the store."""
        yield b"", msgspec.msgpack.encode(self.now)
        for source, clock in self.sources.items():
            yield source.encode(), msgspec.msgpack.encode(clock)

    def load(self, state: Iterator[tuple[bytes, bytes]]) -> None:
        """The state that ``dump`` gave."""
        for key, value in state:
            if key:
                self.sources[key.decode()] = msgspec.msgpack.decode(value, type=SourceClock)
            else:
                self.now = msgspec.msgpack.decode(value, type=int | None)

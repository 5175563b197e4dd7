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
BEHIND = 3600 * SECOND
"""An event time this far behind its arrival, beyond the lateness, is counted: a wrong clock, or old records (µs)."""


class SourceClock(msgspec.Struct, array_like=True):
    """What is known of one source: its newest event time, when something last came (wall clock), and its misdeeds."""

    newest: int
    heard: int
    late: int = 0
    ahead: int = 0
    behind: int = 0
    most_ahead: int = 0
    most_behind: int = 0
    """How far the event times counted as ahead or behind were from their arrival, at most (µs)."""
    trusted: bool = True
    """Whether some event time was not ahead of its arrival; until then it has no watermark beside one who has."""


class EventClock:
    """The watermarks of all sources. ``now`` never goes back."""

    def __init__(self, lateness: Mapping[str, int] | None = None, idle: Mapping[str, int] | None = None) -> None:
        self._lateness, self._idle = dict(lateness or {}), dict(idle or {})
        self.sources: dict[str, SourceClock] = {}
        self.now: int | None = None
        """Event time of the whole (µs); None before the first event."""

    def observe(self, source: str, time: int, arrived: int, heard: int) -> bool:
        """Take an event in: its time, its arrival, and the wall clock. Returns whether it is too late for windows."""
        ahead = time > arrived + AHEAD
        clock = self.sources.get(source)
        if clock is None:
            clock = self.sources[source] = SourceClock(min(time, arrived), heard, trusted=not ahead)
        clock.heard = heard
        if ahead:
            clock.ahead += 1
            clock.most_ahead = max(clock.most_ahead, time - arrived)
        elif not clock.trusted:
            clock.trusted, clock.newest = True, time
        elif time > clock.newest:
            clock.newest = time
        if time < arrived - BEHIND - self._allowed(source):
            clock.behind += 1
            clock.most_behind = max(clock.most_behind, arrived - time)
        late = self.now is not None and time < self.now
        clock.late += late
        return late

    def advance(self, heard: int | None = None) -> int | None:
        """Move event time on; with the wall clock ``heard``, sources that have been quiet are idle too."""
        newest = self.newest
        if newest is None:
            return self.now
        return self.reach(self._mark(newest, heard))

    def reach(self, mark: int) -> int:
        """Move event time to a mark (µs), unless it is there already."""
        self.now = mark if self.now is None else max(self.now, mark)
        return self.now

    def is_ahead(self) -> bool:
        """Whether event time is where the wall clock has moved it, further than the events alone."""
        newest = self.newest
        return newest is not None and self.now is not None and self.now > self._mark(newest, None)

    def _mark(self, newest: int, heard: int | None) -> int:
        return min(
            # An idle source holds nobody back, but what it says next may be as late as it is allowed to be.
            (newest if self._is_idle(source, clock, newest, heard) else clock.newest) - self._allowed(source)
            for source, clock in self._trusted()
        )

    def finish(self, longest: int) -> int | None:
        """The end of a replay: all watermarks move to the newest event time and the longest timespan beyond it."""
        newest = self.newest
        if newest is not None:
            self.now = max(self.now or newest, newest + longest + 1)
        return self.now

    @property
    def newest(self) -> int | None:
        """The newest event time of all sources that is to be trusted (µs)."""
        return max((clock.newest for _, clock in self._trusted()), default=None)

    def _trusted(self) -> list[tuple[str, SourceClock]]:
        """The sources whose event times count: all, if none has given one that is not ahead of its arrival."""
        found = [(source, clock) for source, clock in self.sources.items() if clock.trusted]
        return found or list(self.sources.items())

    def _allowed(self, source: str) -> int:
        return self._lateness.get(source, LATENESS)

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

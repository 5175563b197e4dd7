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
        """Event time of the whole (µs) as of the last ``advance``; None before the first event."""
        self._mark: int | None = None
        """Event time as of the last event, by which the next one is late or not however events are batched."""
        self._holder: str | None = None
        """The source that holds the mark where it is; None where any newer event may move it."""
        self._until = 0
        """With an event newer than this some source becomes idle (µs)."""

    def observe(self, source: str, time: int, arrived: int, heard: int) -> bool:
        """Take an event in: its time, its arrival, and the wall clock. Returns whether it is too late for windows."""
        late = self._mark is not None and time < self._mark
        ahead = time > arrived + AHEAD
        clock = self.sources.get(source)
        moved = clock is None
        if clock is None:
            clock = self.sources[source] = SourceClock(min(time, arrived), heard, trusted=not ahead)
        clock.heard = heard
        if ahead:
            clock.ahead += 1
            clock.most_ahead = max(clock.most_ahead, time - arrived)
        elif not clock.trusted:
            clock.trusted, clock.newest, moved = True, time, True
        elif time > clock.newest:
            clock.newest = time
            moved = moved or self._holder in (source, None) or time > self._until
        if time < arrived - BEHIND - self._allowed(source):
            clock.behind += 1
            clock.most_behind = max(clock.most_behind, arrived - time)
        clock.late += late
        if moved:
            self._move(None)
        return late

    def advance(self, heard: int | None = None) -> int | None:
        """Move event time on; with the wall clock ``heard``, sources that have been quiet are idle too."""
        self._move(heard)
        self.now = self._mark
        return self.now

    def _move(self, heard: int | None) -> None:
        """Bring the mark up to what is known of the sources; it never goes back."""
        trusted, newest = self._trusted(), self.newest
        if newest is None:
            return
        marks, self._until = [], newest + 2 * max((IDLE, *self._idle.values()))
        for source, clock in trusted:
            idle = self._is_idle(source, clock, newest, heard)
            # An idle source holds nobody back, but what it says next may be as late as it is allowed to be.
            marks.append(((newest if idle else clock.newest) - self._allowed(source), None if idle else source))
            if not idle:
                self._until = min(self._until, clock.newest + self._idle.get(source, IDLE))
        mark, self._holder = min(marks, key=lambda found: found[0])
        self._mark = mark if self._mark is None else max(self._mark, mark)

    def finish(self, longest: int) -> int | None:
        """The end of a replay: all watermarks move to the newest event time and the longest timespan beyond it."""
        newest = self.newest
        if newest is not None:
            self.now = self._mark = max(self.now or newest, newest + longest + 1)
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
                self.now = self._mark = msgspec.msgpack.decode(value, type=int | None)

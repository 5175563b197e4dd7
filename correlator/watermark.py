"""Event time: a watermark for each source, and the least of those that are not idle for the whole.

See "Event time" of ``docs/correlation.md``.
"""

from collections.abc import Iterator, Mapping, Sequence

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


class Span(msgspec.Struct, array_like=True):
    """The times of some events of a source (µs): event time from and to, the newest arrival, and how far the event
    time of one is ahead of its arrival at most."""

    source: str
    first: int
    last: int
    arrived: int
    ahead: int


class EventClock:
    """The watermarks of all sources. ``now`` never goes back."""

    def __init__(self, lateness: Mapping[str, int] | None = None, idle: Mapping[str, int] | None = None) -> None:
        self._lateness, self._idle = dict(lateness or {}), dict(idle or {})
        self.sources: dict[str, SourceClock] = {}
        self.now: int | None = None
        """Event time of the whole (µs) as of the last ``advance``; None before the first event."""
        self.newest: int | None = None
        """The newest event time of all sources that is to be trusted (µs)."""
        self._mark: int | None = None
        """Event time by which an event is late or not however events are batched; it lags until it is asked for."""

    @property
    def mark(self) -> int | None:
        """Event time (µs) before which the last event that was late was; None as long as none was."""
        return self._mark

    def observe(self, source: str, time: int, arrived: int, heard: int) -> bool:
        """Take an event in: its time, its arrival, and the wall clock. Returns whether it is too late for windows."""
        clock, allowed = self.sources.get(source), self._allowed(source)
        if clock is not None and self._is_usual(source, clock, allowed, time, arrived):
            if time > clock.newest:
                clock.newest = time
                if self.newest is None or time > self.newest:
                    self.newest = time
            clock.heard = heard
            return False
        ahead = time > arrived + AHEAD
        late = self._is_late(source, clock, time)
        if clock is None:
            self._move(None)
            clock = self.sources[source] = SourceClock(arrived if ahead else time, heard, trusted=not ahead)
            self.newest = self._newest()
        elif not (ahead or clock.trusted):
            self._move(None)
            clock.trusted, clock.newest = True, time
            self.newest = self._newest()
        elif not ahead and time > clock.newest:
            self._proceed(source, clock, time)
        clock.heard = heard
        clock.late += late
        if ahead:
            clock.ahead += 1
            clock.most_ahead = max(clock.most_ahead, time - arrived)
        if time < arrived - BEHIND - allowed:
            clock.behind += 1
            clock.most_behind = max(clock.most_behind, arrived - time)
        return late

    def observe_usual(self, spans: Sequence[Span], heard: int) -> bool:
        """Take events of some sources in at once, if in any order each would be usual: none of them is late then.

        Gives whether it was so; if not, nothing has changed.
        """
        newest = max([self.newest or 0, *(span.last for span in spans)])
        if not all(self._are_usual(span, newest) for span in spans):
            return False
        for span in spans:
            clock = self.sources[span.source]
            clock.newest, clock.heard = max(clock.newest, span.last), heard
        self.newest = newest
        return True

    def _are_usual(self, span: Span, newest: int) -> bool:
        """Whether the events of a source are, where the newest of all sources come to a time (µs) meanwhile."""
        clock = self.sources.get(span.source)
        if clock is None or not clock.trusted or self._is_idle(span.source, clock, newest, None):
            return False
        since = max(clock.newest, span.last, span.arrived - BEHIND) - self._allowed(span.source)
        return span.first >= since and span.ahead <= AHEAD and (self._mark is None or span.first >= self._mark)

    def _is_usual(self, source: str, clock: SourceClock, allowed: int, time: int, arrived: int) -> bool:
        """Whether an event of a source that is awake is neither late nor ahead nor behind, as nearly all are."""
        return (
            clock.trusted
            and max(clock.newest, arrived - BEHIND) - allowed <= time <= arrived + AHEAD
            and (self._mark is None or time >= self._mark)
            and not self._rests(source, clock)
        )

    def _is_late(self, source: str, clock: SourceClock | None, time: int) -> bool:
        """Whether an event is older than the mark, which is brought up only where what is known does not tell."""
        if self._mark is not None and time < self._mark:
            return True
        if self.newest is None or time >= self.newest:
            return False
        if clock and clock.trusted and time >= clock.newest - self._allowed(source) and not self._rests(source, clock):
            return False  # the mark is at most that of the source itself
        self._move(None)
        return self._mark is not None and time < self._mark

    def _proceed(self, source: str, clock: SourceClock, time: int) -> None:
        """A newer event of a source. One that was idle holds the mark back from now on, so that is brought up first."""
        if self._rests(source, clock):
            self._move(None)
        clock.newest = time
        self.newest = time if self.newest is None else max(self.newest, time)

    def advance(self, heard: int | None = None) -> int | None:
        """Move event time on; with the wall clock ``heard``, sources that have been quiet are idle too."""
        self._move(heard)
        self.now = self._mark
        return self.now

    def holder(self, heard: int | None = None) -> tuple[str, int] | None:
        """The source by which event time is held back, at a wall clock (µs), and how late its events may come (µs)."""
        newest = self.newest
        if newest is None:
            return None
        _, source = min(
            ((newest if self._is_idle(source, clock, newest, heard) else clock.newest) - self._allowed(source), source)
            for source, clock in self._trusted()
        )
        return source, self._allowed(source)

    def reach(self, mark: int) -> int:
        """Move event time to where the wall clock had moved it in an earlier run (µs); it never goes back."""
        self.now = self._mark = mark if self._mark is None else max(self._mark, mark)
        return self.now

    def is_ahead(self) -> bool:
        """Whether event time may be further than the events alone would have moved it."""
        newest = self.newest
        if newest is None or self.now is None:
            return False
        return self.now > min(
            (newest if self._is_idle(source, clock, newest, None) else clock.newest) - self._allowed(source)
            for source, clock in self._trusted()
        )

    def _move(self, heard: int | None) -> None:
        """Bring the mark up to what is known of the sources; it never goes back."""
        newest = self.newest
        if newest is None:
            return
        # An idle source holds nobody back, but what it says next may be as late as it is allowed to be.
        mark = min(
            (newest if self._is_idle(source, clock, newest, heard) else clock.newest) - self._allowed(source)
            for source, clock in self._trusted()
        )
        self._mark = mark if self._mark is None else max(self._mark, mark)

    def finish(self, longest: int) -> int | None:
        """The end of a replay: all watermarks move to the newest event time and the longest timespan beyond it."""
        newest = self.newest
        if newest is not None:
            self.now = self._mark = max(self.now or newest, newest + longest + 1)
        return self.now

    def _newest(self) -> int | None:
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

    def _rests(self, source: str, clock: SourceClock) -> bool:
        """Whether a source is idle as far as events tell."""
        return self.newest is not None and self._is_idle(source, clock, self.newest, None)

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
        self.newest = self._newest()

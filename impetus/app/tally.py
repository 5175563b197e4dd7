"""The tally: what flowed from which source, and how fast; what ``GetStatus`` answers with."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

from impetus.app.health.growth import Recent
from impetus.domain.batch import Batch, Commit
from impetus.domain.condition import SourceVitals, Vitals
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import SECOND
from impetus.domain.ports import Store, Verified
from impetus.domain.reload import Version
from impetus.domain.retention import CLASSES, Removed
from impetus.domain.status import Notice, SourceStatus, Status

RATE_OVER = 10 * SECOND
"""The rate is that of so long (µs)."""
FLOOD_OVER = 300 * SECOND
"""Alerts of a rule are counted over so long (µs)."""
NAMED = 10
"""So many damaged parts of the store are notices of their own."""
REFUSING = "Free space on the disk of the store, and it goes on by itself; if it is damaged, restore it from a backup"
"""What to do while the store refuses."""


def damaged_parts(store: Store) -> Sequence[ImpetusError]:
    """What a store found damaged, if it is one that checks what it reads."""
    return store.damaged() if isinstance(store, Verified) else ()


class Tally:
    """Counts per source since the start; totals come from the store."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store, self._clock = store, clock
        self.states: dict[str, tuple[str, str]] = {}
        """Source → state and problem, as supervision sees them."""
        self.sinks: dict[str, str] = {}
        """Sink → why it takes nothing; empty while it does."""
        self.watermark: int | None = None
        self.notices: tuple[Notice, ...] = ()
        """Where the picture is not whole, as the correlator sees it."""
        self.versions: tuple[Version, ...] = ()
        """What detection depends on, as it is in force."""
        self.vitals = Vitals()
        """What the correlator measures of itself, about a second old."""
        self.stepped = clock()
        """When the last step was made durable (wall clock, µs)."""
        self.refused = ""
        """Why the store refuses to write, while it does."""
        self.indexing: Callable[[], tuple[str, int]] = lambda: ("", 0)
        """Why nothing is indexed, if so, and how many blocks of the log are not yet."""
        self.problems: tuple[ImpetusError, ...] = ()
        """What of the rules in force cannot be used."""
        self.raised = Recent(FLOOD_OVER)
        """New alerts by title of the rule."""
        self.duplicates = 0
        self._removed: dict[str, int] = dict.fromkeys(CLASSES, 0)
        self._alerts: dict[str, int] = {}
        self._measured = 0
        self._events: dict[str, int] = {}
        self._rejected: dict[str, int] = {}
        self._newest: dict[str, int] = {}
        self._recent: deque[tuple[int, int]] = deque()

    def count(self, batches: Sequence[Batch], commit: Commit, now: int) -> None:
        """Take a commit in, with the batches that it came from."""
        for batch in batches:
            self._events[batch.source] = self._events.get(batch.source, 0) + len(batch.lines)
            if batch.lines:
                self._newest[batch.source] = now
        for reject in commit.rejects:
            self._rejected[reject.source] = self._rejected.get(reject.source, 0) + 1
        self.duplicates += commit.duplicates
        for alert in commit.alerts:
            if alert.revision == 1 and not alert.gone:
                self._alerts[alert.level] = self._alerts.get(alert.level, 0) + 1
                self.raised.count(alert.title, now)
        if commit.lines:
            self._recent.append((now, len(commit.lines)))
        self._trim(now)

    def measure(self, vitals: Callable[[int], Vitals]) -> None:
        """Take in what the correlator measures of itself, once a second; on the thread that steps it."""
        now = self._clock()
        if now - self._measured >= SECOND:
            self._measured, self.vitals = now, vitals(now)

    def written(self) -> None:
        """Note that a step is durable."""
        self.refused, self.stepped = "", self._clock()

    def remove(self, removed: Removed) -> None:
        """Count what retention removed."""
        self._removed[removed.kind] += removed.count

    @property
    def removed(self) -> dict[str, int]:
        """What retention removed since the start, by class."""
        return dict(self._removed)

    @property
    def events(self) -> dict[str, int]:
        """Events by source since the start."""
        return dict(self._events)

    @property
    def rejects(self) -> dict[str, int]:
        """Rejected records by source since the start."""
        return dict(self._rejected)

    @property
    def alerts(self) -> dict[str, int]:
        """New alerts by level since the start."""
        return dict(self._alerts)

    def taken(self, source: str) -> int:
        """How many events of a source were made durable since the start."""
        return self._events.get(source, 0)

    def status(self) -> Status:
        """A snapshot."""
        counts = self._store.counts()
        since = self._clock() - RATE_OVER
        return Status(
            version=version("impetus"),
            events=counts.get("events", 0),
            rejected=counts.get("rejected", 0),
            rate=sum(lines for at, lines in list(self._recent) if at >= since) / (RATE_OVER / SECOND),
            watermark=self.watermark,
            sources=tuple(self._source(name, *standing) for name, standing in self.states.items()),
            open_incidents=counts.get("open", 0),
            explained=counts.get("ledger", 0),
            notices=(*self._of_the_store(), *self.notices),
            versions=self.versions,
        )

    def _of_the_store(self) -> Iterator[Notice]:
        """That it refuses, and what of it is damaged."""
        if self.refused:
            yield Notice("store.unavailable", "store", f"nothing can be written: {self.refused}", REFUSING)
        damaged = damaged_parts(self._store)
        for one in damaged[:NAMED]:
            yield Notice(one.code, str(one.where), one.what, one.hint)
        if len(damaged) > NAMED:
            what = f"{len(damaged) - NAMED} more parts are damaged"
            yield Notice("store.damaged", "store", what, "impetus doctor --deep names them")

    def _source(self, name: str, state: str, problem: str) -> SourceStatus:
        events, rejected = self._events.get(name, 0), self._rejected.get(name, 0)
        vitals = self.vitals.sources.get(name, SourceVitals())
        newest = self._newest.get(name)
        return SourceStatus(name, state, events, rejected, newest, problem, vitals.passage.shed)

    def _trim(self, now: int) -> None:
        """On the thread of the commits alone: of two threads each could take the last one."""
        while self._recent and self._recent[0][0] < now - RATE_OVER:
            self._recent.popleft()

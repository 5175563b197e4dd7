"""What collectors reported of themselves: which sources come by them, and when they were down."""

from collections.abc import Iterator

import msgspec

from correlator.health.record import Report
from correlator.memory import Kept
from impetus.domain.batch import Key
from impetus.domain.ports import Store

MAX_SOURCES = 1_000
"""So many sources are remembered of one collector."""


class Standing(msgspec.Struct, array_like=True):
    """Of one collector: the sources that came by it, and its reports by event time: down, or up again."""

    sources: list[str] = []
    reports: list[tuple[int, bool]] = []


class Collectors:
    """All collectors, by their configured names."""

    def __init__(self) -> None:
        self._standings: Kept[Standing] = Kept("health.collectors", Standing)
        self._routes: dict[str, set[str]] = {}
        self._carriers: dict[str, set[str]] = {}
        """Source → the collectors by which it comes."""

    def route(self, collector: str, source: str) -> None:
        """Note that a source comes by a collector; a set look-up once it is known."""
        known = self._routes.get(collector)
        if known is not None and (source in known or len(known) >= MAX_SOURCES):
            return
        standing = self._standings.get(collector) or Standing()
        standing.sources.append(source)
        self._standings[collector] = standing
        self._link(collector, source)

    def take(self, report: Report) -> None:
        """Take a report in, in any order."""
        standing = self._standings.get(report.collector) or Standing()
        if (report.time, report.down) not in standing.reports:
            standing.reports = sorted([*standing.reports, (report.time, report.down)])
        self._standings[report.collector] = standing
        for source in report.sources:
            self.route(report.collector, source)

    def sources(self, collector: str) -> tuple[str, ...]:
        """The sources that come by a collector."""
        standing = self._standings.get(collector)
        return tuple(standing.sources) if standing is not None else ()

    def carrier(self, source: str) -> str:
        """The first collector, by name, that a source comes by; empty if none is known."""
        return min(self._carriers.get(source, ()), default="")

    def affected(self) -> Iterator[str]:
        """The sources of the collectors that have reported something."""
        for standing in self._standings.values():
            if standing.reports:
                yield from standing.sources

    def is_down(self, collector: str) -> bool:
        """Whether the last report says so."""
        standing = self._standings.get(collector)
        return standing is not None and bool(standing.reports) and standing.reports[-1][1]

    def outages(self, source: str) -> Iterator[tuple[int, int | None]]:
        """When a collector of a source was down, from and to (µs)."""
        for collector in sorted(self._carriers.get(source, ())):
            since: int | None = None
            for time, down in self._standings[collector].reports:
                if not down and since is not None:
                    yield since, time
                since = (time if since is None else since) if down else None
            if since is not None:
                yield since, None

    def forget(self, before: int) -> None:
        """Forget reports that say nothing of what is after an event time (µs)."""
        for collector, standing in self._standings.items():
            old = sum(1 for time, _ in standing.reports if time < before)
            if old > 1:
                del standing.reports[: old - 1]
                self._standings[collector] = standing

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        return self._standings.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        self._standings.restore(store)
        for collector, standing in self._standings.items():
            for source in standing.sources:
                self._link(collector, source)

    def _link(self, collector: str, source: str) -> None:
        self._routes.setdefault(collector, set()).add(source)
        self._carriers.setdefault(source, set()).add(collector)

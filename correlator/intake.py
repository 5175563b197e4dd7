"""From batches to enriched events: each line read once, and one that is delivered twice counted once."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from correlator.arrival import Arrival, ArrivalReader, read_arrival, rejected
from correlator.city import CityModel
from correlator.enrich import MET, Enriched, Enricher, join
from correlator.heads import HeadMaker
from correlator.health.flow import Flow
from correlator.health.monitor import Monitor
from correlator.health.record import OWN
from correlator.intelligence import Indicator, Intelligence, indicator_of
from correlator.matched import Matched, MatchedBatch
from correlator.memory import Kept
from correlator.plan.day import DayPlan
from correlator.recent import Recent
from correlator.renewal import Events, Renewal, Renewed
from correlator.watermark import EventClock
from impetus.domain.batch import Batch, Head, Key, Reject
from impetus.domain.condition import Passage
from impetus.domain.errors import ImpetusError
from impetus.domain.event import Json
from impetus.domain.ports import Store

_encode = msgspec.json.Encoder().encode


class Taken(msgspec.Struct):
    """What a step took in."""

    events: list[Enriched] = []
    renewed: list[Renewed] = []
    """Events of earlier steps whose indicators came only now."""
    additions: list[bytes] = []
    heads: list[Head] = []
    rejects: list[Reject] = []
    duplicates: int = 0
    left_out: int = 0
    """Events whose indicators came only now and that were too many to be enriched anew."""
    shed: dict[str, int] = {}
    """By collector, records that found no room."""


class Reception:
    """Reads, deduplicates and enriches what arrives, in order of arrival."""

    def __init__(
        self,
        city: CityModel,
        plan: DayPlan | None,
        clock: EventClock,
        monitor: Monitor,
        events: Events,
    ) -> None:
        self._clock, self._monitor = clock, monitor
        self._heads = HeadMaker(city)
        self._intelligence = Intelligence()
        self._indicators: Kept[Indicator] = Kept("indicators", Indicator)
        self._changed: list[Indicator] = []
        self._enricher = Enricher(city, plan, self._intelligence)
        limits = [limit.field for limit in (plan.plan.limits if plan else ())]
        self._reader = ArrivalReader([*limits, *monitor.fields], [*limits, *monitor.signs], self._heads.find)
        self._renewal = Renewal(events, self._reader, self._enricher)
        self.flow = Flow()
        """What came of what each collector brought."""
        self.recent: Recent
        """Ids of the newest events; from ``restore`` on."""

    def take(self, batches: Sequence[Batch], heard: int) -> Taken:
        """Take batches in; ``heard`` is the wall clock (µs)."""
        taken = Taken()
        arrivals: list[tuple[Arrival, bool]] = []
        for batch in batches:
            self._take_batch(batch, heard, taken, arrivals)
        # All indicators of a step first: they count for the others of the step in whatever order they came.
        taken.renewed = self._renewal.find(self._changed, self._clock.now)
        taken.left_out = self._renewal.left_out
        self._changed = []
        for arrival, late in arrivals:
            self._enrich(arrival, late, taken)
        self.recent.forget()
        return taken

    def conclude(self, limit: int, taken: Taken) -> list[Enriched]:
        """What fell silent or returned before an event time (µs), as events that are taken in too."""
        before = len(taken.events)
        for line in self._monitor.conclude(limit):
            arrival = read_arrival(line, "")
            # A log that is replayed may hold it already.
            self.recent.look_up((arrival.id,))
            if arrival.id not in self.recent:
                self.recent.add(arrival.id)
                self._enrich(arrival, False, taken)
        return taken.events[before:]

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        yield from self._indicators.changes()
        yield from self.flow.changes()

    def restore(self, store: Store, recent: Recent | None) -> None:
        """Go on from what a store holds; ``recent`` are the ids of its newest events, if someone has them."""
        self.recent = recent or Recent(store)
        self._indicators.restore(store)
        self.flow.restore(store)
        for indicator in self._indicators.values():
            self._intelligence.add(indicator)

    def _take_batch(self, batch: Batch, heard: int, taken: Taken, arrivals: list[tuple[Arrival, bool]]) -> None:
        stored, duplicates, rejects = len(arrivals), taken.duplicates, len(taken.rejects)
        taken.rejects += batch.rejects
        recent, arrived = self.recent, list(self._read(batch))
        recent.look_up(arrival.id for _, arrival in arrived if not isinstance(arrival, ImpetusError))
        for line, arrival in arrived:
            if isinstance(arrival, ImpetusError):
                taken.rejects.append(rejected(line, batch.source, arrival))
            elif arrival.id in recent:
                taken.duplicates += 1
            else:
                recent.add(arrival.id)
                arrivals.append((arrival, self._observe(arrival, batch.source, heard)))
        if batch.shed:
            taken.shed[batch.source] = taken.shed.get(batch.source, 0) + batch.shed
        came = Passage(len(arrivals) - stored, taken.duplicates - duplicates, len(taken.rejects) - rejects, batch.shed)
        self.flow.count(batch.source, came)

    def _read(self, batch: Batch) -> Iterable[tuple[bytes, Arrival | ImpetusError]]:
        """Each line of a batch, with its arrival or why it is none."""
        if isinstance(batch, MatchedBatch):
            return ((arrival.line, arrival) for arrival in batch.arrivals)
        return zip(batch.lines, self._reader.read(batch.lines, batch.source), strict=True)

    def _observe(self, arrival: Arrival, collector: str, heard: int) -> bool:
        """Take in what an event says of time, devices and indicators; whether it is too late for windows."""
        if _category(arrival) == "indicator":
            self._learn(arrival)
        if arrival.source in OWN and self._monitor.is_own(arrival):
            return False
        late = self._clock.observe(arrival.source, arrival.time, arrival.created, heard)
        self._monitor.observe(arrival, collector, late)
        return late

    def _enrich(self, arrival: Arrival, late: bool, taken: Taken) -> None:
        if isinstance(arrival, Matched):
            met = self._met(arrival)
            if not met:
                line = join(arrival.line, arrival.addition)
                taken.events.append(Enriched(arrival, line, arrival.added, late, rules=arrival.rules))
                taken.additions.append(arrival.addition)
                taken.heads.append(arrival.head)
                return
            added = {**arrival.added, MET: met}
        elif arrival.brief is None or self._intelligence.may_meet(arrival.brief[1]):
            added = self._enricher.additions(arrival.event, arrival.time)
        else:
            added = self._enricher.common(arrival.time)
        addition = _encode(added) if added else b""
        taken.events.append(Enriched(arrival, join(arrival.line, addition), added, late))
        taken.additions.append(addition)
        taken.heads.append(self._heads.head(arrival, added))

    def _met(self, arrival: Matched) -> list[Json]:
        """The indicators that an event meets; its fields are read only where its keys say that it may meet one."""
        if not self._intelligence.may_meet(arrival.head.keys):
            return []
        return self._intelligence.enrichments(arrival.event, arrival.time)

    def _learn(self, arrival: Arrival) -> None:
        indicator = indicator_of(arrival.event, arrival.id, arrival.time)
        replaced = self._intelligence.add(indicator) if indicator is not None else None
        if indicator is None or replaced is None:
            return
        for old in replaced:
            self._indicators.drop(old.key)
        self._indicators[indicator.key] = indicator
        self._changed += [indicator, *replaced]


def _category(arrival: Arrival) -> object:
    """The first category of an event."""
    brief = arrival.brief
    category = arrival.event.get("logsource.category") if brief is None else brief[0][1]
    return category[0] if category and isinstance(category, list | tuple) else category


def last_positions(batches: Iterable[Batch]) -> tuple[tuple[str, bytes], ...]:
    """The newest position of each source among batches in order."""
    newest = {batch.source: batch.position for batch in batches if batch.position is not None}
    return tuple(newest.items())

"""The monitor: takes every event in, says what fell silent or down, and for which rules absence proves nothing."""

from collections.abc import Callable, Iterator

from correlator._engine import Doubt
from correlator.arrival import Arrival
from correlator.city import CityModel
from correlator.health.beat import Beat, outages
from correlator.health.collectors import Collectors
from correlator.health.conditions import Conditions
from correlator.health.heartbeat import Heartbeats
from correlator.health.record import ConditionReport, Report, is_own, report_of
from correlator.health.witness import Witnesses
from correlator.matched import Packed
from correlator.watermark import AHEAD
from impetus.domain.batch import Key
from impetus.domain.event import Fields, Json
from impetus.domain.ports import Store
from impetus.domain.run import unpack

Stretch = tuple[int, int]
FOREVER = (1 << 63) - 1
"""The end of what still goes on."""
Blind = tuple[int, list[Stretch], tuple[str, str] | None]
"""What ``Windows.blind`` is told: rule, stretches, and the field and value that they are limited to."""

Doubtful = tuple[tuple[str, str], list[Stretch]]
"""What ``Windows.doubt`` is told: the field and value of events, and when they are in doubt."""


class Monitor:
    """The health of devices, collectors and sources, in event time.

    All that it says of times before the watermark is a function of the events, whatever the order of their arrival.
    """

    def __init__(self, city: CityModel, form: bytes, horizon: int) -> None:
        self._horizon, self._city = horizon, city
        self._beats = Heartbeats(city)
        self._collectors = Collectors()
        self.conditions = Conditions()
        self._witnesses = Witnesses(form)
        self._outages: dict[str, list[tuple[int, int | None]]] = {}
        """Source → when it was down; only sources that were."""
        self._passed: int | None = None
        """Up to which event time silences are concluded."""
        self._forgot: int | None = None
        """Up to which they were when something was last forgotten."""
        self._contested: dict[str, int] = {}
        """Device → from when on nothing that it did not say proves anything."""
        self._recontested: set[str] = set()
        self._told: dict[tuple[int, tuple[str, str] | None], list[Stretch]] = {}
        self._reported = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are read of every event."""
        return self._witnesses.fields

    def signs_of(self, event: Fields) -> dict[str, Json]:
        """The fields of an event that are signs of life; empty if it is no sign of any device."""
        return self._beats.signs_of(event)

    @property
    def signs(self) -> tuple[str, ...]:
        """The fields that are signs of life of some device."""
        return self._beats.signs

    def observe(self, arrival: Arrival, collector: str, late: bool) -> None:
        """Take an event of a source in, that came by a collector."""
        time, brief = arrival.time, arrival.brief
        if time > arrival.created + AHEAD:
            # A clock that is ahead would keep its device alive until then.
            time = arrival.created
        self._collectors.route(collector, arrival.source)
        if brief is not None and not self._witnesses.is_news(brief[0], arrival.source, time):
            return
        self._look(arrival.event, arrival.source, time, late)

    def observe_all(self, packed: Packed, collector: str) -> None:
        """Take the events of a batch in at once; none of them is late, and no clock ahead."""
        for saying in packed.sayings:
            self._collectors.route(collector, saying.source)
            if self._witnesses.is_news(saying.said, saying.source, saying.first):
                self._witnesses.observe(saying.fields, saying.source, saying.first)
        if not packed.signs:
            return
        times, says = unpack(packed.traits.times), unpack(packed.says)
        for sign in packed.signs:
            saying = packed.sayings[says[sign.place]]
            self._look(Fields(saying.fields | sign.fields), saying.source, times[sign.place], False)

    def _look(self, event: Fields, source: str, time: int, late: bool) -> None:
        self._beats.observe(event, source, time, late)
        for awaited in self._witnesses.observe(event, source, time):
            self._beats.report(event, awaited, time)

    def is_own(self, arrival: Arrival) -> bool:
        """Whether an event is a report of Impetus itself; then it is taken in."""
        if not is_own(arrival):
            return False
        report = report_of(arrival)
        if isinstance(report, ConditionReport):
            self.conditions.take(report)
        elif report is not None:
            self._collectors.take(report)
            self._reported = True
        return True

    def conclude(self, limit: int) -> list[bytes]:
        """The events of what fell silent or returned before an event time (µs)."""
        self._forget()
        self._passed = limit
        return list(self._beats.conclude(limit))

    def contest(self, device: str, since: int | None) -> None:
        """Note from when on (µs) a device of the model is contested; None: it is not."""
        if self._contested.get(device) != since and device in self._city.devices:
            self._recontested.add(device)
            if since is None:
                del self._contested[device]
            else:
                self._contested[device] = since

    def blindness(self) -> Iterator[Blind]:
        """What changed of when the awaited rules could not have been reported."""
        changed, self._beats.changed = self._beats.changed, set()
        if changed or self._reported:
            self._renew(changed)
        if not self._outages and not changed and not self._told:
            return
        for rule in self._witnesses.awaited:
            yield from self._told_anew(rule, None, self._unseen(rule))
            for device in sorted(changed):
                for name in self._beats.names(device):
                    yield from self._told_anew(rule, ("device.id", name), self._silences(device, rule))

    def doubts(self) -> Iterator[Doubtful]:
        """What changed of when devices are contested: the name that events have of one, and the stretches."""
        changed, self._recontested = self._recontested, set()
        for device in sorted(changed):
            for name in self._beats.names(device):
                yield ("device.id", name), self._doubtful(device)

    def blame(self, doubt: Doubt, contested: Callable[[str, int], tuple[str, ...]]) -> list[str]:
        """Why nobody could tell while a wait lasted, readable: who was down, and which incident contests whom.

        ``contested`` gives the incidents that contest a device as of an event time (µs).
        """
        span, found = (doubt.since, doubt.until), dict[str, None]()
        for rule in doubt.unseen:
            for source in sorted(self._outages):
                if _meets(self._since_first(source, rule), span):
                    found[f"source {source} was down"] = None
            for device in filter(None, (self._city.device(value) for _, value in doubt.group)):
                if _meets(self._silences(device.id, rule), span):
                    found[f"device {device.id} was down"] = None
                if _meets(self._doubtful(device.id), span):
                    incidents = ", ".join(contested(device.id, doubt.until + 1))
                    found[f"device {device.id} is contested by the incident {incidents}"] = None
        return list(found)

    def down(self) -> dict[str, int]:
        """The sources that are down now, with since when (µs)."""
        return {
            source: max(start for start, end in stretches if end is None)
            for source, stretches in self._outages.items()
            if any(end is None for _, end in stretches)
        }

    def is_down(self, collector: str) -> bool:
        """Whether a collector last reported that it is down."""
        return self._collectors.is_down(collector)

    def collector_of(self, source: str) -> str:
        """The collector that a source comes by, the first by name; empty if none is known."""
        return self._collectors.carrier(source)

    def report(self, collector: str, down: bool, now: int) -> Report:
        """A report of a collector, with the sources that come by it, for the log."""
        return Report(collector, down, now, self._collectors.sources(collector))

    # --- state

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        yield from self._beats.changes()
        yield from self._collectors.changes()
        yield from self.conditions.changes()
        yield from self._witnesses.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds; the next ``blindness`` tells all."""
        self._beats.restore(store)
        self._collectors.restore(store)
        self.conditions.restore(store)
        self._witnesses.restore(store)
        self._reported = True

    def _forget(self) -> None:
        """Forget what is out of sight. Event time may be about to jump over waits that are still to be looked at."""
        passed = self._passed
        if self._forgot is None or passed is None:
            self._forgot = passed
        elif passed - self._forgot > self._horizon // 4:
            self._forgot = passed
            self._beats.forget(passed - 2 * self._horizon)
            self._collectors.forget(passed - 2 * self._horizon)

    # --- outages

    def _renew(self, devices: set[str]) -> None:
        """Find the outages of the sources of changed devices, and of the collectors that reported, anew."""
        sources = {source for device in devices for source in self._known(device).sources}
        if self._reported:
            sources.update(self._collectors.affected())
            self._reported = False
        for source in sources:
            members = ((one.sources[source], one) for one in map(self._known, self._beats.members.get(source, ())))
            found = sorted([*outages(members), *self._collectors.outages(source)])
            if found:
                self._outages[source] = found
            else:
                self._outages.pop(source, None)

    def _known(self, device: str) -> Beat:
        return self._beats.beat(device) or Beat()

    def _unseen(self, rule: int) -> list[Stretch]:
        return sorted(one for source in self._outages for one in self._since_first(source, rule))

    def _since_first(self, source: str, rule: int) -> list[Stretch]:
        """The outages of a source since it has delivered what a rule looks for."""
        return _after(self._outages[source], self._witnesses.first(source, rule))

    def _silences(self, device: str, rule: int) -> list[Stretch]:
        """The silences of a device since it has sent what a rule looks for."""
        beat = self._known(device)
        firsts = [beat.reports[one.name] for one in self._witnesses.awaited[rule] if one.name in beat.reports]
        return _after(beat.silences, min(firsts, default=None))

    def _doubtful(self, device: str) -> list[Stretch]:
        """When a device is contested; whatever it may ever have sent."""
        since = self._contested.get(device)
        return [(since, FOREVER)] if since is not None else []

    def _told_anew(self, rule: int, part: tuple[str, str] | None, stretches: list[Stretch]) -> Iterator[Blind]:
        if self._told.get((rule, part), []) != stretches:
            if stretches:
                self._told[rule, part] = stretches
            else:
                del self._told[rule, part]
            yield rule, stretches, part


def _after(stretches: list[tuple[int, int | None]], first: int | None) -> list[Stretch]:
    if first is None:
        return []
    ended = ((max(start, first), FOREVER if end is None else end) for start, end in stretches)
    return [(start, end) for start, end in ended if start <= end]


def _meets(stretches: list[Stretch], span: Stretch) -> bool:
    return any(start <= span[1] and span[0] <= end for start, end in stretches)

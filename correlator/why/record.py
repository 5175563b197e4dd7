"""A recording that can be asked: events as they were matched, from a store, and what the correlator keeps of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from correlator._engine import Matcher, Windows
from correlator.enrich import join
from correlator.memory import Kept
from correlator.observation import Observation, observe
from correlator.plan.ledger import Held, Nearby
from correlator.setup import Setup
from correlator.watermark import EventClock
from correlator.why.sighting import Sighting
from impetus.domain.event import Json, read, text
from impetus.domain.ports import EventQuery, Span, Store, StoredEvent
from impetus.domain.rule import Rule

MAX_EVENTS = 200_000
"""So many events of a recording are looked at for one question, the newest."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True)
class Met:
    """An event as rules met it: its line with what enrichment added."""

    id: str
    time: int
    line: bytes
    event: Mapping[str, Json] = field(repr=False)


class Record:
    """Asks a store, and never writes to it."""

    def __init__(
        self,
        setup: Setup,
        store: Store,
        late: Mapping[str, int] | None = None,
        copies: Mapping[str, int] | None = None,
    ) -> None:
        """``late``: events that came too late for windows, with the event time (µs) then; None where that is unknown.

        ``copies``: how often each event was delivered, where that is known.
        """
        self.setup, self.store, self.copies = setup, store, copies or {}
        self.matcher = Matcher(setup.rules.form)
        self._reads = Windows(setup.rules.form, setup.city.geometry()).fields
        self._late = late
        clock = EventClock()
        clock.load(store.state("clock"))
        self.now = clock.now
        """Event time (µs); None before the first event."""

    @cached_property
    def held(self) -> Kept[Held]:
        """What the plan says of events, by id."""
        held = Kept("held", Held)
        held.restore(self.store)
        return held

    @cached_property
    def nearby(self) -> Kept[Nearby]:
        """Unexplained alerts, as they may take explanations back."""
        nearby = Kept("nearby", Nearby)
        nearby.restore(self.store)
        return nearby

    @cached_property
    def explained(self) -> frozenset[str]:
        """Ids of the events that the plan explains."""
        lines = {line.event for line in self.store.ledger()}
        held = {one.hit.seen.id: one.explained for one in self.held.values()}
        return frozenset(id for id in lines | held.keys() if held.get(id, True))

    def rule(self, index: int) -> Rule:
        """The rule of an index."""
        return self.setup.rules.rules[index]

    def event(self, id: str) -> Met | None:
        """An event by its id."""
        found = self.store.events(EventQuery(ids=(id,), limit=1))
        return _met(found[0]) if found else None

    def events(self, start: int | None, end: int | None) -> list[Met]:
        """The events from a time (included) to another (excluded), oldest first."""
        found = self.store.events(EventQuery(span=Span(start, end), limit=MAX_EVENTS))
        return [_met(stored) for stored in reversed(found)]

    def has_alert(self, id: str) -> bool:
        """Whether an alert is on record."""
        return bool(self.store.alerts([id]))

    def observation(self, met: Met) -> Observation:
        """What the correlator keeps of an event."""
        return observe(met.event, met.id, met.time, self.setup.city)

    def sightings(self, rules: Iterable[int], events: list[Met]) -> list[Sighting]:
        """The matches of some single-event rules by events that came in time for windows."""
        wanted = set(rules)
        hits = self.matcher.match([met.line for met in events])
        return [self._sighting(rule, events[at]) for at, rule in hits if rule in wanted and not self.late(events[at])]

    def late(self, met: Met) -> bool:
        """Whether an event that a referred rule matches came too late for windows, as far as that is known."""
        if self._late is not None:
            return met.id in self._late
        recent = self.now is not None and met.time >= self.now - self.setup.horizon
        return recent and self._same_rules and met.id not in self._seen

    def late_since(self, met: Met) -> int | None:
        """Event time (µs) when a late event came, where that is known."""
        return (self._late or {}).get(met.id)

    @cached_property
    def _seen(self) -> frozenset[str]:
        """Ids of the events that are in some window."""
        return frozenset(key.decode() for key, _ in self.store.state("seen"))

    @cached_property
    def _same_rules(self) -> bool:
        """Whether the store was last written by the rules that are asked about."""
        versions = [control.version for _, control in self.store.controls() if control.kind == "rules"]
        return bool(versions) and versions[-1] == self.setup.rules.version

    @property
    def notes(self) -> tuple[str, ...]:
        """What to bear in mind of all answers."""
        newest = {control.kind: control.version for _, control in self.store.controls()}
        asked = {control.kind: control.version for control in self.setup.controls}
        changed = [kind for kind, version in asked.items() if newest.get(kind, version) != version]
        return tuple(
            f"the {kind} of the settings is not the one that the store was last written with" for kind in changed
        )

    def _sighting(self, rule: int, met: Met) -> Sighting:
        fields = {
            name: tuple(text(value) for value in read(met.event, name) if value is not None)
            for name in self._reads[rule]
        }
        place = self.observation(met).place
        return Sighting(rule, met.id, met.time, place, fields, met.id in self.explained)


def _met(stored: StoredEvent) -> Met:
    line = join(stored.line, stored.addition)
    return Met(stored.id, stored.time, line, _decode(line))

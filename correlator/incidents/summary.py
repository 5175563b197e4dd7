"""The summary of a case: what its alerts have together, kept in time proportional to each alert that joins.

The same in whatever order they join. What is listed is bounded: rows, ids of repeats, events and entities.
"""

from bisect import insort
from collections.abc import Iterable
from functools import cached_property

import msgspec

from correlator.incidents.rows import REPEATS, Order, Row, Rows
from impetus.domain.alert import Alert
from impetus.domain.entity import Entity
from impetus.domain.rule import Level, rank

EVENTS = 1_000
"""Events that an incident lists: the newest."""
ENTITIES = 500
"""Entities that an incident lists: the first."""
EVIDENCE = 200
"""Alerts that are told apart when trust is weighed: the worst, and the first of these."""


class Repeats:
    """Repeats of an alert that are only counted: how many, the first ids, and the newest events."""

    __slots__ = ("count", "earliest", "events")

    def __init__(self) -> None:
        self.count = 0
        self.earliest: list[tuple[Order, str]] = []
        self.events: list[tuple[int, str]] = []

    def add(self, alert: Alert, order: Order) -> None:
        """Count one more."""
        self.count += 1
        insort(self.earliest, (order, alert.id))
        self._list(zip(alert.times, alert.events, strict=True))

    def absorb(self, other: "Repeats") -> None:
        """Count those of another too."""
        self.count += other.count
        self.earliest = sorted([*self.earliest, *other.earliest])
        self._list(other.events)

    def _list(self, events: Iterable[tuple[int, str]]) -> None:
        del self.earliest[REPEATS:]
        self.events += events
        if len(self.events) > 2 * EVENTS:
            self.events = sorted(self.events)[-EVENTS:]


class Evidence(msgspec.Struct, array_like=True, gc=False):
    """The alerts of one level on the same devices: the earliest of them."""

    level: Level
    devices: tuple[str, ...]
    domains: tuple[str, ...]
    order: Order
    title: str


class Summary(msgspec.Struct, array_like=True, dict=True):
    """Rows, events, entities and what risk is made of."""

    _rows: list[Row] = []
    """In order; ``rows`` knows what is where."""
    alerts: int = 0
    domains: set[str] = set()
    zones: set[str] = set()
    exercise: bool = False
    tactics: dict[str, Order] = {}
    """Each tag of a rule, with the first alert that has it."""
    evidence: dict[tuple[str, ...], Evidence] = {}
    devices: dict[str, Order] = {}
    """Each device that is held, with the first alert that is about it."""
    placed: tuple[Order, str] | None = None
    """The first alert that is certainly in one place."""
    _events: dict[str, int] = {}
    _entities: dict[str, tuple[Order, int, Entity]] = {}
    _title: tuple[tuple[int, bool, Order], str] | None = None

    @cached_property
    def rows(self) -> Rows:
        """The rows of the incident."""
        return Rows(self._rows)

    def add(self, alert: Alert, order: Order, why: str) -> None:
        """Add an alert."""
        self.alerts += 1
        self.rows.add(alert, order, why)
        self._add_best(alert, order)
        for tag in alert.tags:
            self.tactics[tag] = min(self.tactics.get(tag, order), order)
        self.revise(alert, order)

    def revise(self, alert: Alert, order: Order) -> None:
        """Add what more an alert has that is in it already."""
        self.domains.update(domain for domain in alert.domains if domain)
        self.zones.update(alert.zones)
        self.exercise = self.exercise or alert.exercise
        if alert.certainty == "certain" and (self.placed is None or order < self.placed[0]):
            self.placed = (order, alert.title)
        self._add_evidence(alert, order)
        self._add_events(zip(alert.events, alert.times, strict=True))
        for position in range(len(alert.entities) - 1, -1, -1):
            self._add_entity(alert.entities[position], order, position)
        row = self.rows.find(alert)
        if row is not None:
            row.first, row.last = min(row.first, alert.first), max(row.last, alert.at)

    def count(self, alert: Alert, repeats: Repeats) -> None:
        """Count repeats of an alert that are not there any more."""
        self.alerts += repeats.count
        self._add_events((event, at) for at, event in repeats.events)
        row = self.rows.find(alert)
        if row is not None:
            row.count += repeats.count
            for order, id in repeats.earliest:
                row.repeat(order, id)

    def absorb(self, other: "Summary", opener: Order, why: str) -> None:
        """Add all that another one has; its opener joined for this reason."""
        self.alerts += other.alerts
        self.rows.absorb(other.rows, opener, why)
        if self._title is None or (other._title is not None and other._title < self._title):
            self._title = other._title
        for tag, order in other.tactics.items():
            self.tactics[tag] = min(self.tactics.get(tag, order), order)
        for device, order in other.devices.items():
            self.devices[device] = min(self.devices.get(device, order), order)
        self.domains |= other.domains
        self.zones |= other.zones
        self.exercise = self.exercise or other.exercise
        if self.placed is None or (other.placed is not None and other.placed < self.placed):
            self.placed = other.placed
        for group, item in other.evidence.items():
            self._note_evidence(group, item)
        self._add_events(other._events.items())
        for order, position, entity in other._entities.values():
            self._add_entity(entity, order, position)

    def events(self) -> tuple[str, ...]:
        """The newest events, by event time."""
        return tuple(event for event, _ in self._newest())

    def entities(self) -> tuple[Entity, ...]:
        """The first entities, in the order in which they came."""
        found = sorted(self._entities.values())[:ENTITIES] if self._entities else []
        return tuple(entity for _, _, entity in found)

    @property
    def title(self) -> str:
        """The title of the worst alert; of a correlation before others."""
        return self._title[1] if self._title is not None else ""

    @property
    def worst(self) -> Evidence:
        """The first of the worst alerts."""
        return min(self.evidence.values(), key=lambda item: (-rank(item.level), item.order))

    def _add_events(self, events: Iterable[tuple[str, int]]) -> None:
        for event, at in events:
            self._events[event] = max(at, self._events.get(event, at))
        if len(self._events) > 2 * EVENTS:
            self._events = dict(self._newest())

    def _newest(self) -> list[tuple[str, int]]:
        return sorted(self._events.items(), key=lambda item: (item[1], item[0]))[-EVENTS:]

    def _add_best(self, alert: Alert, order: Order) -> None:
        best = ((-rank(alert.level), not alert.correlation, order), alert.title)
        if self._title is None or best < self._title:
            self._title = best

    def _add_evidence(self, alert: Alert, order: Order) -> None:
        devices = devices_of(alert)
        for device in devices:
            self.devices[device] = min(self.devices.get(device, order), order)
        key = (alert.level, alert.id) if alert.correlation else (alert.level, *devices, *alert.domains)
        self._note_evidence(key, Evidence(alert.level, devices, alert.domains, order, alert.title))

    def _note_evidence(self, key: tuple[str, ...], item: Evidence) -> None:
        known = self.evidence.get(key)
        if known is None or item.order <= known.order:
            self.evidence[key] = item
        if len(self.evidence) > 2 * EVIDENCE:
            worst = sorted(self.evidence.items(), key=lambda item: (-rank(item[1].level), item[1].order))
            self.evidence = dict(worst[:EVIDENCE])

    def _add_entity(self, entity: Entity, order: Order, position: int) -> None:
        known = self._entities.get(entity.key)
        if known is None:
            self._entities[entity.key] = (order, position, entity)
            if len(self._entities) > 2 * ENTITIES:
                first = sorted(self._entities.items(), key=lambda item: item[1])[:ENTITIES]
                self._entities = dict(first)
            return
        strong = known[2] if not known[2].weak else entity
        # A revision of the same alert may list it elsewhere.
        if order <= known[0]:
            self._entities[entity.key] = (order, position, strong)
        else:
            self._entities[entity.key] = (known[0], known[1], strong)


def devices_of(alert: Alert) -> tuple[str, ...]:
    """The devices that an alert is about."""
    return tuple(sorted(entity.value for entity in alert.entities if entity.kind == "device" and not entity.weak))

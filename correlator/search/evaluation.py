"""Evaluating a query over events in columns: each part of it says at which places it holds.

What rules can say is one rule of the native engine for each largest such part; keys, times and distances are checked
beside it. Of parts that must all hold the cheap ones go first, and the next look only at what is left.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import msgspec

from correlator._engine import Matcher
from correlator.enrich import join
from correlator.observation import place_of
from correlator.search.condition import box, condition_of, tells
from correlator.search.sieve import Zones, keys_of
from impetus.domain.city import Device
from impetus.domain.errors import ImpetusError
from impetus.domain.place import Location, distance
from impetus.domain.ports import Shown, Sifted
from impetus.domain.query.tree import And, Key, Near, NearDevice, Node, Not, Or, Since, Until, Zone, conjunction
from rules import form

Places = set[int]
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Setting(msgspec.Struct, frozen=True):
    """What a query means at the moment when it is asked."""

    zones: Zones
    devices: Mapping[str, Device]
    locations: Mapping[str, Location]
    """Of the devices that have one."""
    now: int
    shown: Shown | None = None


class Part(ABC):
    """A part of a query."""

    cost = 0
    """Parts with a lower one are asked first."""

    @abstractmethod
    def holds(self, sifted: Sifted, places: Places) -> Places:
        """Those of some places at which it holds."""


def part_of(node: Node, setting: Setting) -> Part:  # noqa: PLR0911 - one line for each kind
    """How a query is evaluated. Raises ``ImpetusError`` (query.invalid)."""
    condition = condition_of(node)
    if condition is not None and not _hidden(node, setting):
        return _Engine(condition)
    match node:
        case And(of):
            return _All([part_of(each, setting) for each in _gathered(of, setting)])
        case Or(of):
            return _Any([part_of(each, setting) for each in of])
        case Not(inner):
            return _Not(part_of(inner, setting))
        case Key() | Zone():
            return _Keyed(keys_of(node, setting.zones))
        case Since(moment):
            return _Within(moment.instant(setting.now), None)
        case Until(moment):
            return _Within(None, moment.instant(setting.now))
        case Near() | NearDevice():
            return _near(_located(node, setting))
    return _Seen(_Engine(condition), setting.shown) if condition is not None and setting.shown else _Everything()


def _hidden(node: Node, setting: Setting) -> bool:
    """Whether its answer could tell what the asker may not see."""
    return setting.shown is not None and tells(node)


def _gathered(of: tuple[Node, ...], setting: Setting) -> list[Node]:
    """Parts of a conjunction, those that one rule can say as one."""
    plain: list[Node] = []
    others: list[Node] = []
    for each in of:
        sayable = condition_of(each) is not None and not _hidden(each, setting)
        (plain if sayable else others).append(each)
    return [conjunction(tuple(plain)), *others] if plain else others


def _located(node: Near | NearDevice, setting: Setting) -> Near:
    if isinstance(node, Near):
        return node
    at = setting.locations.get(node.device)
    if at is None:
        known = node.device in setting.devices
        what = (
            f"the city model gives no location for {node.device!r}" if known else f"there is no device {node.device!r}"
        )
        raise ImpetusError("query.invalid", what, hint="Write the place itself: near:59.91,10.73,150m")
    return Near(at.lat, at.lon, node.metres)


def _near(near: Near) -> Part:
    condition = box(near)
    exact = _Near(near)
    return exact if condition is None else _All([_Engine(condition), exact])


class _Everything(Part):
    def holds(self, sifted: Sifted, places: Places) -> Places:
        return places


class _All(Part):
    def __init__(self, parts: list[Part]) -> None:
        self._parts = sorted(parts, key=lambda part: part.cost)
        self.cost = self._parts[-1].cost

    def holds(self, sifted: Sifted, places: Places) -> Places:
        for part in self._parts:
            places = part.holds(sifted, places) if places else places
        return places


class _Any(Part):
    def __init__(self, parts: list[Part]) -> None:
        self._parts = sorted(parts, key=lambda part: part.cost)
        self.cost = self._parts[-1].cost

    def holds(self, sifted: Sifted, places: Places) -> Places:
        found: Places = set()
        for part in self._parts:
            found |= part.holds(sifted, places - found)
        return found


class _Not(Part):
    def __init__(self, part: Part) -> None:
        self._part = part
        self.cost = part.cost

    def holds(self, sifted: Sifted, places: Places) -> Places:
        return places - self._part.holds(sifted, places)


class _Keyed(Part):
    def __init__(self, keys: frozenset[str]) -> None:
        self._keys = keys

    def holds(self, sifted: Sifted, places: Places) -> Places:
        return places.intersection(set[int]().union(*(sifted.keys[key] for key in self._keys)))


class _Within(Part):
    def __init__(self, start: int | None, end: int | None) -> None:
        self._start, self._end = start, end

    def holds(self, sifted: Sifted, places: Places) -> Places:
        start, end, times = self._start, self._end, sifted.times
        return {
            place
            for place in places
            if (start is None or times[place] >= start) and (end is None or times[place] < end)
        }


class _Engine(Part):
    """A condition, by the engine of the rules."""

    cost = 1

    def __init__(self, condition: form.Expression) -> None:
        rule = form.Rule("query", form.LogSource(), condition)
        try:
            self._matcher = Matcher(form.encode([rule], []))
        except ValueError as error:
            raise ImpetusError("query.invalid", f"the engine cannot answer this: {error}") from None

    def holds(self, sifted: Sifted, places: Places) -> Places:
        order = sorted(places)
        return {order[line] for line, _ in self.match([_line(sifted, place) for place in order])}

    def match(self, lines: list[bytes]) -> list[tuple[int, int]]:
        """The lines at which it holds."""
        return self._matcher.match_all(lines)


class _Seen(Part):
    """A condition that must hold on what the asker may see, too."""

    cost = 3

    def __init__(self, engine: _Engine, shown: Shown) -> None:
        self._engine, self._shown = engine, shown

    def holds(self, sifted: Sifted, places: Places) -> Places:
        found = sorted(self._engine.holds(sifted, places))
        return {found[line] for line, _ in self._engine.match([self._shown(sifted.event(place)) for place in found])}


class _Near(Part):
    """The distance itself."""

    cost = 2

    def __init__(self, near: Near) -> None:
        self._from, self._metres = Location(near.lat, near.lon), near.metres

    def holds(self, sifted: Sifted, places: Places) -> Places:
        return {place for place in places if self._reaches(_line(sifted, place))}

    def _reaches(self, line: bytes) -> bool:
        try:
            at = place_of(_decode(line)).location
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return False
        return at is not None and distance(self._from, at) <= self._metres


def _line(sifted: Sifted, place: int) -> bytes:
    return join(sifted.lines[place], sifted.additions[place])

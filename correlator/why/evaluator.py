"""All windows of a recording: correlations in their order, the alerts of one being what a later one sees."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from correlator._engine import Relations, alert_id
from correlator.why.sighting import Entry, Group, Sighting, groups
from correlator.why.window import Terms, Window, look
from rules import form

MOST_LOOKED = 300_000
"""So many entries are looked at when every window of a group is asked for: a second or so."""


@dataclass(frozen=True)
class Found:
    """An alert of a correlation: the firings that share members, by time."""

    id: str
    group: Group
    windows: tuple[Window, ...]

    @cached_property
    def members(self) -> list[Entry]:
        """The members of all firings, by time and id, an alert once."""
        by_order = {entry.order: entry for window in self.windows for entry in window.members}
        return list({by_order[order].id: by_order[order] for order in sorted(by_order)}.values())


class Evaluator:
    """Evaluates the correlations of a form over matches, each only when it is asked for."""

    def __init__(self, encoded: bytes, city: bytes, sightings: Iterable[Sighting], now: int | None = None) -> None:
        """``city`` is the geometry that the windows get; ``now`` is event time (µs), None: everything is over."""
        self.form = form.decode(encoded)
        self._relations = Relations(encoded, city)
        self._now = now
        self._sightings: dict[int, list[Sighting]] = {}
        for sighting in sightings:
            self._sightings.setdefault(sighting.rule, []).append(sighting)
        self._found: dict[tuple[int, Group], list[Found]] = {}
        self._groups: dict[int, dict[Group, list[Entry]]] = {}
        self._left = MOST_LOOKED
        self.cut = False
        """Not every window was looked at: there are too many matches. Alerts may be missing."""

    def terms(self, index: int) -> Terms:
        """The correlation of an index."""
        singles = len(self.form.rules)
        return Terms.of(index, self.form.correlations[index - singles], singles, self._relations)

    def sightings(self, index: int) -> Sequence[Sighting]:
        """What a correlation sees of a rule: its matches, or the firings of a correlation."""
        if index not in self._sightings:
            self._sightings[index] = (
                [sighting for found in self.alerts(index) for sighting in _appearances(index, found)]
                if index >= len(self.form.rules)
                else []
            )
        return self._sightings[index]

    def groups(self, index: int) -> dict[Group, list[Entry]]:
        """The entries of a correlation, by group."""
        if index not in self._groups:
            terms = self.terms(index)
            seen = [
                sighting
                for rule in terms.correlation.rules
                if rule in terms.wanted | terms.awaited
                for sighting in self.sightings(rule)
            ]
            self._groups[index] = groups(terms.correlation, seen)
        return self._groups[index]

    def windows(self, index: int, event: str) -> list[Window]:
        """The windows of a correlation whose newest entry came with an event (or is an alert of that id)."""
        return [
            self.look(index, group, entry)
            for group, entries in self.groups(index).items()
            for entry in entries
            if event in (entry.event, entry.id) and entry.rules & self.terms(index).wanted
        ]

    def look(self, index: int, group: Group, entry: Entry) -> Window:
        """The window of an entry of a group."""
        return look(self.terms(index), group, self.groups(index)[group], entry, self._now)

    def alerts(self, index: int) -> list[Found]:
        """Every alert of a correlation."""
        return [found for group in self.groups(index) for found in self.alerts_of(index, group)]

    def alerts_of(self, index: int, group: Group) -> list[Found]:
        """The alerts of one group."""
        if (index, group) not in self._found:
            correlation = self.form.correlations[index - len(self.form.rules)]
            joined = _components(self._firing(index, group, self.groups(index)[group]))
            self._found[index, group] = [_alert(correlation.id, group, windows) for windows in joined]
        return self._found[index, group]

    def several(self, index: int, group: Group, entries: Iterable[Entry]) -> Iterator[Window]:
        """The windows of some entries of a group, as long as they are not too many altogether."""
        for entry in entries:
            if self._left <= 0:
                self.cut = True
                return
            window = self.look(index, group, entry)
            self._left -= len(window.inside) + 1
            yield window

    def _firing(self, index: int, group: Group, entries: Sequence[Entry]) -> list[Window]:
        return [window for window in self.several(index, group, entries) if window.fires]


def _alert(rule: str, group: Group, windows: Sequence[Window]) -> Found:
    earliest = min(entry.order for window in windows for entry in window.members)
    return Found(alert_id(rule, list(group), earliest[1]), group, tuple(windows))


def _appearances(index: int, found: Found) -> Iterable[Sighting]:
    """An alert stands in later windows at the time of each of its firings, with the fields of its group."""
    fields = {name: (value,) for name, value in found.group}
    for window in found.windows:
        newest = window.newest
        yield Sighting(index, found.id, window.at, newest.place, fields, False, newest.event)


def _components(windows: Sequence[Window]) -> list[list[Window]]:
    """Firings that share a member, directly or by others, are one alert; an alert is one member at all its times."""
    leader = list(range(len(windows)))

    def lead(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[str, int] = {}
    for index, window in enumerate(windows):
        for member in window.members:
            leader[lead(index)] = lead(first.setdefault(member.id, index))
    joined: dict[int, list[Window]] = {}
    for index, window in enumerate(windows):
        joined.setdefault(lead(index), []).append(window)
    return list(joined.values())

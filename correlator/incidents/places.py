"""Where and when open-source items and other alerts may meet: looked up by hour and by zone or square."""

from collections.abc import Iterable, Iterator
from math import cos, floor, radians

from correlator.incidents.case import HOUR, Node, meets
from impetus.domain.alert import Alert
from impetus.domain.place import Place

SQUARE = 0.02
"""Side of a square in degrees."""
METRES = 111_000
"""In a degree of latitude."""
MANY = 100
"""A circle over more squares is wide."""
WIDEST = 10_000_000.0
"""No circle on earth has a greater radius (m)."""

Spot = tuple[int, str]


class Places:
    """Open-source items by where and when they expect something, and alerts by where and when they are."""

    def __init__(self) -> None:
        self._watches: dict[Spot, dict[str, Node]] = {}
        self._alerts: dict[Spot, dict[str, Node]] = {}

    def add(self, node: Node, *, watch: bool) -> None:
        """Note where an alert is, or what an open-source item expects."""
        for index, spot in self._spots(node.alert, watch=watch):
            index.setdefault(spot, {})[node.alert.id] = node

    def drop(self, node: Node) -> None:
        """Forget an alert."""
        for watch in (False, True):
            for index, spot in self._spots(node.alert, watch=watch):
                found = index.get(spot)
                if found is not None and found.pop(node.alert.id, None) is not None and not found:
                    del index[spot]

    def watches_met(self, alert: Alert) -> list[Node]:
        """The open-source items that an alert meets."""
        if not self._watches:
            return []
        return [node for node in _found(self._watches, _alert_spots(alert)) if meets(node.alert, alert)]

    def alerts_met(self, watch: Alert) -> list[Node]:
        """The alerts that an open-source item meets."""
        return [node for node in _found(self._alerts, expected_spots(watch)) if meets(watch, node.alert)]

    def _spots(self, alert: Alert, *, watch: bool) -> Iterator[tuple[dict[Spot, dict[str, Node]], Spot]]:
        spots = expected_spots(alert, kept=True) if watch else spots_of(alert)
        index = self._watches if watch else self._alerts
        for spot in spots:
            yield index, spot


def _found(index: dict[Spot, dict[str, Node]], spots: Iterable[Spot]) -> list[Node]:
    found: dict[str, Node] = {}
    for spot in spots if index else ():
        found.update(index.get(spot, {}))
    return list(found.values())


def _alert_spots(alert: Alert, *, kept: bool = False) -> Iterator[Spot]:
    if alert.place is None:
        return
    hours = {time // HOUR for time in alert.times or (alert.at,)}
    areas = [*alert.zones, *_squares(alert.place, kept=kept)]
    for hour in hours:
        for area in areas:
            yield hour, area


def spots_of(alert: Alert) -> Iterator[Spot]:
    """Where and when an alert is found."""
    return _alert_spots(alert, kept=True)


def expected_spots(watch: Alert, *, kept: bool = False) -> Iterator[Spot]:
    """Where and when an open-source item looks for alerts; or, if ``kept``, is found by them."""
    if watch.target_time is None or watch.place is None:
        return
    areas = [*_squares(watch.place, kept=kept), *([watch.place.zone] if watch.place.zone else [])]
    for hour in range((watch.target_time - HOUR) // HOUR, (watch.target_time + HOUR) // HOUR + 1):
        for area in areas:
            yield hour, area


def _squares(place: Place, *, kept: bool) -> Iterator[str]:
    """The squares that a circle may touch. A very wide one meets all, so it asks for every one and is found by all."""
    if place.location is None:
        return
    high = min(place.radius, WIDEST) / METRES
    wide = high / max(0.01, cos(radians(place.location.lat)))
    rows = range(floor((place.location.lat - high) / SQUARE), floor((place.location.lat + high) / SQUARE) + 1)
    columns = range(floor((place.location.lon - wide) / SQUARE), floor((place.location.lon + wide) / SQUARE) + 1)
    narrow = len(rows) * len(columns) <= MANY
    if kept or not narrow:
        yield "every circle"
    if kept != narrow:
        yield "wide circles"
    if narrow:
        for row in rows:
            for column in columns:
                yield f"{row}/{column}"

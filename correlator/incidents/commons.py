"""How common an entity is: one that too many others were met with is weak from then on.

So the gateway which all traffic comes from does not make one incident of a city. It follows from the alerts in their
order, as all else.
"""

from collections.abc import Iterable, Sequence

from correlator.incidents.case import opens
from correlator.incidents.limits import Limits
from correlator.incidents.rows import Order
from impetus.domain.alert import Alert

NEVER_COMMON = "indicator:"
"""An indicator tells of a threat however often it is met."""

Met = dict[str, int]
"""The others that alerts of one event have with an entity, and when they were last met (µs of event time)."""


class Commons:
    """Which entities are common, since when."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._met: dict[str, Met] = {}
        self.since: dict[str, Order] = {}
        """Common entities, and the alert from which on each is weak."""

    def take(self, alert: Alert, order: Order) -> None:
        """Count an alert that stands behind all that was counted of its entities, or changes none of them."""
        if not counts(alert, self._limits):
            return
        keys = strong_keys(alert)
        for key in keys:
            if key not in self.since and not key.startswith(NEVER_COMMON) and len(keys) > 1:
                self._met[key] = met = self._met.get(key) or {}
                if self._overflows(met, key, keys, order):
                    self.since[key] = order
                    del self._met[key]

    def split(self, alert: Alert, order: Order) -> tuple[list[str], list[str]]:
        """The strong and the weak entities of an alert as of its place."""
        strong: list[str] = []
        weak: list[str] = []
        for entity in alert.entities:
            key = entity.key
            (weak if entity.weak or self.is_common(key, order) else strong).append(key)
        return strong, weak

    def is_common(self, key: str, order: Order) -> bool:
        """Whether an entity is weak at a place in the order."""
        since = self.since.get(key)
        return since is not None and order >= since

    def stays(self, alert: Alert, order: Order) -> bool:
        """Whether an alert that comes late leaves open since when its entities are common."""
        keys = strong_keys(alert)
        if not counts(alert, self._limits):
            return True
        return all(
            order >= self.since[key] if key in self.since else self._fits(self._met.get(key), keys) for key in keys
        )

    def turn(self, key: str, alerts: Iterable[tuple[Order, Alert]]) -> Order | None:
        """Count an entity anew over all alerts that have it; returns since when it is common, if it is."""
        since = self._recount(key, alerts)
        if since is None:
            self.since.pop(key, None)
        else:
            self.since[key] = since
        return since

    def _recount(self, key: str, alerts: Iterable[tuple[Order, Alert]]) -> Order | None:
        met: Met = {}
        self._met.pop(key, None)
        counted = [item for item in alerts if counts(item[1], self._limits)]
        for order, alert in sorted(counted, key=lambda item: item[0]):
            keys = strong_keys(alert)
            if key in keys and len(keys) > 1 and self._overflows(met, key, keys, order):
                return order
        if met:
            self._met[key] = met
        return None

    def forget(self, key: str) -> None:
        """Forget an entity that no alert in memory has."""
        self._met.pop(key, None)
        self.since.pop(key, None)

    def _fits(self, met: Met | None, keys: Sequence[str]) -> bool:
        return len(met or ()) + len(keys) - 1 <= self._limits.common

    def _overflows(self, met: Met, key: str, keys: Sequence[str], order: Order) -> bool:
        """Count an alert; whether there are too many others then."""
        # An event may name thousands: the first ones are as many as it takes.
        for other in keys[: self._limits.common + 2]:
            if other != key:
                met[other] = max(met.get(other, order[0]), order[0])
        if len(met) <= self._limits.common:
            return False
        # What a late alert may still ask for stays a while longer.
        gone = order[0] - self._limits.active - self._limits.horizon
        for other in [other for other, at in met.items() if at <= gone]:
            del met[other]
        return sum(order[0] - at < self._limits.active for at in met.values()) > self._limits.common


def strong_keys(alert: Alert) -> list[str]:
    """The entities that an alert has and that are not weak by themselves."""
    return [entity.key for entity in alert.entities if not entity.weak]


def counts(alert: Alert, limits: Limits) -> bool:
    """Whether an alert counts for how common its entities are: the members of a correlation are related by it."""
    return not alert.correlation and opens(alert, limits)

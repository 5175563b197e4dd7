"""How common an entity is: one that too many others were met with is weak from then on.

So the gateway which all traffic comes from does not make one incident of a city. It follows from the alerts in their
order, as all else.
"""

from collections.abc import Iterable

from correlator.incidents.case import Order, opens
from correlator.incidents.limits import Limits
from impetus.domain.alert import Alert

NEVER_COMMON = "indicator:"
"""An indicator tells of a threat however often it is met."""


class Commons:
    """Which entities are common, since when."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._met: dict[str, dict[str, int]] = {}
        """Entity → the others that alerts of one event have with it, and when they were last met."""
        self.since: dict[str, Order] = {}
        """Common entities, and the alert from which on each is weak."""
        self.last: dict[str, int] = {}
        """When a common entity was last met."""

    def take(self, alert: Alert, order: Order) -> tuple[list[str], list[str]]:
        """The strong and the weak entities of an alert as of its place; it counts itself."""
        keys = [entity.key for entity in alert.entities if not entity.weak]
        weak = [entity.key for entity in alert.entities if entity.weak]
        if counts(alert, self._limits):
            for key in keys:
                self._count(key, keys, order)
        strong = [key for key in keys if not self.is_common(key, order)]
        return strong, weak + [key for key in keys if self.is_common(key, order)]

    def is_common(self, key: str, order: Order) -> bool:
        """Whether an entity is weak at a place in the order."""
        since = self.since.get(key)
        return since is not None and order >= since

    def stays(self, alert: Alert, order: Order) -> bool:
        """Whether an alert that comes late leaves open since when its entities are common."""
        keys = [entity.key for entity in alert.entities if not entity.weak]
        if not counts(alert, self._limits):
            return all(key not in self.since or order >= self.since[key] for key in keys)
        return all(
            order >= self.since[key] if key in self.since else self._fits(self._met.get(key), keys) for key in keys
        )

    def forget(self, keys: Iterable[str]) -> None:
        """Forget what was met with entities that are not common."""
        for key in keys:
            if key not in self.since:
                self._met.pop(key, None)

    def reset(self, keys: Iterable[str], first: Order) -> dict[str, Order | None]:
        """Count anew the entities whose count a change from ``first`` on may alter; returns since when they were."""
        found: dict[str, Order | None] = {}
        for key in keys:
            since = self.since.get(key)
            if since is None or since >= first:
                found[key] = self.since.pop(key, None)
                self._met.pop(key, None)
        return found

    def expire(self, now: int) -> None:
        """Forget entities that were common and have not been met for as long as an incident is active."""
        for key in [key for key, last in self.last.items() if now - last >= self._limits.active]:
            self.since.pop(key, None)
            del self.last[key]

    def _fits(self, met: dict[str, int] | None, keys: list[str]) -> bool:
        return len(met or ()) + len(keys) - 1 <= self._limits.common

    def _count(self, key: str, keys: list[str], order: Order) -> None:
        if key in self.since:
            self.last[key] = max(self.last.get(key, order[0]), order[0])
            return
        if len(keys) == 1 or key.startswith(NEVER_COMMON):
            return
        met = self._met.setdefault(key, {})
        # An event may name thousands: the first ones are as many as it takes.
        for other in keys[: self._limits.common + 2]:
            if other != key:
                met[other] = max(met.get(other, order[0]), order[0])
        if len(met) > self._limits.common:
            met = self._met[key] = {k: at for k, at in met.items() if order[0] - at < self._limits.active}
            if len(met) > self._limits.common:
                self.since[key], self.last[key] = order, order[0]
                del self._met[key]


def counts(alert: Alert, limits: Limits) -> bool:
    """Whether an alert counts for how common its entities are: the members of a correlation are related by it."""
    return not alert.correlation and opens(alert, limits)

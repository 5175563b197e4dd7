"""Names: what leads from an alert to cases. Member events, strong entities, and what a person joined.

And how common an entity is: one that too many others were met with is weak from then on, so that the gateway which all
traffic comes from does not make one incident of a city. That follows from the alerts in their order, as all else.
"""

from collections.abc import Iterable

from correlator.incidents.case import FIRST, Case, Node, Order, opens
from correlator.incidents.limits import Limits
from impetus.domain.alert import Alert

EVENT = "event:"
PERSON = "person:"
"""In front of the names that a merge by hand gives to alerts."""
NEVER_COMMON = "indicator:"
"""An indicator tells of a threat however often it is met."""


class Name:
    """What is known of one name."""

    __slots__ = ("last", "nodes", "owners")

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        """The alerts that have it, by id."""
        self.owners: list[tuple[Case, Order]] = []
        """The cases that it leads to, each since when; the first that takes an alert in counts."""
        self.last = FIRST
        """The last alert that had it."""


class Names:
    """All names of the alerts in memory."""

    def __init__(self) -> None:
        self._names: dict[str, Name] = {}

    def get(self, name: str) -> Name | None:
        """What is known of a name."""
        return self._names.get(name)

    def note(self, node: Node, names: Iterable[str]) -> None:
        """Note that an alert has names."""
        for name in names:
            entry = self._entry(name)
            entry.nodes[node.alert.id] = node
            entry.last = max(entry.last, node.order)

    def lead(self, names: Iterable[str], case: Case, since: Order) -> None:
        """Let names lead to a case."""
        for name in names:
            owners = self._entry(name).owners
            if not any(owner.heir is case for owner, _ in owners):
                owners.append((case, since))

    def drop(self, node: Node, names: Iterable[str]) -> None:
        """Forget that an alert has names, and those that none has."""
        for name in names:
            entry = self._names.get(name)
            if entry is not None and entry.nodes.pop(node.alert.id, None) is not None and not entry.nodes:
                del self._names[name]

    def disown(self, case: Case, names: Iterable[str]) -> None:
        """Let names no longer lead to a case, or to one that it took over."""
        for name in names:
            entry = self._names.get(name)
            if entry is not None:
                entry.owners = [item for item in entry.owners if item[0].heir is not case]

    def __len__(self) -> int:
        return len(self._names)

    def _entry(self, name: str) -> Name:
        entry = self._names.get(name)
        if entry is None:
            entry = self._names[name] = Name()
        return entry


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

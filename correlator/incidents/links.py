"""Links: incidents that share an entity which is weak on one side, at about the same time. They stay separate."""

from collections.abc import Iterable

from correlator.incidents.case import Case
from correlator.incidents.limits import Limits


class Held:
    """When a case had an entity, and how."""

    __slots__ = ("first", "last", "strong", "weak")

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.strong = self.weak = False

    def near(self, other: "Held", limits: Limits) -> bool:
        """Whether two cases had it within the time for which an incident is active, and one of them weakly."""
        apart = max(self.first, other.first) - min(self.last, other.last)
        return (self.weak or other.weak) and apart < limits.active


class Links:
    """Which cases have each entity; a weak one links the first of very many."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held: dict[str, dict[Case, Held]] = {}

    def note(self, case: Case, key: str, first: int, last: int, *, weak: bool) -> list[Case]:
        """Note that a case had an entity from when to when; returns the cases that this links it to."""
        holders = self._held.setdefault(key, {})
        mine = holders.get(case)
        if mine is None:
            if len(holders) >= self._limits.linked:
                return []
            mine = holders[case] = Held(first, last)
        mine.first, mine.last = min(mine.first, first), max(mine.last, last)
        mine.weak, mine.strong = mine.weak or weak, mine.strong or not weak
        if len(holders) == 1:
            return []
        others = ((other.heir, held) for other, held in holders.items())
        return [other for other, held in others if other is not case and mine.near(held, self._limits)]

    def drop(self, cases: Iterable[Case], keys: Iterable[str]) -> None:
        """Forget that cases had entities."""
        gone = list(cases)
        for key in keys:
            holders = self._held.get(key)
            for case in gone if holders is not None else ():
                holders.pop(case, None)  # type: ignore[union-attr]
            if holders is not None and not holders:
                del self._held[key]

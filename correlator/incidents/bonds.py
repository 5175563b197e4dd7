"""Bonds: what people said of alerts by hand, which later evidence respects. They enter the fold beside the alerts.

A merge gives alerts of both incidents a name in common; a split puts alerts on the two sides of a line over which
nothing joins. A person clears an incident's hold on a device in the record of the incident itself.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from correlator.incidents.names import PERSON
from impetus.domain.alert import Alert


class Bond(msgspec.Struct, frozen=True):
    """One merge or split, until it is undone. ``id`` is that of the action."""

    id: str
    verb: Literal["merge", "split"]
    actor: str
    sides: dict[str, int]
    """Alert id → side of the split (0 stays, 1 leaves); all 0 for a merge."""


class Bonds:
    """The bonds that hold, by the alerts that they are about."""

    def __init__(self) -> None:
        self._bonds: dict[str, Bond] = {}
        self._by_alert: dict[str, list[Bond]] = {}

    def add(self, bond: Bond) -> None:
        """Let a bond hold."""
        self._bonds[bond.id] = bond
        for id in bond.sides:
            self._by_alert.setdefault(id, []).append(bond)

    def remove(self, id: str) -> Bond | None:
        """Let a bond hold no more."""
        bond = self._bonds.pop(id, None)
        for alert in bond.sides if bond is not None else ():
            self._by_alert[alert] = [one for one in self._by_alert[alert] if one.id != id]
            if not self._by_alert[alert]:
                del self._by_alert[alert]
        return bond

    def names(self, alert: Alert) -> list[str]:
        """The names that merges give to an alert."""
        return [f"{PERSON}{bond.id}" for bond in self._of(alert) if bond.verb == "merge"]

    def sides(self, alert: Alert) -> Mapping[str, int]:
        """The sides of splits that an alert is on."""
        if not self._by_alert:
            return {}
        ids = (alert.id, *alert.supersedes)
        found = [(bond, id) for id in reversed(ids) for bond in self._by_alert.get(id, ())]
        return {bond.id: bond.sides[id] for bond, id in found if bond.verb == "split"}

    def bound(self, alert: Alert) -> bool:
        """Whether a person said anything of an alert."""
        return next(self._of(alert), None) is not None

    def reading(self, name: str) -> str:
        """How a name that a merge gave reads as a reason."""
        bond = self._bonds.get(name.removeprefix(PERSON))
        return f"merged by {bond.actor}" if bond is not None else "merged by hand"

    def without(self, known: Mapping[str, object]) -> list[str]:
        """The bonds of which no alert is known any more."""
        return [bond.id for bond in self._bonds.values() if not any(id in known for id in bond.sides)]

    def _of(self, alert: Alert) -> Iterator[Bond]:
        if self._by_alert:
            for id in (alert.id, *alert.supersedes):
                yield from self._by_alert.get(id, ())

"""Candidates: the cases that an alert may join, each with why, as of its place in the order."""

from collections.abc import Iterable, Mapping, Sequence

from correlator.incidents.bonds import Bonds
from correlator.incidents.case import SHARED, Case, Node
from correlator.incidents.limits import Limits
from correlator.incidents.names import EVENT, PERSON, Names
from correlator.incidents.places import Places
from impetus.domain.alert import Alert
from impetus.domain.incident import Kind

PLACE_MET = "an open-source item names this place and time"


class Candidates:
    """Looks for cases by name, place and time. What depended on a case is noted in it."""

    def __init__(self, limits: Limits, bonds: Bonds, cases: Mapping[str, Case], names: Names, places: Places) -> None:
        self._limits, self._bonds, self._cases, self._names, self._places = limits, bonds, cases, names, places

    def sharing(self, node: Node, kind: Kind) -> list[tuple[Case, str]]:
        """The cases of a kind that the alert shares a name with and that still take alerts in, each with why."""
        found: dict[Case, str] = {}
        sides = self._bonds.sides(node.alert)
        for name in node.names:
            for case in self._owners(kind, name, node, sides):
                if case not in found:
                    found[case] = self._reading(name)
        return list(found.items())

    def _owners(self, kind: Kind, name: str, node: Node, sides: Mapping[str, int]) -> list[Case]:
        """The first case that a name leads to and that takes an alert in, and those that a split keeps from it."""
        entry = self._names.get(name)
        found: list[Case] = []
        for owner, _ in entry.owners if entry is not None else ():
            case = owner.heir
            if self._cases.get(case.id) is not case:
                continue
            case.asked = max(case.asked, node.order)
            if case.kind != kind:
                continue
            if not name.startswith(PERSON) and not case.takes_in(node.alert, self._limits):
                case.chosen = max(case.chosen, node.order)
            elif fits(case, sides) and not any(fits(other, case.sides) for other in found):
                found.append(case)
        return found

    def reason(self, case: Case, node: Node) -> str:
        """The first name that leads to a case, whatever else it leads to that may be forgotten by now."""
        entries = ((name, self._names.get(name)) for name in node.names)
        return next(
            self._reading(name)
            for name, entry in entries
            if entry is not None and any(owner.heir is case for owner, _ in entry.owners)
        )

    def _reading(self, name: str) -> str:
        if name.startswith(EVENT):
            return SHARED
        if name.startswith(PERSON):
            return self._bonds.reading(name)
        kind, _, value = name.partition(":")
        return f"{kind} {value}"

    def met_by(self, watch: Node) -> list[tuple[Case, str]]:
        """The incidents that are where and when an open-source item says, each with why."""
        cases = (other.case.heir for other in self._places.alerts_met(watch.alert) if other.case is not None)
        return [(case, PLACE_MET) for case in self._met(watch, cases, "incident")]

    def watches(self, node: Node) -> list[tuple[Case, str]]:
        """The watches that an alert meets, each with why."""
        found = self.sharing(node, "watch")
        known = {case for case, _ in found}
        cases = (other.case.heir for other in self._places.watches_met(node.alert) if other.case is not None)
        return found + [(case, PLACE_MET) for case in self._met(node, cases, "watch") if case not in known]

    def _met(self, node: Node, cases: Iterable[Case], kind: Kind) -> list[Case]:
        """Those of some cases that are of a kind and still take an alert in, in the order in which they were opened."""
        found: list[Case] = []
        for case in sorted(set(cases), key=lambda case: case.opener):
            case.asked = max(case.asked, node.order)
            if case.kind == kind:
                if case.takes_in(node.alert, self._limits):
                    found.append(case)
                else:
                    case.chosen = max(case.chosen, node.order)
        return found


def fits(case: Case, sides: Mapping[str, int]) -> bool:
    """Whether no split by hand stands between."""
    return not case.sides or all(case.sides.get(split, side) == side for split, side in sides.items())


def with_row(found: Sequence[tuple[Case, str]], alert: Alert) -> Sequence[tuple[Case, str]]:
    """Of cases that a split keeps apart, those that have the row which an alert repeats; else all."""
    if len(found) == 1 or not any(case.sides for case, _ in found):
        return found
    return [item for item in found if item[0].summary().rows.find(alert) is not None] or found

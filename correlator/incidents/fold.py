"""The fold: alerts in their order become cases. A pure function, so any order of arrival ends in the same cases.

See "Incidents" of ``docs/correlation.md``. An alert of medium or higher opens a case, or joins, and merges, all cases
that it shares an identifying entity or a member event with; a low one joins one case and never merges; an informational
one joins through a correlation only; open-source items open watches, which join what meets them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from correlator.incidents.bonds import Bonds
from correlator.incidents.case import OPENED, SHARED, Case, Node, earliest, is_informational, is_watch, joins_one, opens
from correlator.incidents.commons import Commons
from correlator.incidents.limits import Limits
from correlator.incidents.links import Links
from correlator.incidents.names import EVENT, IDLY, PERSON, WEAKLY, Names
from correlator.incidents.places import Places
from correlator.incidents.summary import Order, row_key
from impetus.domain.alert import Alert
from impetus.domain.incident import Kind

PLACE_MET = "an open-source item names this place and time"


class Fold:
    """The state of the fold: cases so far, and which cases of each kind a name leads to."""

    def __init__(self, limits: Limits, bonds: Bonds) -> None:
        self.limits, self.bonds = limits, bonds
        self.nodes: dict[str, Node] = {}
        """Every alert in memory, joined or loose, by id."""
        self.cases: dict[str, Case] = {}
        """The cases that no other took over, by id."""
        self.names = Names()
        self.commons = Commons(limits)
        self.links = Links(limits)
        self.places = Places()
        self.changed: dict[Case, None] = {}
        """Cases that changed since they were last written, in order."""
        self.merged: list[Case] = []
        """Cases that another took over since then."""
        self.moved: dict[str, Node] = {}
        """Alerts that were taken, or joined, since then."""
        self._successors: dict[str, str] = {}
        """Id of an alert that was superseded → id of that which took its place."""

    def take(self, node: Node) -> None:
        """Let one alert open, join or merge cases, or stay alone. It stands behind all that it has to do with."""
        self.commons.take(node.alert, node.order)
        self.take_again(node)

    def take_again(self, node: Node) -> None:
        """Take an alert that was counted already for how common its entities are."""
        alert = node.alert
        strong, weak = self.commons.split(alert, node.order)
        node.names = tuple(self._names_of(alert, strong))
        self.nodes[alert.id] = self.moved[alert.id] = node
        self._successors.update(dict.fromkeys(alert.supersedes, alert.id))
        self.names.note(node, node.names)
        self._note_entities(node, strong, weak)
        if opens(alert, self.limits):
            self._take_opening(node)
        elif is_watch(alert, self.limits):
            self._take_watch(node)
        else:
            self._take_minor(node)

    def remove(self, nodes: Iterable[Node], cases: Sequence[Case]) -> None:
        """Take alerts, and whole cases, out again."""
        for case in cases:
            if self.is_live(case):
                del self.cases[case.id]
            self.changed.pop(case, None)
            gone = [case, *case.absorbed]
            for other in {other.heir for other in case.links} - {case}:
                other.links = other.links.difference(gone)
                self.changed[other] = None
            self.links.drop(gone, {entity.key for node in case.nodes.values() for entity in node.alert.entities})
        for case in cases:
            self.names.disown(case, {name for node in case.nodes.values() for name in node.names})
        for node in nodes:
            self.drop(node)

    def is_live(self, case: Case) -> bool:
        """Whether a case is still one of the cases."""
        return self.cases.get(case.id) is case

    def drop(self, node: Node) -> None:
        """Forget an alert, if it is still there."""
        if self.nodes.get(node.alert.id) is not node:
            return
        del self.nodes[node.alert.id]
        self.moved.pop(node.alert.id, None)
        for old in node.alert.supersedes:
            self._successors.pop(old, None)
        self.names.drop(node, node.names)
        self.names.drop(node, (f"{mark}{entity.key}" for entity in node.alert.entities for mark in (WEAKLY, IDLY)))
        self.places.drop(node)

    def successor(self, id: str) -> Node | None:
        """The alert that took the place of one that is no more."""
        return self.nodes.get(self._successors[id]) if id in self._successors else None

    def having(self, name: str) -> list[Node]:
        """All alerts that have a name, in order."""
        entry = self.names.get(name)
        return sorted(entry.nodes, key=lambda node: node.order) if entry is not None else []

    def place(self, node: Node) -> None:
        """Let what an alert of a case meets in place and time find it."""
        if node.alert.place is not None:
            self.places.add(node, watch=False)
            if is_watch(node.alert, self.limits):
                self.places.add(node, watch=True)

    def revise(self, node: Node, alert: Alert) -> None:
        """An alert that has more members now, and joins by more names that lead nowhere else."""
        strong, weak = self.commons.split(alert, node.order)
        names = tuple(self._names_of(alert, strong))
        added = [name for name in names if name not in node.names]
        self.places.drop(node)
        node.alert = alert
        node.names = names
        self.names.note(node, added)
        self._note_entities(node, strong, weak)
        case = node.case.heir if node.case is not None else None
        if case is not None:
            self.names.lead(added, case, node.order)
            case.revise(node)
            self._note_joined(case, node)

    def _note_entities(self, node: Node, strong: Sequence[str], weak: Sequence[str]) -> None:
        """Note what an alert has beside the names by which it joins."""
        self.names.note(node, (f"{WEAKLY}{key}" for key in weak))
        if is_informational(node.alert, self.limits):
            self.names.note(node, (f"{IDLY}{key}" for key in strong))

    def names_at(self, alert: Alert, order: Order) -> list[str]:
        """By what an alert joins at a place in the order, if nothing there changes how common its entities are."""
        return list(self._names_of(alert, self.commons.split(alert, order)[0]))

    def _names_of(self, alert: Alert, strong: Iterable[str]) -> Iterator[str]:
        """By what an alert joins: member events, and, if it can join by them, strong entities and what people said."""
        for event in alert.events:
            yield f"{EVENT}{event}"
        if not is_informational(alert, self.limits):
            yield from strong
            yield from self.bonds.names(alert)

    # --- by kind

    def _take_opening(self, node: Node) -> None:
        found = self._candidates(node, "incident")
        watches = self._watches_for(node)
        case = self._join_all(found, node) if found else self._open("incident", node)
        if node.alert.correlation:
            self._collect_minor(case, node)
        for watch, why in watches:
            self._merge(watch, case, why, node)

    def _take_watch(self, node: Node) -> None:
        found = self._candidates(node, "incident") or self._met_by(node)
        watches = self._candidates(node, "watch")
        if found:
            case, why = earliest(found)
            self._join(case, node, why)
            for watch, reason in watches:
                self._merge(watch, case, reason, node)
        elif watches:
            self._join_all(watches, node)
        else:
            self._open("watch", node)

    def _take_minor(self, node: Node) -> None:
        if not joins_one(node.alert, self.limits):
            self._take_informational(node)
            return
        found = self._candidates(node, "incident")
        if not found:
            return
        if len(found) > 1:
            for case, _ in found:
                case.chosen = max(case.chosen, node.order)
        case, why = max(found, key=lambda item: (item[0].newest, item[0].opener))
        self._join(case, node, why if len(found) == 1 else self._reason(case, node))
        if node.alert.correlation:
            self._collect_minor(case, node)

    def _take_informational(self, node: Node) -> None:
        """It joins the incident of a correlation that it is a member of, which may have fired before it."""
        for name in node.names:
            for other in self.having(name):
                case = other.case.heir if other.case is not None else None
                if case is None or not other.alert.correlation:
                    continue
                case.asked = max(case.asked, node.order)
                active = case.kind == "incident" and case.takes_in(node.alert, self.limits)
                if active and self._fits(case, self.bonds.sides(node.alert)):
                    self._join(case, node, f"member of {other.alert.title}")
                    return

    # --- cases

    def _open(self, kind: Kind, node: Node) -> Case:
        case = Case(kind, node)
        self.cases[case.id] = case
        self._join(case, node, OPENED)
        return case

    def _join_all(self, found: Sequence[tuple[Case, str]], node: Node) -> Case:
        """Make one case of several, that of the earliest opener, and let the alert that they have in common join."""
        case, why = earliest(_with_row(found, node.alert))
        for other, _ in found:
            if other is not case:
                self._merge(other, case, f"joined through: {node.alert.title}", node)
        self._join(case, node, why)
        return case

    def _join(self, case: Case, node: Node, why: str) -> None:
        case.add(node, why)
        self.moved[node.alert.id] = node
        case.asked = max(case.asked, node.order)
        case.side_with(self.bonds.sides(node.alert))
        self.names.lead(node.names, case, node.order)
        self._note_joined(case, node)

    def _note_joined(self, case: Case, node: Node) -> None:
        alert = node.alert
        self.changed[case] = None
        self.place(node)
        for entity in alert.entities:
            weak = entity.weak or self.commons.is_common(entity.key, node.order)
            for other in self.links.note(case, entity.key, alert.fired, alert.at, weak=weak):
                self._link(case, other)

    def _link(self, case: Case, other: Case) -> None:
        if other not in case.links or case not in other.links:
            case.links |= {other}
            other.links |= {case}
            self.changed[case] = self.changed[other] = None

    def _merge(self, case: Case, into: Case, why: str, by: Node) -> None:
        """Let a case go into another; unless a person split them: then they are linked."""
        if case is into:
            return
        if not self._fits(into, case.sides):
            self._link(case, into)
            return
        for other in {other.heir for other in case.links} - {case, into}:
            self.changed[other] = None
        into.absorb(case, why, by.order)
        del self.cases[case.id]
        self.changed.pop(case, None)
        self.changed[into] = None
        self.merged.append(case)

    def _collect_minor(self, case: Case, correlation: Node) -> None:
        for event in correlation.alert.events:
            for node in self.having(f"{EVENT}{event}"):
                minor = node.case is None and node is not correlation
                if minor and correlation.alert.fired - node.alert.at < self.limits.active:
                    self._join(case, node, f"member of {correlation.alert.title}")

    # --- candidates

    def _candidates(self, node: Node, kind: Kind) -> list[tuple[Case, str]]:
        """The cases of a kind that the alert shares a name with and that still take alerts in, each with why."""
        found: dict[Case, str] = {}
        sides = self.bonds.sides(node.alert)
        for name in node.names:
            for case in self._owners(kind, name, node, sides):
                if case not in found:
                    found[case] = self._reading(name)
        return list(found.items())

    def _owners(self, kind: Kind, name: str, node: Node, sides: Mapping[str, int]) -> list[Case]:
        """The first case that a name leads to and that takes an alert in, and those that a split keeps from it."""
        entry = self.names.get(name)
        found: list[Case] = []
        for owner, _ in entry.owners if entry is not None else ():
            case = owner.heir
            if not self.is_live(case):
                continue
            case.asked = max(case.asked, node.order)
            if case.kind != kind:
                continue
            if not name.startswith(PERSON) and not case.takes_in(node.alert, self.limits):
                case.chosen = max(case.chosen, node.order)
            elif self._fits(case, sides) and not any(self._fits(other, case.sides) for other in found):
                found.append(case)
        return found

    def _reason(self, case: Case, node: Node) -> str:
        """The first name that leads to a case, whatever else it leads to that may be forgotten by now."""
        entries = ((name, self.names.get(name)) for name in node.names)
        return next(
            self._reading(name)
            for name, entry in entries
            if entry is not None and any(owner.heir is case for owner, _ in entry.owners)
        )

    def _reading(self, name: str) -> str:
        if name.startswith(EVENT):
            return SHARED
        if name.startswith(PERSON):
            return self.bonds.reading(name)
        kind, _, value = name.partition(":")
        return f"{kind} {value}"

    @staticmethod
    def _fits(case: Case, sides: Mapping[str, int]) -> bool:
        """Whether no split by hand stands between."""
        return not case.sides or all(case.sides.get(split, side) == side for split, side in sides.items())

    def _met_by(self, watch: Node) -> list[tuple[Case, str]]:
        cases = (other.case.heir for other in self.places.alerts_met(watch.alert) if other.case is not None)
        return [(case, PLACE_MET) for case in self._met(watch, cases, "incident")]

    def _watches_for(self, node: Node) -> list[tuple[Case, str]]:
        found = self._candidates(node, "watch")
        known = {case for case, _ in found}
        cases = (other.case.heir for other in self.places.watches_met(node.alert) if other.case is not None)
        return found + [(case, PLACE_MET) for case in self._met(node, cases, "watch") if case not in known]

    def _met(self, node: Node, cases: Iterable[Case], kind: Kind) -> list[Case]:
        """Those of some cases that are of a kind and still take an alert in, in the order in which they were opened."""
        found: list[Case] = []
        for case in sorted(set(cases), key=lambda case: case.opener):
            case.asked = max(case.asked, node.order)
            if case.kind == kind:
                if case.takes_in(node.alert, self.limits):
                    found.append(case)
                else:
                    case.chosen = max(case.chosen, node.order)
        return found


def _with_row(found: Sequence[tuple[Case, str]], alert: Alert) -> Sequence[tuple[Case, str]]:
    """Of cases that a split keeps apart, those that have the row which an alert repeats; else all."""
    if len(found) == 1 or not any(case.sides for case, _ in found):
        return found
    return [item for item in found if row_key(alert) in item[0].summary().rows] or found


def fold(alerts: Iterable[Alert], limits: Limits | None = None, bonds: Bonds | None = None) -> Fold:
    """The fold of some alerts, from the first to the last."""
    folded = Fold(limits or Limits(), bonds or Bonds())
    for node in sorted(map(Node, alerts), key=lambda node: node.order):
        folded.take(node)
    return folded

"""The fold: alerts in their order become cases. A pure function, so any order of arrival ends in the same cases.

See "Incidents" of ``docs/correlation.md``. An alert of medium or higher opens a case, or joins, and merges, all cases
that it shares an identifying entity or a member event with; a low one joins one case and never merges; an informational
one joins through a correlation only; open-source items open watches, which join what meets them.
"""

from collections.abc import Iterable, Iterator, Sequence

from correlator.incidents.away import Away
from correlator.incidents.bonds import Bonds
from correlator.incidents.candidates import Candidates, fits, with_row
from correlator.incidents.case import OPENED, Case, Node, earliest, is_informational, is_watch, joins_one, lean, opens
from correlator.incidents.commons import Commons
from correlator.incidents.limits import Limits
from correlator.incidents.links import Links
from correlator.incidents.names import EVENT, IDLY, WEAKLY, Names
from correlator.incidents.places import Places
from correlator.incidents.rows import Order
from correlator.incidents.summaries import Summaries
from impetus.domain.alert import Alert
from impetus.domain.incident import Kind


class Fold:
    """The state of the fold: cases so far, and which cases of each kind a name leads to."""

    def __init__(self, limits: Limits, bonds: Bonds) -> None:
        self.limits, self.bonds = limits, bonds
        self.nodes: dict[str, Node] = {}
        """Every alert in memory, joined or loose, by id."""
        self.away = Away(self)
        self.summaries = Summaries(self.away.recall_case)
        self.cases: dict[str, Case] = {}
        """The cases that no other took over, by id."""
        self.names = Names()
        self.commons = Commons(limits)
        self.links = Links(limits)
        self.places = Places()
        self.candidates = Candidates(limits, bonds, self.cases, self.names, self.places)
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
        node.step = self.away.step
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
            self.summaries.forget(case)
            gone = [case, *case.absorbed]
            for other in {other.heir for other in case.links} - {case}:
                other.links = other.links.difference(gone)
                self.changed[other] = None
            self.links.drop(gone, {entity.key for node in case.nodes.values() for entity in node.alert.entities})
        for case in cases:
            self.names.disown(case, {name for node in case.nodes.values() for name in self.labels(node)})
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
        self.names.drop(node, self.labels(node))
        self.places.drop(node)

    def labels(self, node: Node) -> list[str]:
        """All names that an alert may be noted under."""
        return [*node.names, *(f"{mark}{entity.key}" for entity in node.alert.entities for mark in (WEAKLY, IDLY))]

    def put_back(self, node: Node, case: Case) -> None:
        """Have an alert of a case in memory again, as it was."""
        strong, weak = self.commons.split(node.alert, node.order)
        node.names = tuple(self._names_of(node.alert, strong))
        self.nodes[node.id] = case.nodes[node.id] = node
        self._successors.update(dict.fromkeys(node.alert.supersedes, node.id))
        self.names.note(node, node.names)
        self.names.restore((name for name in node.names if name.startswith(EVENT)), case, node)
        self._note_entities(node, strong, weak)
        self.place(node)

    def successor(self, id: str) -> Node | None:
        """The alert that took the place of one that is no more."""
        new = self._successors.get(id)
        if new is None:
            return None
        self.away.recall_ids((new,))
        return self.nodes.get(new)

    def having(self, name: str) -> list[Node]:
        """All alerts that have a name, in order."""
        self.away.recall(name)
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
        node.alert, node.step = lean(alert), self.away.step
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
        found = self.candidates.sharing(node, "incident")
        watches = self.candidates.watches(node)
        case = self._join_all(found, node) if found else self._open("incident", node)
        if node.alert.correlation:
            self._collect_minor(case, node)
        for watch, why in watches:
            self._merge(watch, case, why, node)

    def _take_watch(self, node: Node) -> None:
        found = self.candidates.sharing(node, "incident") or self.candidates.met_by(node)
        watches = self.candidates.sharing(node, "watch")
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
        found = self.candidates.sharing(node, "incident")
        if not found:
            return
        if len(found) > 1:
            for case, _ in found:
                case.chosen = max(case.chosen, node.order)
        case, why = max(found, key=lambda item: (item[0].newest, item[0].opener))
        self._join(case, node, why if len(found) == 1 else self.candidates.reason(case, node))
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
                if active and fits(case, self.bonds.sides(node.alert)):
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
        case, why = earliest(with_row(found, node.alert))
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
        if not fits(into, case.sides):
            self._link(case, into)
            return
        for other in {other.heir for other in case.links} - {case, into}:
            self.changed[other] = None
        into.absorb(case, why, by.order)
        self.summaries.forget(case)
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


def fold(alerts: Iterable[Alert], limits: Limits | None = None, bonds: Bonds | None = None) -> Fold:
    """The fold of some alerts, from the first to the last."""
    folded = Fold(limits or Limits(), bonds or Bonds())
    for node in sorted(map(Node, alerts), key=lambda node: node.order):
        folded.take(node)
    return folded

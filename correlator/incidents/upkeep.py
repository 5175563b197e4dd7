"""Upkeep: what takes nothing in any more is forgotten, settled repeats are only counted; nothing is scanned for it."""

from collections import deque
from heapq import heappop, heappush

from correlator.incidents.case import Case, Node, order_of
from correlator.incidents.fold import Fold
from correlator.incidents.names import EVENT, IDLY, WEAKLY
from correlator.incidents.summary import Repeats
from impetus.domain.alert import Alert

ROWS = 256
"""Of so many kinds of repeats in a case the ends stay in memory to count those between."""


class Upkeep:
    """What is due when, by event time."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._cases: list[tuple[int, str]] = []
        self._loose: list[tuple[int, str]] = []
        self._young: deque[Node] = deque()
        """Alerts of single events in cases, in the order in which they were filed."""
        self.counted: list[tuple[Node, Node]] = []
        """Repeats that left memory since someone cleared this, each with the alert that stands for it."""
        self._dozing: deque[tuple[int, str]] = deque()
        """When repeats that are not in memory settle, and their ids."""

    def schedule(self, case: Case) -> None:
        """Forget a case once it takes nothing in any more."""
        if not case.scheduled:
            case.scheduled = True
            heappush(self._cases, (self._end(case), case.id))

    def watch(self, node: Node) -> None:
        """Forget a loose alert, and count a repeat, once nothing changes them any more."""
        if node.case is None:
            limits = self._fold.limits
            heappush(self._loose, (node.alert.at + limits.horizon, node.alert.id))
            return
        self._fold.away.queue(node)
        if not node.alert.correlation:
            self._young.append(node)

    def run(self, now: int) -> tuple[list[Case], list[str]]:
        """Do what is due; returns the cases and the ids of loose alerts that were forgotten."""
        cases = list(self._ended(now))
        for case in cases:
            self.forget(case)
        loose: list[str] = []
        while self._loose and self._loose[0][0] <= now:
            node = self._fold.nodes.get(heappop(self._loose)[1])
            if node is not None and node.case is None:
                self._age(node, now, loose)
        self._follow()
        self._ripen(now)
        self._forget_names()
        self._fold.away.settled = now - self._fold.limits.settles
        return cases, loose

    def forget(self, case: Case) -> None:
        """Leave a case out; links to it stay."""
        fold = self._fold
        fold.away.recall_case(case)
        linked = {other.heir for other in case.links} - {case}
        was = {other: other in fold.changed for other in linked}
        fold.remove(list(case.nodes.values()), (case,))
        for other in linked:
            other.lasting |= {case.id}
            if not was[other]:
                fold.changed.pop(other, None)

    def _forget_names(self) -> None:
        """Forget how common entities are that nothing in memory has."""
        names = self._fold.names
        emptied, names.emptied = names.emptied, []
        for key in {name.removeprefix(WEAKLY).removeprefix(IDLY) for name in emptied}:
            if not any(names.get(f"{mark}{key}") for mark in ("", WEAKLY, IDLY)):
                self._fold.commons.forget(key)

    def _ended(self, now: int) -> list[Case]:
        found: list[Case] = []
        while self._cases and self._cases[0][0] <= now:
            case = self._fold.cases.get(heappop(self._cases)[1])
            if case is None:
                continue
            if self._end(case) <= now:
                found.append(case)
            else:
                heappush(self._cases, (self._end(case), case.id))
        return found

    def _end(self, case: Case) -> int:
        limits = self._fold.limits
        return case.newest + (limits.watch if case.kind == "watch" else limits.active) + limits.horizon

    def _age(self, node: Node, now: int, loose: list[str]) -> None:
        due = node.alert.at + self._fold.limits.horizon
        if due > now:
            heappush(self._loose, (due, node.alert.id))
        else:
            self._fold.drop(node)
            loose.append(node.alert.id)

    def _follow(self) -> None:
        """Take note of alerts that left memory, or came back, before they settled."""
        away, settles = self._fold.away, self._fold.limits.settles
        left, away.left = away.left, []
        for node in left:
            if away.settles(node):
                self._dozing.append((node.alert.at + settles, node.id))
        if len(self._young) > 2 * len(self._fold.nodes):
            self._young = deque(filter(self._is_there, self._young))

    def _ripen(self, now: int) -> None:
        away, settles = self._fold.away, self._fold.limits.settles
        due: list[str] = []
        while self._dozing and self._dozing[0][0] <= now:
            due.append(self._dozing.popleft()[1])
        away.recall_ids(due)
        back, away.back = away.back, []
        self._young.extend(node for node in back if self._is_there(node) and not node.alert.correlation)
        while self._young and self._young[0].alert.at + settles <= now:
            node = self._young.popleft()
            if self._is_there(node) and node.case is not None:
                self._settle(node, node.case.heir)

    def _is_there(self, node: Node) -> bool:
        return self._fold.nodes.get(node.id) is node

    def _settle(self, node: Node, case: Case) -> None:
        """Keep the first and the last of settled repeats of a row that join by the same; count those between."""
        case.settled += (node,)
        if not case.summed:
            return
        for one in case.settled:
            if self._is_there(one):
                self._count(one, case)
        case.settled = ()

    def _count(self, node: Node, case: Case) -> None:
        alert = node.alert
        # An entity may have been strong for one repeat and weak for the next: what a name leads to must stay.
        names = tuple(name for name in node.names if not name.startswith(EVENT))
        key = (alert.rule, alert.level, alert.entities, alert.zones, alert.domains, alert.exercise, names)
        there = {one for one in case.ends.get(key, ()) if self._is_there(one)} | {node}
        repeats = sorted(there, key=lambda one: one.order)
        if not isinstance(case.ends, dict):
            case.ends = {}
        case.ends[key] = (repeats[0], repeats[-1])
        repeats[0].kept = repeats[-1].kept = True
        if len(repeats) == 3:
            self._let_go(repeats[1])
            self._drop(repeats[1], repeats[0], case)
        if len(case.ends) > ROWS:
            for end in case.ends.pop(next(iter(case.ends))):
                self._let_go(end)

    def _let_go(self, node: Node) -> None:
        """An alert counts no repeats any more: it may leave memory."""
        if node.kept and self._is_there(node):
            self._fold.away.queue(node)
        node.kept = False

    def _drop(self, gone: Node, first: Node, case: Case) -> None:
        if gone.order == case.opener or gone.alert.target_time is not None or self._fold.bonds.bound(gone.alert):
            return
        if not all(self._is_repeated(name, gone, case) for name in gone.names if name.startswith(EVENT)):
            return
        self.counted.append((gone, first))
        count(first, gone.alert, gone.repeats)
        case.nodes.pop(gone.id, None)
        self._fold.drop(gone)

    def _is_repeated(self, event: str, gone: Node, case: Case) -> bool:
        """Whether what shares an event with a repeat joins by the same entity too, and shows no reason why."""
        self._fold.away.recall(event)
        entry = self._fold.names.get(event)
        rows, strong = case.summary().rows, {name for name in gone.names if not name.startswith(EVENT)}
        for other in entry.nodes if entry is not None else ():
            row = rows.find(other.alert)
            inside = other.case is not None and other.case.heir is case and not strong.isdisjoint(other.names)
            hidden = inside and row is not None and row.order != other.order
            if other is not gone and (other.alert.correlation or not hidden):
                return False
        return True


def count(first: Node, gone: Alert, repeats: Repeats | None = None) -> None:
    """Let the first of some repeats stand for another, and for those that this one stood for."""
    first.repeats = first.repeats or Repeats()
    first.repeats.add(gone, order_of(gone))
    if repeats is not None:
        first.repeats.absorb(repeats)


def repeats_of(gone: Alert) -> Repeats:
    """One repeat that is only counted."""
    repeats = Repeats()
    repeats.add(gone, order_of(gone))
    return repeats

"""Upkeep: what takes nothing in any more is forgotten, settled repeats are only counted; nothing is scanned for it."""

from bisect import insort
from heapq import heappop, heappush

from correlator.incidents.case import Case, Node
from correlator.incidents.fold import Fold
from correlator.incidents.summary import REPEATS


class Upkeep:
    """What is due when, by event time."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._cases: list[tuple[int, str]] = []
        self._alerts: list[tuple[int, str]] = []
        self._commons = 0

    def schedule(self, case: Case) -> None:
        """Forget a case once it takes nothing in any more."""
        if not case.scheduled:
            case.scheduled = True
            heappush(self._cases, (self._end(case), case.id))

    def watch(self, node: Node) -> None:
        """Forget a loose alert, and count a repeat, once nothing changes them any more."""
        limits = self._fold.limits
        if node.case is None:
            heappush(self._alerts, (node.alert.at + limits.horizon, node.alert.id))
        elif not node.alert.correlation:
            heappush(self._alerts, (node.alert.at + limits.settles, node.alert.id))

    def run(self, now: int) -> tuple[list[Case], list[str]]:
        """Do what is due; returns the cases and the ids of loose alerts that were forgotten."""
        cases = list(self._ended(now))
        for case in cases:
            self.forget(case)
        loose: list[str] = []
        while self._alerts and self._alerts[0][0] <= now:
            node = self._fold.nodes.get(heappop(self._alerts)[1])
            if node is not None and node.case is not None:
                self._settle(node, node.case.heir)
            elif node is not None:
                self._age(node, now, loose)
        if now - self._commons >= self._fold.limits.horizon:
            self._commons = now
            self._fold.commons.expire(now)
        return cases, loose

    def forget(self, case: Case) -> None:
        """Leave a case out; links to it stay."""
        fold = self._fold
        linked = {other.heir for other in case.links} - {case}
        was = {other: other in fold.changed for other in linked}
        fold.remove(list(case.nodes.values()), (case,))
        for other in linked:
            other.lasting.add(case.id)
            if not was[other]:
                fold.changed.pop(other, None)
        keys = (entity.key for node in case.nodes.values() for entity in node.alert.entities)
        fold.commons.forget(key for key in keys if fold.names.get(key) is None)

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
            heappush(self._alerts, (due, node.alert.id))
        else:
            self._fold.drop(node)
            loose.append(node.alert.id)

    def _settle(self, node: Node, case: Case) -> None:
        """Keep the first and the last of settled repeats of a row that join by the same; count those between."""
        case.settled.append(node)
        if not case.summed:
            return
        for one in case.settled:
            if self._fold.nodes.get(one.alert.id) is one:
                self._count(one, case)
        case.settled.clear()

    def _count(self, node: Node, case: Case) -> None:
        alert = node.alert
        key = (alert.rule, alert.level, alert.entities, alert.zones, alert.domains, alert.exercise)
        there = {one for one in case.ends.get(key, ()) if self._fold.nodes.get(one.alert.id) is one} | {node}
        repeats = sorted(there, key=lambda one: one.order)
        case.ends[key] = (repeats[0], repeats[-1])
        if len(repeats) == 3:
            self._drop(repeats[1], repeats[0], case)

    def _drop(self, gone: Node, first: Node, case: Case) -> None:
        if gone is case.opener or gone.alert.target_time is not None or self._fold.bonds.bound(gone.alert):
            return
        first.dropped += 1 + gone.dropped
        for item in ((gone.order, gone.alert.id), *gone.earliest):
            insort(first.earliest, item)
        del first.earliest[REPEATS:]
        case.nodes.pop(gone.alert.id, None)
        self._fold.drop(gone)

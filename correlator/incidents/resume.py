"""Resuming: what was in memory is folded again from what the store has, in order, and so the same cases come of it.

It is done part by part, and what the store says the same of already leaves memory between them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from correlator.incidents.case import Brief, Node, brief_of, order_of
from correlator.incidents.fold import Fold
from correlator.incidents.membership import Record, member_records
from correlator.incidents.rows import Order
from correlator.incidents.upkeep import Upkeep, count, repeats_of
from impetus.domain.incident import Incident
from impetus.domain.ports import Store

PART = 5_000
"""So many alerts are read at once."""


class Resume:
    """One resumption of a fold that is empty."""

    def __init__(self, fold: Fold, upkeep: Upkeep, store: Store) -> None:
        self._fold, self._upkeep, self._store = fold, upkeep, store
        self._records: dict[str, Record] = {}
        self._briefs: dict[str, Brief] = {}
        self._linked: dict[str, tuple[str, ...]] = {}
        self._standing: set[str] = set()
        """Alerts that stand for repeats."""

    def note(self, alert: str, record: Record) -> None:
        """Take an alert in that was in memory."""
        self._records[alert] = record

    def note_incident(self, incident: Incident) -> None:
        """Take an incident in that was active, with all its alerts."""
        self._briefs[incident.id] = brief_of(incident)
        self._linked[incident.id] = incident.linked
        self._records.update(member_records(self._store, incident))

    def run(self) -> None:
        """Fold again. The incidents are as they were written, so none is written now."""
        fold = self._fold
        counted = {alert: first for alert in self._records for first in (self._stands(alert),) if first}
        self._standing = set(counted.values())
        for part in self._parts(self._records.keys() - counted.keys()):
            self._take(part)
        for part in self._parts(counted):
            self._count(part, counted)
        self._standing.clear()
        for case in fold.cases.values():
            case.brief, case.filed = self._briefs.get(case.id), True
            case.lasting |= {id for id in self._linked.get(case.id, ()) if id not in fold.cases}
            self._upkeep.schedule(case)
        fold.changed = {case: None for case in fold.changed if case.brief is None}

    def _stands(self, alert: str) -> str:
        """The alert that stands for a repeat which is only counted; empty for any other."""
        first = self._records[alert].counted
        while first in self._records and self._records[first].counted:
            first = self._records[first].counted
        return first if first in self._records else ""

    def _parts(self, alerts: Iterable[str]) -> Iterator[list[str]]:
        """Some alerts, from the first to the last, so many at once."""
        ids = iter(alerts)
        found: list[Order] = []
        while part := list(islice(ids, PART)):
            found += map(order_of, self._store.alerts(part))
        found.sort()
        for begin in range(0, len(found), PART):
            yield [order[2] for order in found[begin : begin + PART]]

    def _take(self, part: Sequence[str]) -> None:
        fold, alerts = self._fold, self._store.alerts(part)
        fold.away.meet(alerts)
        for alert in alerts:
            node = Node(alert)
            node.home, node.kept = self._records[alert.id].home, alert.id in self._standing
            fold.take(node)
        moved, fold.moved = fold.moved, {}
        merged, fold.merged = fold.merged, []
        for case in merged:
            case.nodes = {}
        for node in moved.values():
            if fold.nodes.get(node.id) is node:
                self._upkeep.watch(node)
        fold.away.give()
        fold.away.committed()
        fold.summaries.rest()

    def _count(self, part: Sequence[str], counted: Mapping[str, str]) -> None:
        """Repeats are only counted again: what stands for them says where they are."""
        for alert in self._store.alerts(part):
            node = self._fold.nodes.get(counted[alert.id])
            if node is not None and node.case is not None:
                count(node, alert)
                case = node.case.heir
                if case.sum is not None or case.asleep:
                    case.summary().count(node.alert, repeats_of(alert))

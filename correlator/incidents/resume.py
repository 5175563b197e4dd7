"""Resuming: what was in memory is folded again from what the store has, in order, and so the same cases come of it.

It is done part by part, and what the store says the same of already leaves memory between them.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from correlator.incidents.case import Brief, Node, brief_of, order_of
from correlator.incidents.fold import Fold
from correlator.incidents.membership import Record, member_records
from correlator.incidents.summary import Order
from correlator.incidents.upkeep import Upkeep
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
        orders = iter(self._orders())
        while part := list(islice(orders, PART)):
            self._take(part)
        for case in fold.cases.values():
            case.brief = self._briefs.get(case.id)
            case.lasting |= {id for id in self._linked.get(case.id, ()) if id not in fold.cases}
            self._upkeep.schedule(case)
        fold.changed = {case: None for case in fold.changed if case.brief is None}

    def _orders(self) -> Sequence[Order]:
        """Where all alerts stand, from the first to the last."""
        ids = iter(self._records)
        found: list[Order] = []
        while part := list(islice(ids, PART)):
            found += map(order_of, self._store.alerts(part))
        found.sort()
        return found

    def _take(self, orders: Sequence[Order]) -> None:
        fold = self._fold
        for alert in self._store.alerts([order[2] for order in orders]):
            node = Node(alert)
            node.home = self._records[alert.id].home
            fold.take(node)
        moved, fold.moved = fold.moved, {}
        merged, fold.merged = fold.merged, []
        for case in merged:
            case.nodes = {}
        for node, first in self._counted(orders):
            if node.case is not None:
                node.case.heir.summary()
                self._upkeep.count(node, first, node.case.heir)
        for node in moved.values():
            if fold.nodes.get(node.id) is node:
                self._upkeep.watch(node)

    def _counted(self, orders: Sequence[Order]) -> Iterator[tuple[Node, Node]]:
        """The repeats among some alerts that were only counted, each with the alert that stands for it."""
        for _, _, id in orders:
            first = self._records[id].counted
            while first in self._records and self._records[first].counted:
                first = self._records[first].counted
            node, stands = self._fold.nodes.get(id), self._fold.nodes.get(first)
            if node is None or stands is None or node.case is None or stands.case is None:
                continue
            if stands.case.heir is node.case.heir:
                yield node, stands

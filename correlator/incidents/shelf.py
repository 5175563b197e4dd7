"""The shelf: alerts of incidents, and what is only theirs, that leave memory for the store and come back when needed.

An incident is active for a day and longer, and most of what comes to it only adds to it: a summary does for that. The
alerts themselves are needed when what belongs together is folded anew, split by hand, or forgotten; then all of an
incident come back, as they were. What stays in memory is the case and the entities that lead to it.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from correlator.incidents.case import FIRST, Case, Node, Order
from correlator.incidents.names import EVENT, WEAKLY
from correlator.incidents.rows import Rows
from correlator.incidents.summary import Summary
from impetus.domain.alert import Alert
from impetus.domain.ports import Store

if TYPE_CHECKING:
    from correlator.incidents.fold import Fold

SPACE = "shelf"
"""The rows that say on which shelf an alert or event is; those of a case are in a space of its own."""
SUMS = "sum"
ALERT = "alert:"


class Shelved(msgspec.Struct, array_like=True, gc=False):
    """What the fold made of an alert, which has a row of its own in the store."""

    names: tuple[str, ...]
    """By what it joins beside its events."""
    weak: tuple[str, ...]
    """The names by which it only links."""
    why: str
    home: str
    dropped: int
    earliest: Sequence[tuple[Order, str]]


class Route(msgspec.Struct, array_like=True, gc=False):
    """The case that an event leads to, and the last of the alerts that have it, or by which it led there."""

    case: str
    since: Order


_encode = msgspec.msgpack.Encoder().encode
_shelved = msgspec.msgpack.Decoder(Shelved).decode
_route = msgspec.msgpack.Decoder(Route).decode


class Shelf:
    """What of a fold is in the store."""

    def __init__(self, fold: "Fold") -> None:
        self._fold = fold
        self.rows = Rows()
        self._store: Store | None = None
        self.newest = FIRST[0]
        """Nothing on the shelf is later (µs of event time): what is need not be looked for there."""
        self.woken: list[Node] = []
        """Alerts that came back since someone cleared this."""
        self.events: dict[str, None] = {}
        """Events that may be left to the store."""
        self.cold: dict[Case, None] = {}
        """Cases of which the summary may be."""

    def open(self, store: Store) -> None:
        """Use a store. Without one, everything stays in memory."""
        self._store = store
        self.rows.open(store)

    # --- back from it

    def fetch(self, alert: Alert) -> None:
        """Bring back what a new or revised alert may ask for: its former self, and what its events lead to."""
        if alert.first <= self.newest:
            self.find(alert.id)
        for event, at in zip(alert.events, alert.times, strict=True):
            if at <= self.newest and self._fold.names.get(f"{EVENT}{event}") is None:
                self._fetch_event(event)

    def find(self, id: str) -> Node | None:
        """An alert by id, in memory from now on."""
        if id not in self._fold.nodes and self._store is not None:
            row = self.rows.get(SPACE, f"{ALERT}{id}")
            case = self._fold.cases.get(row.decode()) if row is not None else None
            if case is not None:
                self.wake(case)
        return self._fold.nodes.get(id)

    def wake(self, case: Case) -> None:
        """Bring all alerts of a case back."""
        if not case.shelved or self._store is None:
            return
        self.recall(case)
        shelved, case.shelved = case.shelved, 0
        fold, rows = self._fold, self.rows.all(f"{SPACE}:{case.id}")
        found = self._store.alerts([id for id in rows if id not in fold.nodes])
        if len(found) != shelved:
            raise LookupError(f"{len(found)} of {shelved} alerts of {case.id} are in the store")
        woken = [(_unpack(alert, case, row), row) for alert in found for row in (_shelved(rows[alert.id]),)]
        nodes = {node.id: node for node, _ in woken}
        fold.nodes |= nodes
        case.nodes = nodes | case.nodes
        fold.names.wake(case, ((node, (*node.names, *row.weak)) for node, row in woken))
        fold.names.give_up(self.events, case)
        for node in nodes.values():
            fold.place(node)
        fold.places.wake(case, nodes.values())
        self.woken += nodes.values()

    def recall(self, case: Case) -> None:
        """Bring the summary of a case back."""
        if case.away:
            row = self.rows.get(SUMS, case.id)
            if row is None:
                raise LookupError(f"no summary of {case.id}")
            case.sum, case.away = Summary.unpack(row), False
            self.cold[case] = None

    def summary(self, case: Case) -> Summary:
        """What the alerts of a case have together."""
        self.recall(case)
        return case.summary()

    def _fetch_event(self, event: str) -> None:
        row = self.rows.get(SPACE, f"{EVENT}{event}")
        route = _route(row) if row is not None else None
        case = self._fold.cases.get(route.case) if route is not None else None
        if route is not None and case is not None:
            self._fold.names.bring(f"{EVENT}{event}", case, route.since)
            self.events[f"{EVENT}{event}"] = None

    # --- onto it

    def store(self, node: Node, case: Case) -> None:
        """Write the rows of an alert; once they are durable, it may leave memory."""
        if node.stored and node.stored != case.id:
            self.rows.put(f"{SPACE}:{node.stored}", node.id, None)
        node.stored = case.id
        self.rows.put(f"{SPACE}:{case.id}", node.id, self.packed(node))
        self.rows.put(SPACE, f"{ALERT}{node.id}", case.id.encode())

    def packed(self, node: Node) -> bytes:
        """An alert as its row says it."""
        names = tuple(name for name in node.names if not name.startswith(EVENT))
        weak = tuple(name for name in self._weak(node) if self._fold.names.has(name, node))
        return _encode(Shelved(names, weak, node.why, node.home, node.dropped, node.earliest))

    def store_event(self, name: str) -> Order | None:
        """Write the row of an event, if it may be left to the store; returns what it says of time."""
        route = self._route(name)
        if route is None:
            return None
        self._fold.names.mark(name)
        self.rows.put(SPACE, name, _encode(route))
        return route.since

    def _route(self, name: str) -> Route | None:
        """Where an event leads that may be left to the store."""
        entry = self._fold.names.get(name)
        if entry is None or not self._fold.names.is_plain(name, entry):
            return None
        owner, since = entry.owners[0]
        return Route(owner.heir.id, max(entry.last, owner.since(since)))

    def store_summary(self, case: Case) -> None:
        """Write the summary of a case."""
        case.filed = True
        self.rows.put(SUMS, case.id, case.summary().pack())

    def has(self, node: Node, case: Case) -> bool:
        """Whether the store says of an alert what is so."""
        row = self.rows.get(f"{SPACE}:{case.id}", node.id)
        return row == self.packed(node) and self.rows.get(SPACE, f"{ALERT}{node.id}") == case.id.encode()

    def has_event(self, name: str) -> bool:
        """Whether the store says of an event what is so."""
        route = self._route(name)
        return route is not None and self.rows.get(SPACE, name) == _encode(route)

    def has_summary(self, case: Case) -> bool:
        """Whether the store has the summary of a case."""
        row = self.rows.get(SUMS, case.id)
        return row is not None and Summary.unpack(row) == case.summary()

    def release(self, node: Node, case: Case) -> None:
        """Let an alert leave memory, whose rows are durable."""
        fold = self._fold
        case.summary()
        for name in fold.names.shelve(node, case, (*node.names, *self._weak(node))):
            self.events[name] = None
        fold.places.shelve(node, case)
        del fold.nodes[node.id], case.nodes[node.id]
        case.shelved += 1
        self.newest = max(self.newest, node.alert.at, node.alert.first, *node.alert.times)
        if not case.nodes:
            self.cold[case] = None

    def remove(self, node: Node) -> None:
        """An alert is no more: nor are its rows."""
        if node.stored:
            self.rows.put(f"{SPACE}:{node.stored}", node.id, None)
            self.rows.put(SPACE, f"{ALERT}{node.id}", None)
            node.stored = ""

    def remove_case(self, case: Case) -> None:
        """A case is no more: nor is its summary."""
        if case.filed:
            self.rows.put(SUMS, case.id, None)

    def tidy(self) -> None:
        """Remove the rows of events that nothing has any more."""
        emptied, self._fold.names.emptied = self._fold.names.emptied, []
        for name in emptied:
            if self._fold.names.get(name) is None:
                self.rows.put(SPACE, name, None)
            else:
                self._fold.names.mark(name)

    def _weak(self, node: Node) -> Iterator[str]:
        return (f"{WEAKLY}{entity.key}" for entity in node.alert.entities)


def _unpack(alert: Alert, case: Case, row: Shelved) -> Node:
    node = Node(alert)
    node.case, node.why, node.home, node.stored = case, row.why, row.home, case.id
    node.names = (*(f"{EVENT}{event}" for event in alert.events), *row.names)
    node.dropped, node.earliest = row.dropped, row.earliest
    return node

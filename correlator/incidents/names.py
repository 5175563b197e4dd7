"""Names: what leads from an alert to cases. Member events, strong entities, and what a person joined."""

from collections.abc import Collection, Iterable

from correlator.incidents.case import FIRST, LAST, Case, Node
from correlator.incidents.rows import Order

EVENT = "event:"
PERSON = "person:"
"""In front of the names that a merge by hand gives to alerts."""
WEAKLY = "~"
"""In front of an entity: the alerts for which it was weak."""
IDLY = "="
"""In front of an entity: the alerts for which it was strong, and that do not join by entities."""
FEW = 4
"""Of a name that more alerts have, they are looked up by id."""


class Name:
    """What is known of one name."""

    __slots__ = ("_away", "_nodes", "last", "owners")

    def __init__(self) -> None:
        self._nodes: tuple[Node, ...] | dict[str, Node] = ()
        """The alerts that have it; by id where they are not few, for most names have one."""
        self.owners: tuple[tuple[Case, Order], ...] = ()
        """The cases that it leads to, each since when; the first that takes an alert in counts."""
        self.last = FIRST
        """The last alert that had it."""
        self._away: tuple[Case, ...] | dict[Case, None] = ()

    def put(self, node: Node) -> None:
        """Let an alert have it."""
        if isinstance(self._nodes, dict):
            self._nodes[node.id] = node
            return
        nodes = (*(one for one in self._nodes if one.id != node.id), node)
        self._nodes = nodes if len(nodes) <= FEW else {one.id: one for one in nodes}

    def pop(self, node: Node) -> bool:
        """Let an alert have it no more; whether it had."""
        if isinstance(self._nodes, dict):
            return self._nodes.pop(node.id, None) is not None
        was, self._nodes = self._nodes, tuple(one for one in self._nodes if one.id != node.id)
        return len(was) > len(self._nodes)

    def put_away(self, case: Case) -> None:
        """Note that an alert of a case has it and is not in memory."""
        if case in self._away:
            return
        if isinstance(self._away, dict):
            self._away[case] = None
        else:
            cases = (*self._away, case)
            self._away = cases if len(cases) <= FEW else dict.fromkeys(cases)

    def disown(self, case: Case) -> None:
        """Let it no longer lead to a case, or to one that it took over."""
        self.owners = tuple(item for item in self.owners if item[0].heir is not case)
        if isinstance(self._away, dict):
            for one in (case, *case.absorbed):
                self._away.pop(one, None)
        elif self._away:
            self._away = tuple(one for one in self._away if one.heir is not case)

    @property
    def away(self) -> Collection[Case]:
        """The cases of which alerts that have it may not be in memory."""
        return self._away

    @property
    def nodes(self) -> Collection[Node]:
        """The alerts that have it."""
        return self._nodes.values() if isinstance(self._nodes, dict) else self._nodes


class Names:
    """All names of the alerts in memory."""

    def __init__(self) -> None:
        self._names: dict[str, Name] = {}
        self.emptied: list[str] = []
        """Names that no alert had at some time since someone cleared this; events are not among them."""

    def get(self, name: str) -> Name | None:
        """What is known of a name."""
        return self._names.get(name)

    def note(self, node: Node, names: Iterable[str]) -> None:
        """Note that an alert has names."""
        for name in names:
            entry = self._entry(name)
            entry.put(node)
            entry.last = max(entry.last, node.order)

    def lead(self, names: Iterable[str], case: Case, since: Order) -> None:
        """Let names lead to a case."""
        for name in names:
            entry = self._entry(name)
            if not any(owner.heir is case for owner, _ in entry.owners):
                entry.owners += ((case, since),)

    def restore(self, names: Iterable[str], case: Case, node: Node) -> None:
        """Let names of an alert that came back lead to its case. No late alert relies on since when they do."""
        for name in names:
            entry = self._entry(name)
            if node.case is not None and not any(owner.heir is case for owner, _ in entry.owners):
                entry.owners += ((node.case, LAST),)

    def put_away(self, node: Node, names: Iterable[str], case: Case) -> None:
        """Note that an alert of a case that has some of these names is not in memory; of events nothing is kept."""
        for name in names:
            entry = self._names.get(name)
            if entry is None or not entry.pop(node):
                continue
            if name.startswith(EVENT):
                self._clear(name, entry)
            else:
                entry.put_away(case)

    def drop(self, node: Node, names: Iterable[str]) -> None:
        """Forget that an alert has names, and those that none has."""
        for name in names:
            entry = self._names.get(name)
            if entry is not None and entry.pop(node):
                self._clear(name, entry)

    def disown(self, case: Case, names: Iterable[str]) -> None:
        """Let names no longer lead to a case, or to one that it took over."""
        for name in names:
            entry = self._names.get(name)
            if entry is not None:
                entry.disown(case)

    def __len__(self) -> int:
        return len(self._names)

    def _clear(self, name: str, entry: Name) -> None:
        if not entry.nodes and not any(case.heir.packs for case in entry.away):
            del self._names[name]
            if not name.startswith(EVENT):
                self.emptied.append(name)

    def _entry(self, name: str) -> Name:
        entry = self._names.get(name)
        if entry is None:
            entry = self._names[name] = Name()
        return entry

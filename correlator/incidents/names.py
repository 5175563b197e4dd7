"""Names: what leads from an alert to cases. Member events, strong entities, and what a person joined."""

from collections.abc import Iterable, Iterator, Mapping

from correlator.incidents.case import FIRST, NOTHING, Case, Node, Order

EVENT = "event:"
PERSON = "person:"
"""In front of the names that a merge by hand gives to alerts."""
WEAKLY = "~"
"""In front of an entity: the alerts for which it was weak."""
NOBODY: tuple[Case, ...] = ()


class Name:
    """What is known of one name."""

    __slots__ = ("last", "nodes", "owners", "shelved", "stored")

    def __init__(self) -> None:
        self.nodes: Mapping[str, Node] = NOTHING
        """The alerts in memory that have it, by id."""
        self.shelved: tuple[Case, ...] | set[Case] = NOBODY
        """The cases that have alerts with it on the shelf."""
        self.owners: tuple[tuple[Case, Order], ...] = ()
        """The cases that it leads to, each since when; the first that takes an alert in counts."""
        self.last = FIRST
        """The last alert that had it."""
        self.stored = False
        """Whether it may have a row in the store."""

    def put(self, node: Node) -> None:
        """Let an alert have it."""
        if isinstance(self.nodes, dict):
            self.nodes[node.id] = node
        else:
            self.nodes = {node.id: node}

    def pop(self, node: Node) -> bool:
        """Let an alert have it no more; whether it had."""
        if not isinstance(self.nodes, dict) or self.nodes.pop(node.id, None) is None:
            return False
        self.nodes = self.nodes or NOTHING
        return True


class Names:
    """All names of the alerts in memory, and those of shelved ones that lead to more than their own case."""

    def __init__(self) -> None:
        self._names: dict[str, Name] = {}
        self.emptied: list[str] = []
        """Names with a row in the store that nothing has any more."""

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
                entry.owners = tuple(item for item in entry.owners if item[0].heir is not case)

    def __len__(self) -> int:
        return len(self._names)

    # --- on the shelf

    def has(self, name: str, node: Node) -> bool:
        """Whether an alert in memory is noted under a name."""
        entry = self._names.get(name)
        return entry is not None and node.id in entry.nodes

    def shelve(self, node: Node, case: Case, names: Iterable[str]) -> Iterator[str]:
        """An alert goes on the shelf of its case; gives the events that are of use to nothing in memory any more."""
        for name in names:
            entry = self._names.get(name)
            if entry is None or not entry.pop(node):
                continue
            if isinstance(entry.shelved, set):
                entry.shelved.add(case)
            elif case not in entry.shelved:
                entry.shelved = {*entry.shelved, case} if entry.shelved else (case,)
            if self.is_plain(name, entry):
                yield name

    def is_plain(self, name: str, entry: Name | None) -> bool:
        """Whether an event leads to one case alone, which has all alerts with it on the shelf."""
        if entry is None or entry.nodes or not name.startswith(EVENT) or len(entry.owners) != 1:
            return False
        return len(entry.shelved) == 1 and entry.owners[0][0].heir in entry.shelved

    def mark(self, name: str) -> None:
        """Note that a name has a row in the store."""
        self._names[name].stored = True

    def resume(self) -> None:
        """Take it that all events in memory have a row in the store, which some may have."""
        for name, entry in self._names.items():
            entry.stored = name.startswith(EVENT)

    def forget(self, name: str) -> None:
        """Leave an event to the store."""
        del self._names[name]

    def bring(self, name: str, case: Case, since: Order) -> None:
        """Bring an event back that leads to a case alone. Since when it does may be said too late."""
        entry = self._entry(name)
        entry.shelved, entry.stored, entry.last = (case,), True, since
        entry.owners = ((case, since),)

    def wake(self, case: Case, nodes: Iterable[tuple[Node, Iterable[str]]]) -> None:
        """All alerts of the shelf of a case are back, with these names; events that are not known led to it alone."""
        brought: dict[str, Order] = {}
        for node, names in nodes:
            for name in names:
                if name not in self._names or name in brought:
                    brought[name] = max(brought.get(name, case.merged), node.order)
                    self.bring(name, case, brought[name])
                entry = self._names[name]
                entry.put(node)
                if isinstance(entry.shelved, set):
                    entry.shelved.discard(case)
                elif case in entry.shelved:
                    entry.shelved = NOBODY

    def give_up(self, names: Iterable[str], case: Case) -> None:
        """All alerts of a case are back: what no alert of it has, does not lead to it any more."""
        for name in names:
            entry = self._names.get(name)
            if entry is not None and not entry.nodes and case in entry.shelved and len(entry.shelved) == 1:
                entry.shelved = NOBODY
                self._clear(name, entry)

    def _clear(self, name: str, entry: Name) -> None:
        if entry.nodes or entry.shelved:
            return
        del self._names[name]
        if entry.stored:
            self.emptied.append(name)

    def _entry(self, name: str) -> Name:
        entry = self._names.get(name)
        if entry is None:
            entry = self._names[name] = Name()
        return entry

"""Away: alerts of cases that left memory. The store has them; here is what it takes to know when they are asked for.

Only so many alerts are in memory. Of one that left, its case keeps the id, in a pack of some; the entities that it has
know the case; and its events and its place are traces by which the pack is found. Whatever would look at an
alert asks for it here first, and then it is in memory again, as it was. So what follows is the same as if it had never
left.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from correlator.incidents.case import BETWEEN, FIRST, Case, Node, Pack, is_repeated, is_watch
from correlator.incidents.names import EVENT
from correlator.incidents.places import expected_spots, spots_of
from correlator.incidents.traces import Traces
from impetus.domain.alert import Alert

if TYPE_CHECKING:
    from correlator.incidents.fold import Fold

KEPT = 20_000
"""So many alerts of cases are in memory, beside those that cannot leave it."""
PACKED = 256
"""So many alerts at most are brought back together because one of them is asked for."""
SPOT = "@"
"""In front of the trace of a place and hour."""

Read = Callable[[Sequence[str]], list[Alert]]


class Away:
    """The alerts that are not in memory, and which of those in memory leave it next."""

    def __init__(self, fold: "Fold") -> None:
        self._fold = fold
        self._read: Read | None = None
        self._packs: dict[int, Pack] = {}
        self._number = 0
        self._traces = Traces(self._packs)
        self._queue: deque[Node] = deque()
        self._durable = -1
        self.step = 0
        """The commit that what is taken now goes into."""
        self._given = -1
        self.settled = FIRST[0]
        """Repeats of this event time and before are settled."""
        self.back: list[Node] = []
        """Alerts that came back since someone cleared this."""
        self.left: list[Node] = []
        """Alerts of single events that left memory since someone cleared this."""

    def __len__(self) -> int:
        return sum(pack.count for pack in self._packs.values())

    # --- leaving

    def open(self, read: Read) -> None:
        """Let alerts leave memory from now on: they can be read again. Until then none does."""
        self._read = read

    def queue(self, node: Node) -> None:
        """An alert of a case may leave memory when others came after it."""
        self._queue.append(node)

    def give(self) -> None:
        """All that was taken so far goes into a commit."""
        self._given, self.step = self.step, self.step + 1

    def committed(self) -> None:
        """All that was given is durable: the oldest of too many alerts leave memory."""
        self._durable = self._given
        for _ in range(len(self._queue) - KEPT if self._read is not None else 0):
            node = self._queue.popleft()
            if self._fold.nodes.get(node.id) is not node:
                continue
            if node.step > self._durable or (len(self._queue) < 2 * KEPT and self.settles(node)):
                self._queue.append(node)
            elif self._may_leave(node):
                self._put_away(node)

    def settles(self, node: Node) -> bool:
        """Whether an alert is still to be counted among its repeats: then it is asked for again."""
        return node.alert.at > self.settled and is_repeated(node)

    def _may_leave(self, node: Node) -> bool:
        """Whether nothing needs an alert in memory, and it comes back the same."""
        alert = node.alert
        if node.case is None or node.kept or node.repeats is not None or not node.home or BETWEEN in node.id:
            return False
        if alert.target_time is not None or is_watch(alert, self._fold.limits) or self._fold.bonds.bound(alert):
            return False
        case = node.case.heir
        entries = (self._fold.names.get(name) for name in node.names if name.startswith(EVENT))
        return self._fold.is_live(case) and all(
            owner.heir is case for entry in entries if entry is not None for owner, _ in entry.owners
        )

    def _put_away(self, node: Node) -> None:
        fold, alert, joined = self._fold, node.alert, node.case
        if joined is None:
            return
        case = joined.heir
        if case.shelf is None:
            case.summary()
            fold.summaries.use(case)
        pack = self._pack_for(case, joined, node.home)
        pack.add(node.id)
        for name in (*(f"{EVENT}{event}" for event in alert.events), *_spot_names(alert)):
            self._traces.add(name, pack.number, alert.at)
        del case.nodes[node.id], fold.nodes[node.id]
        if case.settled:
            case.settled = tuple(one for one in case.settled if one is not node)
        fold.names.put_away(node, fold.labels(node), case)
        fold.places.drop(node)
        if not alert.correlation:
            self.left.append(node)

    def _pack_for(self, case: Case, joined: Case, home: str) -> Pack:
        last = case.packs[-1] if case.packs else None
        if last is not None and last.case is joined and last.home == home and last.count < PACKED:
            return last
        self._number += 1
        pack = self._packs[self._number] = Pack(self._number, joined, home)
        case.packs += (pack,)
        return pack

    # --- coming back

    def meet(self, alerts: Iterable[Alert]) -> None:
        """Bring back what alerts share an event or a place with; a revision shares events with what it was before."""
        if self._packs:
            self._bring({number for alert in alerts for number in self._met(alert)})

    def recall(self, name: str) -> None:
        """Bring back all alerts that have a name."""
        if not self._packs:
            return
        if name.startswith(EVENT):
            self._bring(self._traces.find(name))
            return
        entry = self._fold.names.get(name)
        cases = {case.heir for case in entry.away} if entry is not None else ()
        self._bring({pack.number for case in cases for pack in case.packs})

    def recall_ids(self, ids: Iterable[str]) -> None:
        """Bring back alerts by id. The store says which events they have, and by those they are found."""
        unknown = [id for id in ids if id not in self._fold.nodes]
        if self._packs and unknown and self._read is not None:
            self.meet(self._read(unknown))

    def recall_case(self, case: Case) -> None:
        """Bring back all alerts of a case."""
        self._bring({pack.number for pack in case.packs})

    def _met(self, alert: Alert) -> set[int]:
        find = self._traces.find
        # What shares an event with it has one that is not before its first.
        found = {number for event in alert.events for number in find(f"{EVENT}{event}", alert.first)}
        for spot in expected_spots(alert) if is_watch(alert, self._fold.limits) else ():
            found |= find(_spot_name(spot))
        return found

    def recall_place(self, watch: Alert) -> None:
        """Bring back what is where and when an open-source item says."""
        if self._packs:
            self._bring({number for spot in expected_spots(watch) for number in self._traces.find(_spot_name(spot))})

    def _bring(self, numbers: Iterable[int]) -> None:
        found = [self._packs[number] for number in numbers if number in self._packs]
        for case in {pack.case.heir for pack in found}:
            case.summary()
        packs = {pack.number: self._packs.pop(pack.number) for pack in found if pack.number in self._packs}
        if not packs or self._read is None:
            return
        homes = {id: pack for pack in packs.values() for id in pack.alerts()}
        for case in {pack.case.heir for pack in packs.values()}:
            case.packs = tuple(pack for pack in case.packs if pack.number not in packs)
        nodes = [Node(alert) for alert in self._read(list(homes))]
        for node in sorted(nodes, key=lambda node: node.order):
            self._put_back(node, homes[node.id])

    def _put_back(self, node: Node, pack: Pack) -> None:
        fold, case = self._fold, pack.case.heir
        node.case, node.home = pack.case, pack.home
        row = case.sum.rows.find(node.alert) if case.sum is not None else None
        if row is not None and row.order == node.order:
            node.why = row.why
        fold.put_back(node, case)
        self._queue.append(node)
        self.back.append(node)


def _spot_names(alert: Alert) -> Iterable[str]:
    return map(_spot_name, spots_of(alert)) if alert.place is not None else ()


def _spot_name(spot: tuple[int, str]) -> str:
    return f"{SPOT}{spot[0]}/{spot[1]}"

"""A case: an incident or a watch while its alerts are being joined."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from correlator.incidents.limits import Limits
from correlator.incidents.rows import Order
from correlator.incidents.summary import Repeats, Summary
from impetus.domain.alert import Alert
from impetus.domain.incident import ActionRecord, Incident, Kind
from impetus.domain.instant import SECOND
from impetus.domain.place import distance
from impetus.domain.rule import rank

NOTHING: Mapping[Any, Any] = MappingProxyType({})
"""What most cases have, without a dictionary for each."""
NONE: frozenset[Any] = frozenset()
"""The same for sets: Python makes a new one at each call."""
HOUR = 3600 * SECOND
OPENED = "opened it"
"""Why the first member of a case is in it."""
SHARED = "shares an event"
"""Why a member is in it that has an event in common with another."""
SMALL = 32
"""Of a case of more alerts, settled repeats are only counted."""

BETWEEN = "\0"
"""What no id of an alert has that leaves memory."""

FIRST: Order = (-(1 << 63), False, "")
LAST: Order = ((1 << 63) - 1, True, "")


def order_of(alert: Alert) -> Order:
    """Where an alert stands among all."""
    return (alert.fired, alert.correlation, alert.id)


def lean(alert: Alert) -> Alert:
    """An alert without its explanation: nothing is joined by that, and it is most of what an alert needs of memory."""
    return alert if alert.explanation is None else msgspec.structs.replace(alert, explanation=None)


class Node:
    """An alert in memory: where it stands, what it joins by, and where it is."""

    __slots__ = ("alert", "case", "home", "kept", "names", "order", "repeats", "step", "why")

    def __init__(self, alert: Alert) -> None:
        self.alert = lean(alert)
        self.order = order_of(alert)
        self.names: tuple[str, ...] = ()
        """By what it joins, as of its place in the order."""
        self.case: Case | None = None
        """The case that it joined, which another may have taken over; None for a loose alert."""
        self.why = ""
        self.home = ""
        """The incident under whose id it is on record as a member."""
        self.repeats: Repeats | None = None
        """Repeats after it that are only counted."""
        self.kept = False
        """Whether it stays in memory to count the repeats of its row."""
        self.step = 0
        """The commit that it went into as it is."""

    @property
    def id(self) -> str:
        """The id of the alert."""
        return self.order[2]


class Pack:
    """Alerts that left memory: all joined one case, and are on record under one incident."""

    __slots__ = ("case", "count", "home", "ids", "number")

    def __init__(self, number: int, case: "Case", home: str) -> None:
        self.number, self.case, self.home = number, case, home
        self.ids = b""
        self.count = 0

    def add(self, id: str) -> None:
        """Put one more in."""
        self.ids += f"{id}{BETWEEN}".encode()
        self.count += 1

    def alerts(self) -> list[str]:
        """The ids of all."""
        return self.ids.decode().split(BETWEEN)[:-1]


class Shelf(Protocol):
    """Where summaries are that are not in memory."""

    def read(self, case: "Case") -> Summary | None:
        """The summary of a case; None if it is lost."""


class Brief(msgspec.Struct, frozen=True, gc=False):
    """What the next revision of an incident needs of the one before, if that says something else for certain."""

    id: str
    revision: int
    alerts: int
    supersedes: tuple[str, ...]
    history: tuple[ActionRecord, ...]


class Case:
    """Alerts that belong together, each with why."""

    __slots__ = (
        "absorbed", "asked", "asleep", "brief", "chosen", "ends", "filed", "id", "inherited", "kind", "lasting",
        "links", "newest", "nodes", "opened", "opener", "packs", "record", "scheduled", "settled", "shelf", "sides",
        "sum", "taken_at", "taken_over_by",
    )  # fmt: skip

    def __init__(self, kind: Kind, opener: Node) -> None:
        self.kind = kind
        self.opener = opener.order
        """Where the earliest alert stands that could open it; the id of the incident is made of its id."""
        self.opened = opener.alert.first
        self.id = incident_id(opener.alert)
        self.nodes: dict[str, Node] = {}
        """Its alerts that are in memory."""
        self.packs: tuple[Pack, ...] = ()
        """Those that are not."""
        self.newest = opener.alert.at
        self.sides: Mapping[str, int] = NOTHING
        """For each split by hand, on which side of it the case is."""
        self.links: frozenset[Case] = NONE
        self.lasting: frozenset[str] = NONE
        """Ids of linked incidents that are no longer in memory."""
        self.taken_over_by: Case | None = None
        self.taken_at = FIRST
        self.absorbed: tuple[Case, ...] = ()
        self.asked = FIRST
        """The last alert whose place depended on this case."""
        self.chosen = FIRST
        """The last alert whose place depended on how new this case was, and not just on what it holds."""
        self.record: Incident | None = None
        """The incident as it was last written, if it was and is not left to the store."""
        self.brief: Brief | None = None
        """What has to be known of one that is left to the store."""
        self.inherited: tuple[Incident | Brief, ...] = ()
        """Incidents that it takes the place of, since it was last written."""
        self.settled: tuple[Node, ...] = ()
        """Alerts that nothing changes any more and that may be repeats."""
        self.ends: Mapping[object, tuple[Node, Node]] = NOTHING
        """The first and the last of the settled repeats of a row."""
        self.scheduled = False
        """Whether its end is on the list of what is forgotten."""
        self.sum: Summary | None = None
        """What its alerts have together, if that is in memory."""
        self.asleep = False
        """Whether it is on the shelf alone."""
        self.filed = False
        """Whether the shelf may have one of it."""
        self.shelf: Shelf | None = None

    @property
    def heir(self) -> "Case":
        """The case that it is part of now."""
        case = self
        while case.taken_over_by is not None:
            case = case.taken_over_by
        return case

    def since(self, order: Order) -> Order:
        """Since when a name that led to this case from ``order`` on leads to its heir."""
        case = self
        while case.taken_over_by is not None:
            order, case = max(order, case.taken_at), case.taken_over_by
        return order

    def takes_in(self, alert: Alert, limits: Limits) -> bool:
        """Whether it is still active when an alert fires."""
        return alert.fired - self.newest < (limits.watch if self.kind == "watch" else limits.active)

    def add(self, node: Node, why: str) -> None:
        """Let an alert join."""
        node.case, node.why = self, why
        self.nodes[node.id] = node
        self.newest = max(self.newest, node.alert.at)
        if self.sum is not None or self.asleep:
            _add_up(self.summary(), node)

    def side_with(self, sides: Mapping[str, int]) -> None:
        """Be on these sides of splits by hand."""
        if sides:
            self.sides = {**self.sides, **sides}

    def revise(self, node: Node) -> None:
        """Take note that an alert has more members than before, and is otherwise the same."""
        self.newest = max(self.newest, node.alert.at)
        if node.order == self.opener:
            self.opened = node.alert.first
        if self.sum is not None or self.asleep:
            self.summary().revise(node.alert, node.order)

    def absorb(self, other: "Case", why: str, order: Order) -> None:
        """Take another case over: its opener joined for this reason, the others keep theirs."""
        other.taken_over_by, other.taken_at = self, order
        if other.opener[2] in other.nodes:
            other.nodes[other.opener[2]].why = why
        if self.packs or other.packs or self.asleep or other.asleep:
            self.summary().absorb(other.summary(), other.opener, why)
        elif self.sum is not None:
            for node in other.nodes.values():
                _add_up(self.sum, node)
        self.nodes.update(other.nodes)
        self.packs, other.packs = (*self.packs, *other.packs), ()
        self.newest = max(self.newest, other.newest)
        self.asked = max(self.asked, other.asked)
        self.chosen = max(self.chosen, other.chosen)
        self.side_with(other.sides)
        self.links |= other.links
        self.lasting |= other.lasting
        self.absorbed += (other, *other.absorbed)
        self.inherited += other.inherited
        self.settled += other.settled
        self.settled += tuple(node for ends in other.ends.values() for node in ends)
        own = other.record or other.brief
        if own is not None:
            self.inherited += (own,)

    def summary(self) -> Summary:
        """What its alerts have together."""
        if self.asleep and self.shelf is not None:
            self.asleep, self.sum = False, self.shelf.read(self)
        if self.sum is None:
            self.sum = Summary()
            for node in self.nodes.values():
                _add_up(self.sum, node)
        return self.sum

    @property
    def summed(self) -> bool:
        """Whether it is so large that settled repeats are only counted in its summary."""
        alerts = len(self.nodes) + sum(pack.count for pack in self.packs)
        return alerts > SMALL and (self.sum is not None or self.asleep)


def is_repeated(node: Node) -> bool:
    """Whether an alert of a large incident is one of several repeats, as far as its summary in memory says it."""
    case = node.case.heir if node.case is not None else None
    if case is None or case.sum is None or not case.summed:
        return False
    row = case.sum.rows.find(node.alert)
    return row is not None and row.count > 2


def brief_of(record: Incident) -> Brief:
    """What has to be known of an incident that is left to the store."""
    return Brief(record.id, record.revision, record.alerts, record.supersedes, record.history)


def _add_up(summary: Summary, node: Node) -> None:
    summary.add(node.alert, node.order, node.why)
    if node.repeats is not None:
        summary.count(node.alert, node.repeats)


def incident_id(opener: Alert) -> str:
    """The id of the incident that an alert opens."""
    return f"inc-{opener.id}"


def is_watch(alert: Alert, limits: Limits) -> bool:
    """Whether an alert opens a watch: medium or higher, and nothing but open sources."""
    return alert.domains == ("osint",) and rank(alert.level) >= rank(limits.opens)


def opens(alert: Alert, limits: Limits) -> bool:
    """Whether an alert opens an incident."""
    return alert.domains != ("osint",) and rank(alert.level) >= rank(limits.opens)


def joins_one(alert: Alert, limits: Limits) -> bool:
    """Whether an alert is just below those that open: it joins one incident by an entity and never merges."""
    return rank(alert.level) == rank(limits.opens) - 1


def is_informational(alert: Alert, limits: Limits) -> bool:
    """Whether an alert joins through a correlation only."""
    return rank(alert.level) < rank(limits.opens) - 1


def meets(watch: Alert, alert: Alert) -> bool:
    """Whether an alert is where and when an open-source item said: its location, else its zone, and its time ± 1 h."""
    if watch.target_time is None or watch.place is None or alert.place is None:
        return False
    if not any(abs(time - watch.target_time) <= HOUR for time in alert.times or (alert.at,)):
        return False
    if watch.place.location is not None and alert.place.location is not None:
        apart = distance(watch.place.location, alert.place.location)
        return apart <= watch.place.radius + alert.place.radius
    return watch.place.zone is not None and watch.place.zone in alert.zones


def earliest(found: Sequence[tuple[Case, str]]) -> tuple[Case, str]:
    """The case that was opened first."""
    return min(found, key=lambda item: item[0].opener)

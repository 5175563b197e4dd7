"""Joining: keeps cases as alerts come, change and go, and says which incidents changed.

An alert that stands behind all that it has to do with extends its case at once. Any other change takes the cases that
it can touch apart and folds their alerts anew. So the outcome is that of one fold over everything, in any order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from correlator.city import CityModel
from correlator.incidents.bonds import Bond, Bonds
from correlator.incidents.case import Case, Node, order_of
from correlator.incidents.extension import extends, revises
from correlator.incidents.fold import Fold
from correlator.incidents.history import cleared
from correlator.incidents.limits import Limits
from correlator.incidents.membership import Record
from correlator.incidents.refold import recount, refold
from correlator.incidents.resume import Resume
from correlator.incidents.risk import Scale
from correlator.incidents.rows import Order, row_key
from correlator.incidents.trust import Trust, is_nothing
from correlator.incidents.upkeep import Upkeep
from correlator.incidents.writing import Writer
from correlator.memory import Kept
from impetus.domain.alert import Alert
from impetus.domain.batch import Key
from impetus.domain.incident import Incident
from impetus.domain.ports import IncidentQuery, Store
from impetus.domain.rule import rank

ANCHORS = 20
"""So many alerts of each incident carry a merge by hand: it holds while one of them does."""
LOADED = 1_000_000
"""So many active incidents at most are loaded at a restart."""


class Frozen(msgspec.Struct, frozen=True):
    """An alert of a closed incident: its revisions leave that as people closed it."""

    incident: str
    at: int


class Joins:
    """The active cases and loose alerts. ``find`` gives an incident as last written, by id."""

    def __init__(
        self,
        city: CityModel,
        find: Callable[[str], Incident | None] = lambda _: None,
        limits: Limits | None = None,
        scale: Scale | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self.trust = Trust(city)
        self._bonds = Bonds()
        self._fold = Fold(self._limits, self._bonds)
        self._upkeep = Upkeep(self._fold)
        self._writer = Writer(self._fold, self._upkeep, self.trust, scale or Scale(city), find)
        self._loose = self._writer.loose
        self._frozen: Kept[Frozen] = Kept("closed", Frozen)
        self._kept_bonds: Kept[Bond] = Kept("bond", Bond)
        self._kept_commons: Kept[Order] = Kept("commons", tuple[int, bool, str])
        self._swept = 0

    @property
    def active(self) -> int:
        """How many incidents alerts may still join."""
        return len(self._fold.cases)

    # --- alerts

    def apply(self, changes: Iterable[Alert], cause: str) -> list[Incident]:
        """Take alerts in (new, revised, gone); returns the incidents that changed."""
        fresh = sorted((alert for alert in changes if not self._is_frozen(alert)), key=order_of)
        self._fold.away.meet(fresh)
        self._fold.summaries.wake(self._likely(fresh))
        rest = [alert for alert in fresh if not self._extend(alert)]
        apart = self._refold(rest) if rest else []
        return self._writer.settle(apart, cause)

    def _likely(self, alerts: Iterable[Alert]) -> set[Case]:
        """The incidents that alerts join, if nothing comes between."""
        entries = (self._fold.names.get(entity.key) for alert in alerts for entity in alert.entities)
        return {owner.heir for entry in entries if entry is not None for owner, _ in entry.owners}

    def _extend(self, alert: Alert) -> bool:
        """Take an alert at once, if that comes to the same as a fold over everything."""
        known = self._fold.nodes.get(alert.id)
        if known is not None:
            if alert.gone or not revises(self._fold, known, alert):
                return False
            self._fold.revise(known, alert)
            return True
        node = Node(alert)
        if alert.gone:
            return True
        if not extends(self._fold, node):
            return False
        self._fold.take(node)
        return True

    def _refold(self, fresh: Sequence[Alert]) -> list[Case]:
        for alert in fresh:
            known = self._fold.nodes.get(alert.id)
            if alert.gone and known is not None:
                self._writer.membership.leave(known)
                self._loose.drop(alert.id)
        return refold(self._fold, fresh)

    def _is_frozen(self, alert: Alert) -> bool:
        frozen = self._frozen.get(alert.id)
        if frozen is not None:
            self._frozen[alert.id] = Frozen(frozen.incident, max(frozen.at, alert.at))
        return frozen is not None

    # --- incidents

    def incident(self, id: str) -> Incident | None:
        """An active incident as last written."""
        case = self._fold.cases.get(id)
        return self._writer.recall(case) if case is not None else None

    def home(self, alert: str) -> str | None:
        """The id of the incident that an active alert is in; None if it is in none."""
        self._fold.away.recall_ids((alert,))
        node = self._fold.nodes.get(alert)
        return node.home or None if node is not None else None

    def openers(self, id: str) -> list[str]:
        """The ids of the first alerts of an active incident that each could open one; none if it is not active."""
        nodes = sorted(self._nodes(self._fold.cases.get(id)).values(), key=lambda node: node.order)
        strong = [node.alert.id for node in nodes if rank(node.alert.level) >= rank(self._limits.opens)]
        return strong[:ANCHORS]

    def sides(self, id: str, leaving: Iterable[str]) -> dict[str, int]:
        """The alerts of an active incident: 1 for those in a row with one that leaves, 0 for the others."""
        nodes = self._nodes(self._fold.cases.get(id))
        rows = {row_key(nodes[alert].alert) for alert in leaving if alert in nodes}
        return {alert: int(row_key(node.alert) in rows) for alert, node in nodes.items()}

    def replace(self, incident: Incident) -> list[Incident]:
        """Take over what an action made of an incident: closing one freezes it. Returns the incidents that changed."""
        case = self._fold.cases.get(incident.id)
        held = {} if is_nothing(incident) else self.trust.held(incident.id)
        self._writer.touch(self.trust.note(incident.id, held, cleared(incident.history)))
        if case is not None:
            case.record, case.brief = incident, None
            self._fold.changed[case] = None
        if case is not None and incident.status == "closed":
            for node in self._nodes(case).values():
                self._frozen[node.alert.id] = Frozen(incident.id, node.alert.at)
            keys = {entity.key for node in case.nodes.values() for entity in node.alert.entities}
            self._upkeep.forget(case)
            for key in keys:
                recount(self._fold, key)
        return self._writer.settle((), "action")

    def reopen(self, incident: Incident, alerts: Sequence[Alert]) -> list[Incident]:
        """Let a closed incident with these alerts take alerts in again; returns the incidents that changed."""
        for alert in alerts:
            self._frozen.drop(alert.id)
        apart = refold(self._fold, alerts)
        for other in self._fold.cases.values():
            if incident.id in other.lasting:
                other.lasting -= {incident.id}
        case = self._fold.cases.get(incident.id)
        if case is not None:
            case.record, case.brief = incident, None
        return self._writer.settle(apart, "action")

    def bind(self, bond: Bond) -> list[Incident]:
        """Let what a person said of alerts hold; returns the incidents that changed."""
        self._bonds.add(bond)
        self._kept_bonds[bond.id] = bond
        return self._bound(bond)

    def release(self, action: str) -> list[Incident]:
        """Let a merge or split hold no more; returns the incidents that changed."""
        bond = self._bonds.remove(action)
        self._kept_bonds.drop(action)
        return self._bound(bond) if bond is not None else []

    def _bound(self, bond: Bond) -> list[Incident]:
        self._fold.away.recall_ids(bond.sides)
        nodes = [node for node in map(self._fold.nodes.get, bond.sides) if node is not None]
        return self._writer.settle(refold(self._fold, [node.alert for node in nodes]) if nodes else (), bond.verb)

    def expire(self, now: int) -> None:
        """Forget what takes nothing in any more at an event time."""
        _, loose = self._upkeep.run(now)
        for id in loose:
            self._loose.drop(id)
        for gone, first in self._upkeep.counted:
            self._writer.membership.count(gone, first)
        self._upkeep.counted.clear()
        if now - self._swept >= self._limits.horizon:
            self._swept = now
            self._frozen.drop_where(lambda one: now - one.at >= self._limits.active)
            for id in self._bonds.without(self._fold.nodes):
                self._bonds.remove(id)
                self._kept_bonds.drop(id)

    def _nodes(self, case: Case | None) -> dict[str, Node]:
        """All alerts of a case."""
        if case is None:
            return {}
        self._fold.away.recall_case(case)
        return case.nodes

    @property
    def loose(self) -> Mapping[str, Alert]:
        """Alerts that are in no incident yet, by id."""
        return {id: node.alert for id, node in self._fold.nodes.items() if node.case is None}

    # --- state

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        self._writer.give()
        self._fold.away.give()
        commons = self._fold.commons
        for key in [key for key in self._kept_commons if key not in commons.since]:
            self._kept_commons.drop(key)
        for key, since in commons.since.items():
            if self._kept_commons.get(key) != since:
                self._kept_commons[key] = since
        for kept in self._kept():
            yield from kept.changes()
        yield from self._writer.membership.changes()
        yield from self._fold.summaries.changes()
        yield from self.trust.changes()

    def committed(self) -> None:
        """All changes given so far are durable: what need not be in memory leaves it."""
        self._writer.committed()
        self._fold.away.committed()
        self._fold.summaries.committed()

    def restore(self, store: Store, now: int | None) -> None:
        """Go on from what a store holds: the active incidents and loose alerts, no closed and no expired ones."""
        for kept in self._kept():
            kept.restore(store)
        self.trust.restore(store)
        for bond in self._kept_bonds.values():
            self._bonds.add(bond)
        self._fold.commons.since.update(self._kept_commons.items())
        self._fold.away.open(store.alerts)
        self._fold.summaries.open(store.pieces)
        resume = Resume(self._fold, self._upkeep, store)
        for id in self._loose:
            resume.note(id, Record(""))
        for incident in self._active(store, now):
            resume.note_incident(incident)
        resume.run()

    def _kept(self) -> tuple[Kept[Any], ...]:
        return (self._loose, self._frozen, self._kept_bonds, self._kept_commons)

    def _active(self, store: Store, now: int | None) -> Iterator[Incident]:
        limits, open_ = self._limits, ("open", "taken", "escalated")
        for kind, span in (("incident", limits.active), ("watch", limits.watch)):
            since = None if now is None else now - span - limits.horizon
            yield from store.incidents(IncidentQuery(statuses=open_, kind=kind, since=since, limit=LOADED))

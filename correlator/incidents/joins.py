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
from correlator.incidents.history import cleared, merged
from correlator.incidents.limits import Limits
from correlator.incidents.membership import Membership, members
from correlator.incidents.record import describe, replaced
from correlator.incidents.refold import refold
from correlator.incidents.risk import Scale
from correlator.incidents.summary import Summary, row_key
from correlator.incidents.trust import Trust, is_nothing
from correlator.incidents.upkeep import Upkeep
from correlator.memory import Kept
from impetus.domain.alert import Alert
from impetus.domain.batch import Key
from impetus.domain.incident import ActionRecord, Incident
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
        self._find, self._scale = find, scale or Scale(city)
        self.trust = Trust(city)
        self._bonds = Bonds()
        self._fold = Fold(self._limits, self._bonds)
        self._upkeep = Upkeep(self._fold)
        self._membership = Membership()
        self._loose: Kept[int] = Kept("loose", int)
        self._frozen: Kept[Frozen] = Kept("closed", Frozen)
        self._kept_bonds: Kept[Bond] = Kept("bond", Bond)
        self._kept_commons: Kept[tuple[tuple[int, bool, str], int]] = Kept("common", tuple[tuple[int, bool, str], int])
        self._swept = 0

    @property
    def active(self) -> int:
        """How many incidents alerts may still join."""
        return len(self._fold.cases)

    # --- alerts

    def apply(self, changes: Iterable[Alert], cause: str) -> list[Incident]:
        """Take alerts in (new, revised, gone); returns the incidents that changed."""
        fresh = sorted((alert for alert in changes if not self._is_frozen(alert)), key=order_of)
        rest = [alert for alert in fresh if not self._extend(alert)]
        apart = self._refold(rest) if rest else []
        return self._settle(apart, cause)

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
                self._membership.leave(known)
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
        return case.record if case is not None else None

    def home(self, alert: str) -> str | None:
        """The id of the incident that an active alert is in; None if it is in none."""
        node = self._fold.nodes.get(alert)
        return node.home or None if node is not None else None

    def openers(self, id: str) -> list[str]:
        """The ids of the first alerts of an active incident that each could open one; none if it is not active."""
        case = self._fold.cases.get(id)
        nodes = sorted(case.nodes.values(), key=lambda node: node.order) if case is not None else []
        strong = [node.alert.id for node in nodes if rank(node.alert.level) >= rank(self._limits.opens)]
        return strong[:ANCHORS]

    def sides(self, id: str, leaving: Iterable[str]) -> dict[str, int]:
        """The alerts of an active incident: 1 for those in a row with one that leaves, 0 for the others."""
        case = self._fold.cases.get(id)
        nodes = case.nodes if case is not None else {}
        rows = {row_key(nodes[alert].alert) for alert in leaving if alert in nodes}
        return {alert: int(row_key(node.alert) in rows) for alert, node in nodes.items()}

    def replace(self, incident: Incident) -> list[Incident]:
        """Take over what an action made of an incident: closing one freezes it. Returns the incidents that changed."""
        case = self._fold.cases.get(incident.id)
        held = {} if is_nothing(incident) else self.trust.held(incident.id)
        self._touch(self.trust.note(incident.id, held, cleared(incident.history)))
        if case is not None:
            case.record = incident
            self._fold.changed[case] = None
        if case is not None and incident.status == "closed":
            for node in case.nodes.values():
                self._frozen[node.alert.id] = Frozen(incident.id, node.alert.at)
            self._upkeep.forget(case)
        return self._settle((), "action")

    def reopen(self, incident: Incident, alerts: Sequence[Alert]) -> list[Incident]:
        """Let a closed incident with these alerts take alerts in again; returns the incidents that changed."""
        for alert in alerts:
            self._frozen.drop(alert.id)
        apart = refold(self._fold, alerts)
        case = self._fold.cases.get(incident.id)
        if case is not None:
            case.record = incident
        return self._settle(apart, "action")

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
        nodes = [self._fold.nodes[id] for id in bond.sides if id in self._fold.nodes]
        return self._settle(refold(self._fold, [node.alert for node in nodes]) if nodes else (), bond.verb)

    def expire(self, now: int) -> None:
        """Forget what takes nothing in any more at an event time."""
        _, loose = self._upkeep.run(now)
        for id in loose:
            self._loose.drop(id)
        if now - self._swept >= self._limits.horizon:
            self._swept = now
            self._frozen.drop_where(lambda one: now - one.at >= self._limits.active)
            for id in self._bonds.without(self._fold.nodes):
                self._bonds.remove(id)
                self._kept_bonds.drop(id)

    @property
    def loose(self) -> Mapping[str, Alert]:
        """Alerts that are in no incident yet, by id."""
        return {id: node.alert for id, node in self._fold.nodes.items() if node.case is None}

    # --- state

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        commons = self._fold.commons
        for key in [key for key in self._kept_commons if key not in commons.since]:
            self._kept_commons.drop(key)
        for key, since in commons.since.items():
            known, last = self._kept_commons.get(key), commons.last[key]
            if known is None or known[0] != since or last - known[1] >= self._limits.horizon:
                self._kept_commons[key] = (since, last)
        for kept in self._kept():
            yield from kept.changes()
        yield from self._membership.changes()
        yield from self.trust.changes()

    def restore(self, store: Store, now: int | None) -> None:
        """Go on from what a store holds: the active incidents and loose alerts, no closed and no expired ones."""
        for kept in self._kept():
            kept.restore(store)
        self.trust.restore(store)
        for bond in self._kept_bonds.values():
            self._bonds.add(bond)
        for key in self._kept_commons:
            self._fold.commons.since[key], self._fold.commons.last[key] = self._kept_commons[key]
        nodes = [Node(alert) for alert in store.alerts(list(self._loose))]
        records: dict[str, Incident] = {}
        for incident in self._active(store, now):
            records[incident.id] = incident
            homes = members(store, incident)
            for alert in store.alerts(list(homes)):
                nodes.append(Node(alert))
                nodes[-1].home = homes[alert.id]
        self._resume(nodes, records)

    def _kept(self) -> tuple[Kept[Any], ...]:
        return (self._loose, self._frozen, self._kept_bonds, self._kept_commons)

    def _active(self, store: Store, now: int | None) -> Iterator[Incident]:
        limits, open_ = self._limits, ("open", "taken", "escalated")
        for kind, span in (("incident", limits.active), ("watch", limits.watch)):
            since = None if now is None else now - span - limits.horizon
            yield from store.incidents(IncidentQuery(statuses=open_, kind=kind, since=since, limit=LOADED))

    def _resume(self, nodes: list[Node], records: Mapping[str, Incident]) -> None:
        """Fold again what was in memory; the incidents are as they were written, so none is written now."""
        for node in sorted(nodes, key=lambda node: node.order):
            self._fold.take(node)
        for case in self._fold.cases.values():
            case.record = records.get(case.id)
            linked = case.record.linked if case.record is not None else ()
            case.lasting.update(id for id in linked if id not in self._fold.cases)
            self._upkeep.schedule(case)
        for node in nodes:
            self._upkeep.watch(node)
        self._fold.changed = {case: None for case in self._fold.changed if case.record is None}
        self._fold.merged.clear()
        self._fold.moved.clear()

    # --- what changed

    def _settle(self, apart: Sequence[Case], cause: str) -> list[Incident]:
        """Let what people did follow, and write the incidents that changed."""
        fold = self._fold
        gone = [case for case in (*apart, *fold.merged) if case.record is not None]
        fold.merged.clear()
        found = self._hand_over(gone)
        moved, fold.moved = fold.moved, {}
        while fold.changed:
            changed, fold.changed = fold.changed, {}
            for case in changed:
                self._upkeep.schedule(case)
                record = self._write(case, cause)
                if record is not None:
                    found.append(record)
        for node in moved.values():
            self._file(node)
        return found

    def _hand_over(self, gone: Sequence[Case]) -> list[Incident]:
        """Cases that are no more: the incident goes on under the same id, or another takes its place, or none."""
        found: list[Incident] = []
        floor = max((case.record.revision for case in gone if case.record is not None), default=0)
        for case in gone:
            heir = self._heir(case)
            if case.record is None:
                continue
            if heir is not None:
                heir.floor = floor
                heir.lasting |= case.lasting
                self._fold.changed[heir] = None
            if heir is not None and heir.id == case.id:
                heir.record = case.record
                continue
            found.append(replaced(case.record, heir.id if heir is not None else None))
            self._touch(self.trust.note(case.id, {}))
            if heir is not None and case.record not in heir.inherited:
                heir.inherited.append(case.record)
        for case in self._fold.changed:
            case.floor = max(case.floor, floor)
        return found

    def _heir(self, case: Case) -> Case | None:
        """Which case has the opener of another now, or else any of its alerts."""
        if self._fold.cases.get(case.heir.id) is case.heir:
            return case.heir
        for id in (case.opener.alert.id, *case.nodes):
            node = self._fold.nodes.get(id) or self._fold.successor(id)
            if node is not None and node.case is not None:
                return node.case.heir
        return None

    def _write(self, case: Case, cause: str) -> Incident | None:
        """The case as an incident, if that says anything new."""
        own, inherited = case.record, case.inherited
        known = [one for one in (own or self._former(case.id), *inherited) if one is not None]
        case.inherited = []
        cases = self._fold.cases
        superseded = {old for one in known for old in (one.id, *one.supersedes) if old not in cases}
        history = merged([one.history for one in known]) if known else ()
        summary = case.summary()
        self._note_held(case, summary, history)
        incident = describe(case, summary, history, self.trust, self._scale)
        incident = msgspec.structs.replace(incident, supersedes=tuple(sorted(superseded)))
        newest = max((one.revision for one in known), default=0)
        if own is not None:
            if msgspec.structs.replace(incident, revision=own.revision, cause=own.cause) == own:
                return None
            if msgspec.structs.replace(incident, revision=own.revision, cause=own.cause, linked=own.linked) == own:
                cause = "linked"
        elif not known:
            cause = "new alert"
        revision = newest if own is not None else max(newest, case.floor)
        case.record = msgspec.structs.replace(incident, revision=revision + 1, cause=cause)
        return case.record

    def _former(self, id: str) -> Incident | None:
        """An incident that came back: it was withdrawn or forgotten, and goes on with what people did to it."""
        found = self._find(id)
        return found if found is not None and found.id == id and (found.withdrawn or found.status != "closed") else None

    def _note_held(self, case: Case, summary: Summary, history: Sequence[ActionRecord]) -> None:
        since = {device: order[0] for device, order in summary.devices.items()} if case.kind == "incident" else {}
        self._touch(self.trust.note(case.id, since, cleared(history)))

    def _touch(self, devices: Iterable[str]) -> None:
        """Weigh the incidents anew that hold some devices."""
        for device in devices:
            entry = self._fold.names.get(f"device:{device}")
            for owner, _ in entry.owners if entry is not None else ():
                self._fold.changed[owner.heir] = None

    def _file(self, node: Node) -> None:
        """Put on record where an alert is now."""
        alert = node.alert
        self._upkeep.watch(node)
        if node.case is None:
            self._membership.leave(node)
            self._loose[alert.id] = alert.at
            return
        if alert.id in self._loose:
            self._loose.drop(alert.id)
        record = node.case.heir.record
        if record is not None:
            self._membership.enter(node, record.id, record.supersedes)

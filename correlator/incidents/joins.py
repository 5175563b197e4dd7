"""Joining: keeps cases as alerts come, change and go, and says which incidents changed.

A change takes the cases that it can touch (those that share a name with it, and so on) apart and folds their alerts
anew; the rest is not looked at. So the outcome is that of one fold over everything, in any order of arrival.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from correlator.city import CityModel
from correlator.incidents.case import Case, incident_id, is_watch, meets, rows
from correlator.incidents.fold import ACTIVE, WATCH, fold, names_of
from correlator.incidents.history import merged, standing
from correlator.incidents.risk import risk_of, severity_of
from impetus.domain.alert import Alert
from impetus.domain.incident import ActionRecord, Incident, Risk
from impetus.domain.rule import rank


class Joins:
    """The active cases and loose alerts, with what leads to them."""

    def __init__(self, city: CityModel) -> None:
        self._city = city
        self._cases: dict[str, Case] = {}
        self._home: dict[str, str] = {}
        """Alert id → incident id, for alerts in a case."""
        self._loose: dict[str, Alert] = {}
        self._names: dict[str, set[str]] = {}
        """Name (entity or event) → ids of the alerts that have it."""
        self._weak: dict[str, set[str]] = {}
        """The same for weak entities, which link and never join."""
        self._watches: dict[str, Case] = {}
        self._frozen: dict[str, Incident] = {}
        """Closed incidents: they take nothing in, but their alerts may still be revised."""

    def apply(self, changes: Iterable[Alert], cause: str) -> list[Incident]:
        """Take alerts in (new, revised, gone); returns the incidents that changed."""
        fresh = [alert for alert in changes if not self._revise_frozen(alert)]
        if not fresh:
            return []
        pool, touched = self._closure(fresh)
        for case in touched:
            self._forget(case)
        for alert in fresh:
            pool.pop(alert.id, None)
            self._drop_loose(alert.id)
            if not alert.gone:
                pool[alert.id] = alert
        for id in list(pool):
            self._drop_loose(id)
        cases, loose = fold(pool.values())
        for alert in loose:
            self._keep_loose(alert)
        return self._settle(touched, cases, cause)

    def incident(self, id: str) -> Incident | None:
        """An active incident as last written."""
        case = self._cases.get(id)
        return case.record if case is not None else self._frozen.get(id)

    def replace(self, incident: Incident) -> None:
        """Take over what an action made of an incident: closing one freezes it, reopening lets it take alerts in."""
        case = self._cases.get(incident.id)
        if case is None:
            if incident.id in self._frozen:
                self._frozen[incident.id] = incident
            return
        case.record = incident
        if incident.status == "closed":
            self._forget(case)
            self._frozen[incident.id] = incident
            for alert in case.alerts:
                self._home[alert] = incident.id

    def reopen(self, incident: Incident, alerts: Sequence[Alert]) -> None:
        """Let a closed incident with these alerts take alerts in again."""
        self._frozen.pop(incident.id, None)
        self.restore(incident, alerts)

    def restore(self, incident: Incident, alerts: Sequence[Alert]) -> None:
        """Load an incident as stored, with its alerts."""
        if incident.status == "closed":
            self._frozen[incident.id] = incident
            self._home.update({alert.id: incident.id for alert in alerts})
            return
        reasons = {id: member.why for member in incident.members for id in (member.alert, *member.repeats)}
        opener = next((alert for alert in alerts if incident_id(alert) == incident.id), None)
        if opener is None:
            return
        case = Case(incident.kind, opener, record=incident)
        for alert in sorted(alerts, key=lambda alert: (alert.at, alert.correlation, alert.id)):
            case.add(alert, reasons.get(alert.id, ""))
        self._enter(case)

    def restore_loose(self, alert: Alert) -> None:
        """Load an alert that is in no incident."""
        self._keep_loose(alert)

    @property
    def loose(self) -> dict[str, Alert]:
        """Alerts that are in no incident yet, by id."""
        return self._loose

    def expire(self, now: int) -> list[str]:
        """Forget what takes nothing in any more at an event time; returns the ids of the loose alerts forgotten."""
        for case in list(self._cases.values()):
            if now - case.newest >= (WATCH if case.kind == "watch" else ACTIVE):
                self._forget(case)
        gone = [alert.id for alert in self._loose.values() if now - alert.at >= ACTIVE]
        for id in gone:
            self._drop_loose(id)
        for incident in [frozen for frozen in self._frozen.values() if now - frozen.updated >= ACTIVE]:
            del self._frozen[incident.id]
        return gone

    # --- which cases a change can touch

    def _closure(self, fresh: Sequence[Alert]) -> tuple[dict[str, Alert], list[Case]]:
        """All alerts that the changes lead to, over shared names and places, and the cases they are in."""
        pool: dict[str, Alert] = {}
        touched: dict[str, Case] = {}
        todo = list(fresh)
        while todo:
            alert = todo.pop()
            for id in self._neighbours(alert):
                case = self._cases.get(self._home.get(id, ""))
                found = [item for item, _ in case.alerts.values()] if case is not None else [self._loose[id]]
                if case is not None:
                    touched[case.id] = case
                for item in found:
                    if item.id not in pool:
                        pool[item.id] = item
                        todo.append(item)
        return pool, list(touched.values())

    def _neighbours(self, alert: Alert) -> Iterator[str]:
        if self._home.get(alert.id) in self._cases or alert.id in self._loose:
            yield alert.id
        for name, _ in names_of(alert):
            yield from self._names.get(name, ())
        for case in self._watches.values():
            yield from (item.id for item, _ in case.alerts.values() if meets(item, alert))
        if is_watch(alert):
            for case in self._cases.values():
                yield from (item.id for item, _ in case.alerts.values() if meets(alert, item))

    # --- keeping what leads to cases

    def _enter(self, case: Case) -> None:
        self._cases[case.id] = case
        if case.kind == "watch":
            self._watches[case.id] = case
        for alert, _ in case.alerts.values():
            self._home[alert.id] = case.id
            self._name(alert)

    def _forget(self, case: Case) -> None:
        self._cases.pop(case.id, None)
        self._watches.pop(case.id, None)
        for alert, _ in case.alerts.values():
            self._home.pop(alert.id, None)
            self._unname(alert)

    def _keep_loose(self, alert: Alert) -> None:
        self._loose[alert.id] = alert
        self._name(alert)

    def _drop_loose(self, id: str) -> None:
        alert = self._loose.pop(id, None)
        if alert is not None:
            self._unname(alert)

    def _name(self, alert: Alert) -> None:
        for index, name in self._indexed(alert):
            index.setdefault(name, set()).add(alert.id)

    def _unname(self, alert: Alert) -> None:
        for index, name in self._indexed(alert):
            found = index.get(name)
            if found is not None:
                found.discard(alert.id)
                if not found:
                    del index[name]

    def _indexed(self, alert: Alert) -> Iterator[tuple[dict[str, set[str]], str]]:
        for name, _ in names_of(alert):
            yield self._names, name
        for entity in alert.entities:
            if entity.weak:
                yield self._weak, entity.key

    def _revise_frozen(self, alert: Alert) -> bool:
        """Whether an alert belongs to a closed incident, which a revision leaves as people closed it."""
        return self._home.get(alert.id) in self._frozen

    # --- what changed

    def _settle(self, before: Sequence[Case], after: Sequence[Case], cause: str) -> list[Incident]:
        """Enter the new cases, let what people did follow, and say which incidents changed."""
        changed: list[Incident] = []
        heirs = _heirs(after)
        old = {case.id: case for case in before}
        inherited: dict[str, list[Case]] = {}
        for case in before:
            heir = next((heirs[id] for id in (case.opener.id, *case.alerts) if id in heirs), None)
            if heir is not None and heir.id != case.id:
                inherited.setdefault(heir.id, []).append(case)
            if (heir is None or heir.id != case.id) and case.record is not None:
                changed.append(_replaced(case.record, heir))
        for case in after:
            self._enter(case)
        for case in after:
            previous = old.get(case.id)
            record = self._write(case, previous.record if previous else None, inherited.get(case.id, ()), cause)
            if record is not None:
                changed.append(record)
        return changed + self._relink(after, {incident.id for incident in changed})

    def _write(self, case: Case, previous: Incident | None, taken: Iterable[Case], cause: str) -> Incident | None:
        """The case as an incident, if that says anything new."""
        others = [other.record for other in taken if other.record is not None]
        known = [record for record in (previous, *others) if record is not None]
        history = merged([record.history for record in known])
        gone = sorted({id for record in known for id in record.supersedes} | {record.id for record in others})
        incident = self._incident(case, history, tuple(gone))
        if previous is not None:
            same = msgspec.structs.replace(incident, revision=previous.revision, cause=previous.cause)
            case.record = previous
            if same == previous:
                return None
        revision = max((record.revision for record in known), default=0) + 1
        case.record = msgspec.structs.replace(incident, revision=revision, cause=cause if known else "new alert")
        return case.record

    def _incident(self, case: Case, history: tuple[ActionRecord, ...], supersedes: tuple[str, ...]) -> Incident:
        alerts = [alert for alert, _ in case.alerts.values()]
        now = standing(history)
        return Incident(
            id=case.id,
            title=_title(alerts),
            kind=case.kind,
            severity=severity_of(alerts),
            status=now.status,
            opened=case.opener.first,
            updated=case.newest,
            revision=1,
            members=rows(case),
            events=_events(alerts),
            domains=tuple(sorted({domain for alert in alerts for domain in alert.domains})),
            zones=tuple(sorted({zone for alert in alerts for zone in alert.zones})),
            entities=tuple(case.entities()),
            linked=self._links(case),
            contested=self._contested(alerts),
            risk=risk_of(alerts) if case.kind == "incident" else Risk(),
            owner=now.owner,
            disposition=now.disposition,
            history=history,
            supersedes=supersedes,
            exercise=any(alert.exercise for alert in alerts),
        )

    def _contested(self, alerts: Sequence[Alert]) -> tuple[str, ...]:
        held = {
            entity.value for alert in alerts for entity in alert.entities if entity.kind == "device" and not entity.weak
        }
        return tuple(sorted(self._city.dependents(held)))

    def _links(self, case: Case) -> tuple[str, ...]:
        """Incidents that share an entity which is weak on one side: linked, but separate."""
        found: set[str] = set()
        for entity in case.entities():
            for other in self._having(entity.key, weak_only=not entity.weak):
                if other is not case and abs(other.newest - case.newest) < WATCH:
                    found.add(other.id)
        return tuple(sorted(found))

    def _having(self, key: str, *, weak_only: bool) -> Iterator[Case]:
        found = self._weak.get(key, set()) | (set() if weak_only else self._names.get(key, set()))
        for id in found:
            case = self._cases.get(self._home.get(id, ""))
            if case is not None:
                yield case

    def _relink(self, after: Sequence[Case], written: set[str]) -> list[Incident]:
        """The other ends of links: incidents that a new or changed one now links to, or no longer."""
        changed: list[Incident] = []
        mine = {case.id for case in after}
        for case in self._cases.values():
            if case.record is None or case.id in mine or case.id in written:
                continue
            if set(case.record.linked) & mine or any(
                case.id in (other.record.linked if other.record else ()) for other in after
            ):
                linked = self._links(case)
                if linked != case.record.linked:
                    revision = case.record.revision + 1
                    case.record = msgspec.structs.replace(case.record, linked=linked, revision=revision, cause="linked")
                    changed.append(case.record)
        return changed


def _replaced(record: Incident, heir: Case | None) -> Incident:
    """An incident that is no more: another took its place, or its last alert no longer holds."""
    if heir is not None:
        return msgspec.structs.replace(record, superseded_by=heir.id, revision=record.revision + 1, cause="superseded")
    return msgspec.structs.replace(
        record,
        withdrawn=True,
        status="closed",
        members=(),
        revision=record.revision + 1,
        cause="its alerts no longer hold",
    )


def _heirs(cases: Sequence[Case]) -> dict[str, Case]:
    """Which case an alert is in now, by its id and by the ids that it supersedes."""
    heirs = {old: case for case in cases for alert, _ in case.alerts.values() for old in alert.supersedes}
    return heirs | {id: case for case in cases for id in case.alerts}


def _title(alerts: Sequence[Alert]) -> str:
    worst = max(rank(alert.level) for alert in alerts)
    candidates = [alert for alert in alerts if rank(alert.level) == worst]
    best = next((alert for alert in candidates if alert.correlation), candidates[0])
    return best.title


def _events(alerts: Sequence[Alert]) -> tuple[str, ...]:
    times = {event: time for alert in alerts for event, time in zip(alert.events, alert.times, strict=True)}
    return tuple(sorted(times, key=lambda event: (times[event], event)))

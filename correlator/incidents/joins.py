"""Joining: keeps cases as alerts come, change and go, and says which incidents changed.

A change takes the cases that it can touch (those that share a name with it, and so on) apart and folds their alerts
anew; the rest is not looked at. So the outcome is that of one fold over everything, in any order of arrival.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from correlator.city import CityModel
from correlator.incidents.case import Case, incident_id, is_watch, meets, rows
from correlator.incidents.fold import ACTIVE, WATCH, fold, names_of
from correlator.incidents.history import merged, standing
from correlator.incidents.risk import risk_of, severity_of
from impetus.domain.alert import Alert
from impetus.domain.incident import ActionRecord, Incident, Risk
from impetus.domain.rule import rank


class Closed(msgspec.Struct):
    """A closed incident: it takes nothing in, and revisions of its alerts leave it as people closed it."""

    record: Incident
    alerts: list[str]
    newest: int
    """Event time (µs) of the newest of its alerts, revisions after the closing included."""


class Past(msgspec.Struct, frozen=True):
    """What a case was before a change: as it was itself, and the incidents that it takes over."""

    own: Incident | None
    records: list[Incident]
    floor: int
    """The newest revision of all incidents that the change took apart."""

    @property
    def revision(self) -> int:
        """No revision of the same id came after this one."""
        newest = max((record.revision for record in self.records), default=0)
        return newest if self.own is not None else max(newest, self.floor)

    def superseded(self) -> set[str]:
        """The ids that the case takes the place of, its own maybe among them."""
        return {old for record in self.records for old in (record.id, *record.supersedes)}


class Joins:
    """The active cases and loose alerts, with what leads to them. ``find`` gives an incident as last written, by id."""

    def __init__(self, city: CityModel, find: Callable[[str], Incident | None] = lambda _: None) -> None:
        self._city, self._find = city, find
        self._cases: dict[str, Case] = {}
        self._home: dict[str, str] = {}
        """Alert id → incident id, for alerts in a case."""
        self._loose: dict[str, Alert] = {}
        self._names: dict[str, set[str]] = {}
        """Name (entity or event) → ids of the alerts that have it."""
        self._weak: dict[str, set[str]] = {}
        """The same for weak entities, which link and never join."""
        self._watches: dict[str, Case] = {}
        self._closed: dict[str, Closed] = {}

    def apply(self, changes: Iterable[Alert], cause: str) -> list[Incident]:
        """Take alerts in (new, revised, gone); returns the incidents that changed."""
        fresh = [alert for alert in changes if not self._revises_closed(alert)]
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
        case, closed = self._cases.get(id), self._closed.get(id)
        return case.record if case is not None else closed.record if closed is not None else None

    def replace(self, incident: Incident) -> None:
        """Take over what an action made of an incident: closing one freezes it, reopening lets it take alerts in."""
        case = self._cases.get(incident.id)
        if case is None:
            if incident.id in self._closed:
                self._closed[incident.id].record = incident
            return
        case.record = incident
        if incident.status == "closed":
            self._forget(case)
            self._keep_closed(incident, [alert for alert, _ in case.alerts.values()])

    def reopen(self, incident: Incident, alerts: Sequence[Alert]) -> None:
        """Let a closed incident with these alerts take alerts in again."""
        self._forget_closed(incident.id)
        self.restore(incident, alerts)

    def restore(self, incident: Incident, alerts: Sequence[Alert]) -> None:
        """Load an incident as stored, with its alerts."""
        if incident.status == "closed":
            self._keep_closed(incident, alerts)
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
        for id in [id for id, closed in self._closed.items() if now - closed.newest >= ACTIVE]:
            self._forget_closed(id)
        return gone

    # --- which cases a change can touch

    def _closure(self, fresh: Sequence[Alert]) -> tuple[dict[str, Alert], list[Case]]:
        """All alerts that the changes lead to, over shared names and places, and the cases they are in.

        Each name and each case is followed once, so this takes the time of what it finds.
        """
        pool: dict[str, Alert] = {}
        touched: dict[str, Case] = {}
        followed: set[str] = set()
        todo = list(fresh)
        while todo:
            for id in self._neighbours(todo.pop(), followed):
                case = self._cases.get(self._home.get(id, ""))
                if id in pool or (case is not None and case.id in touched):
                    continue
                if case is not None:
                    touched[case.id] = case
                found = [item for item, _ in case.alerts.values()] if case is not None else [self._loose[id]]
                pool.update((item.id, item) for item in found)
                todo += found
        return pool, list(touched.values())

    def _neighbours(self, alert: Alert, followed: set[str]) -> Iterator[str]:
        """Alerts that share a name which was not followed yet, or a place and time; and the alert as it was."""
        if self._home.get(alert.id) in self._cases or alert.id in self._loose:
            yield alert.id
        for name, _ in names_of(alert):
            if name not in followed:
                followed.add(name)
                yield from self._names.get(name, ())
        for case in self._watches.values():
            if any(meets(item, alert) for item, _ in case.alerts.values()):
                yield case.opener.id
        if is_watch(alert):
            for case in self._cases.values():
                if any(meets(alert, item) for item, _ in case.alerts.values()):
                    yield case.opener.id

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

    def _keep_closed(self, incident: Incident, alerts: Sequence[Alert]) -> None:
        newest = max((alert.at for alert in alerts), default=incident.updated)
        self._closed[incident.id] = Closed(incident, [alert.id for alert in alerts], max(newest, incident.updated))
        self._home.update({alert.id: incident.id for alert in alerts})

    def _forget_closed(self, id: str) -> None:
        closed = self._closed.pop(id, None)
        for alert in closed.alerts if closed is not None else ():
            self._home.pop(alert, None)

    def _revises_closed(self, alert: Alert) -> bool:
        """Whether an alert belongs to a closed incident, which a revision leaves as people closed it."""
        closed = self._closed.get(self._home.get(alert.id, ""))
        if closed is not None:
            closed.newest = max(closed.newest, alert.at)
        return closed is not None

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
        gone = {case.id for case in before} - self._cases.keys()
        linked = {id for case in before if case.record is not None for id in case.record.linked}
        floor = max((case.record.revision for case in before if case.record is not None), default=0)
        for case in after:
            others = [other.record for other in inherited.get(case.id, ()) if other.record is not None]
            own = old[case.id].record if case.id in old else None
            past = Past(
                own, [record for record in (own or self._former(case.id), *others) if record is not None], floor
            )
            record = self._write(case, past, self._lasting_links(past.records, gone), cause)
            linked.update(case.record.linked if case.record is not None else ())
            if record is not None:
                changed.append(record)
        return changed + self._relink(linked, gone, after)

    def _write(self, case: Case, past: Past, linked: set[str], cause: str) -> Incident | None:
        """The case as an incident, if that says anything new."""
        history = merged([record.history for record in past.records])
        superseded = tuple(sorted(past.superseded() - self._cases.keys()))
        incident = self._incident(case, history, superseded, linked)
        own = past.own
        if own is not None:
            case.record = own
            if msgspec.structs.replace(incident, revision=own.revision, cause=own.cause) == own:
                return None
        cause = cause if past.records else "new alert"
        case.record = msgspec.structs.replace(incident, revision=past.revision + 1, cause=cause)
        return case.record

    def _former(self, id: str) -> Incident | None:
        """An incident that came back: it was withdrawn or forgotten, and goes on with what people did to it."""
        found = self._find(id)
        return found if found is not None and found.id == id and (found.withdrawn or found.status != "closed") else None

    def _incident(
        self, case: Case, history: tuple[ActionRecord, ...], supersedes: tuple[str, ...], linked: set[str]
    ) -> Incident:
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
            linked=tuple(sorted(self._links(case) | linked)),
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

    def _links(self, case: Case) -> set[str]:
        """Incidents that share an entity which is weak on one side, in the same 24 h: linked, but separate."""
        times: dict[tuple[str, bool], list[int]] = {}
        for alert, _ in case.alerts.values():
            for entity in alert.entities:
                times.setdefault((entity.key, entity.weak), []).append(alert.at)
        return {
            other.id
            for (key, weak), own in times.items()
            for other, at in self._having(key, weak_only=not weak)
            if other is not case and _is_near(at, sorted(own))
        }

    def _having(self, key: str, *, weak_only: bool) -> Iterator[tuple[Case, int]]:
        """The active cases that have an entity, each with when it was met."""
        found = self._weak.get(key, set()) | (set() if weak_only else self._names.get(key, set()))
        for id in found:
            case = self._cases.get(self._home.get(id, ""))
            if case is not None:
                yield case, case.alerts[id][0].at

    def _lasting_links(self, known: Iterable[Incident], gone: set[str]) -> set[str]:
        """Links to incidents that are closed or no longer active: they stay."""
        return {id for record in known for id in record.linked if id not in self._cases and id not in gone}

    def _relink(self, linked: Iterable[str], gone: set[str], after: Sequence[Case]) -> list[Incident]:
        """The other ends of links: incidents that what changed links to now, or did before."""
        changed: list[Incident] = []
        links = {case.id: set(case.record.linked) for case in after if case.record is not None}
        for id in sorted(set(linked) - links.keys()):
            case = self._cases.get(id)
            if case is None or case.record is None:
                continue
            kept = set(case.record.linked) - gone - links.keys()
            found = tuple(sorted(kept | {own for own, others in links.items() if id in others}))
            if found != case.record.linked:
                revision = case.record.revision + 1
                case.record = msgspec.structs.replace(case.record, linked=found, revision=revision, cause="linked")
                changed.append(case.record)
        return changed


def _is_near(at: int, times: Sequence[int]) -> bool:
    """Whether one of some times in order is within the time for which an incident is active."""
    index = bisect_left(times, at)
    return any(abs(at - time) < ACTIVE for time in times[max(0, index - 1) : index + 1])


def _replaced(record: Incident, heir: Case | None) -> Incident:
    """An incident that is no more: another took its place, or its last alert no longer holds."""
    if heir is not None:
        return msgspec.structs.replace(record, superseded_by=heir.id, revision=record.revision + 1, cause="superseded")
    return msgspec.structs.replace(
        record,
        withdrawn=True,
        status="closed",
        members=(),
        linked=(),
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

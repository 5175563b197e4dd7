"""Joining: keeps cases as alerts come, change and go, and says which incidents changed.

A change takes the cases that it can touch (those that share a name with it, and so on) apart and folds their alerts
anew; the rest is not looked at. So the outcome is that of one fold over everything, in any order of arrival.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

import msgspec

from correlator.city import CityModel
from correlator.incidents.case import Case, incident_id
from correlator.incidents.fold import ACTIVE, fold
from correlator.incidents.history import merged
from correlator.incidents.record import describe, replaced
from correlator.incidents.roll import Roll
from impetus.domain.alert import Alert
from impetus.domain.incident import Incident


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
        self._roll = Roll()

    def apply(self, changes: Iterable[Alert], cause: str) -> list[Incident]:
        """Take alerts in (new, revised, gone); returns the incidents that changed."""
        fresh = [alert for alert in changes if not self._roll.revises_closed(alert)]
        if not fresh:
            return []
        pool, touched = self._roll.closure(fresh)
        for case in touched:
            self._roll.forget(case)
        for alert in fresh:
            pool.pop(alert.id, None)
            self._roll.drop_loose(alert.id)
            if not alert.gone:
                pool[alert.id] = alert
        for id in list(pool):
            self._roll.drop_loose(id)
        cases, loose = fold(pool.values())
        for alert in loose:
            self._roll.keep_loose(alert)
        return self._settle(touched, cases, cause)

    def incident(self, id: str) -> Incident | None:
        """An active incident as last written."""
        case, closed = self._roll.cases.get(id), self._roll.closed.get(id)
        return case.record if case is not None else closed.record if closed is not None else None

    def replace(self, incident: Incident) -> None:
        """Take over what an action made of an incident: closing one freezes it, reopening lets it take alerts in."""
        case = self._roll.cases.get(incident.id)
        if case is None:
            if incident.id in self._roll.closed:
                self._roll.closed[incident.id].record = incident
            return
        case.record = incident
        if incident.status == "closed":
            self._roll.forget(case)
            self._roll.keep_closed(incident, [alert for alert, _ in case.alerts.values()])

    def reopen(self, incident: Incident, alerts: Sequence[Alert]) -> None:
        """Let a closed incident with these alerts take alerts in again."""
        self._roll.forget_closed(incident.id)
        self.restore(incident, alerts)

    def restore(self, incident: Incident, alerts: Sequence[Alert]) -> None:
        """Load an incident as stored, with its alerts."""
        if incident.status == "closed":
            self._roll.keep_closed(incident, alerts)
            return
        reasons = {id: member.why for member in incident.members for id in (member.alert, *member.repeats)}
        opener = next((alert for alert in alerts if incident_id(alert) == incident.id), None)
        if opener is None:
            return
        case = Case(incident.kind, opener, record=incident)
        for alert in sorted(alerts, key=lambda alert: (alert.at, alert.correlation, alert.id)):
            case.add(alert, reasons.get(alert.id, ""))
        self._roll.enter(case)

    def restore_loose(self, alert: Alert) -> None:
        """Load an alert that is in no incident."""
        self._roll.keep_loose(alert)

    @property
    def loose(self) -> dict[str, Alert]:
        """Alerts that are in no incident yet, by id."""
        return self._roll.loose

    def expire(self, now: int) -> list[str]:
        """Forget what takes nothing in any more at an event time; returns the ids of the loose alerts forgotten."""
        return self._roll.expire(now)

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
                changed.append(replaced(case.record, heir))
        for case in after:
            self._roll.enter(case)
        gone = {case.id for case in before} - self._roll.cases.keys()
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
        superseded = tuple(sorted(past.superseded() - self._roll.cases.keys()))
        incident = describe(case, self._city, history, superseded, self._links(case) | linked)
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

    def _links(self, case: Case) -> set[str]:
        """Incidents that share an entity which is weak on one side, in the same 24 h: linked, but separate."""
        times: dict[tuple[str, bool], list[int]] = {}
        for alert, _ in case.alerts.values():
            for entity in alert.entities:
                times.setdefault((entity.key, entity.weak), []).append(alert.at)
        return {
            other.id
            for (key, weak), own in times.items()
            for other, at in self._roll.having(key, weak_only=not weak)
            if other is not case and _is_near(at, sorted(own))
        }

    def _lasting_links(self, known: Iterable[Incident], gone: set[str]) -> set[str]:
        """Links to incidents that are closed or no longer active: they stay."""
        return {id for record in known for id in record.linked if id not in self._roll.cases and id not in gone}

    def _relink(self, linked: Iterable[str], gone: set[str], after: Sequence[Case]) -> list[Incident]:
        """The other ends of links: incidents that what changed links to now, or did before."""
        changed: list[Incident] = []
        links = {case.id: set(case.record.linked) for case in after if case.record is not None}
        for id in sorted(set(linked) - links.keys()):
            case = self._roll.cases.get(id)
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


def _heirs(cases: Sequence[Case]) -> dict[str, Case]:
    """Which case an alert is in now, by its id and by the ids that it supersedes."""
    heirs = {old: case for case in cases for alert, _ in case.alerts.values() for old in alert.supersedes}
    return heirs | {id: case for case in cases for id in case.alerts}

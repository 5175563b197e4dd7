"""The roll: which cases, closed incidents and loose alerts there are, and what leads to them."""

from collections.abc import Iterator, Sequence

import msgspec

from correlator.incidents.case import Case, is_watch, meets
from correlator.incidents.fold import ACTIVE, WATCH, names_of
from impetus.domain.alert import Alert
from impetus.domain.incident import Incident


class Closed(msgspec.Struct):
    """A closed incident: it takes nothing in, and revisions of its alerts leave it as people closed it."""

    record: Incident
    alerts: list[str]
    newest: int
    """Event time (µs) of the newest of its alerts, revisions after the closing included."""


class Roll:
    """What may still take alerts in, or be revised."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        """The active cases, by incident id."""
        self.home: dict[str, str] = {}
        """Alert id → incident id, for alerts in a case."""
        self.loose: dict[str, Alert] = {}
        """Alerts that are in no incident yet, by id."""
        self.closed: dict[str, Closed] = {}
        self._watches: dict[str, Case] = {}
        self._names: dict[str, set[str]] = {}
        """Name (entity or event) → ids of the alerts that have it."""
        self._weak: dict[str, set[str]] = {}
        """The same for weak entities, which link and never join."""

    def closure(self, fresh: Sequence[Alert]) -> tuple[dict[str, Alert], list[Case]]:
        """All alerts that the changes lead to, over shared names and places, and the cases they are in.

        Each name and each case is followed once, so this takes the time of what it finds.
        """
        pool: dict[str, Alert] = {}
        touched: dict[str, Case] = {}
        followed: set[str] = set()
        todo = list(fresh)
        while todo:
            for id in self._neighbours(todo.pop(), followed):
                case = self.cases.get(self.home.get(id, ""))
                if id in pool or (case is not None and case.id in touched):
                    continue
                if case is not None:
                    touched[case.id] = case
                found = [item for item, _ in case.alerts.values()] if case is not None else [self.loose[id]]
                pool.update((item.id, item) for item in found)
                todo += found
        return pool, list(touched.values())

    def _neighbours(self, alert: Alert, followed: set[str]) -> Iterator[str]:
        """Alerts that share a name which was not followed yet, or a place and time; and the alert as it was."""
        if self.home.get(alert.id) in self.cases or alert.id in self.loose:
            yield alert.id
        for name, _ in names_of(alert):
            if name not in followed:
                followed.add(name)
                yield from self._names.get(name, ())
        for case in self._watches.values():
            if any(meets(item, alert) for item, _ in case.alerts.values()):
                yield case.opener.id
        if is_watch(alert):
            for case in self.cases.values():
                if any(meets(alert, item) for item, _ in case.alerts.values()):
                    yield case.opener.id

    def having(self, key: str, *, weak_only: bool) -> Iterator[tuple[Case, int]]:
        """The active cases that have an entity, each with when it was met."""
        found = self._weak.get(key, set()) | (set() if weak_only else self._names.get(key, set()))
        for id in found:
            case = self.cases.get(self.home.get(id, ""))
            if case is not None:
                yield case, case.alerts[id][0].at

    def enter(self, case: Case) -> None:
        """Take a case in."""
        self.cases[case.id] = case
        if case.kind == "watch":
            self._watches[case.id] = case
        for alert, _ in case.alerts.values():
            self.home[alert.id] = case.id
            self._name(alert)

    def forget(self, case: Case) -> None:
        """Leave a case out."""
        self.cases.pop(case.id, None)
        self._watches.pop(case.id, None)
        for alert, _ in case.alerts.values():
            self.home.pop(alert.id, None)
            self._unname(alert)

    def keep_loose(self, alert: Alert) -> None:
        """Keep an alert that is in no incident."""
        self.loose[alert.id] = alert
        self._name(alert)

    def drop_loose(self, id: str) -> None:
        """Forget a loose alert; one that is not there is fine."""
        alert = self.loose.pop(id, None)
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

    def keep_closed(self, incident: Incident, alerts: Sequence[Alert]) -> None:
        """Keep a closed incident with its alerts."""
        newest = max((alert.at for alert in alerts), default=incident.updated)
        self.closed[incident.id] = Closed(incident, [alert.id for alert in alerts], max(newest, incident.updated))
        self.home.update({alert.id: incident.id for alert in alerts})

    def forget_closed(self, id: str) -> None:
        """Forget a closed incident; one that is not there is fine."""
        closed = self.closed.pop(id, None)
        for alert in closed.alerts if closed is not None else ():
            self.home.pop(alert, None)

    def revises_closed(self, alert: Alert) -> bool:
        """Whether an alert belongs to a closed incident, which a revision leaves as people closed it."""
        closed = self.closed.get(self.home.get(alert.id, ""))
        if closed is not None:
            closed.newest = max(closed.newest, alert.at)
        return closed is not None

    def expire(self, now: int) -> list[str]:
        """Forget what takes nothing in any more at an event time; returns the ids of the loose alerts forgotten."""
        for case in list(self.cases.values()):
            if now - case.newest >= (WATCH if case.kind == "watch" else ACTIVE):
                self.forget(case)
        gone = [alert.id for alert in self.loose.values() if now - alert.at >= ACTIVE]
        for id in gone:
            self.drop_loose(id)
        for id in [id for id, closed in self.closed.items() if now - closed.newest >= ACTIVE]:
            self.forget_closed(id)
        return gone

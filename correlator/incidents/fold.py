"""The fold: alerts in event time become cases. A pure function, so any order of arrival ends in the same cases.

See "Incidents" of ``docs/correlation.md``. An alert of medium or higher opens a case, or joins, and merges, all cases
that it shares an identifying entity or a member event with; a low one joins one case and never merges; an informational
one joins through a correlation only; open-source items open watches, which join what meets them.
"""

from collections.abc import Iterable, Iterator, Sequence

from correlator.incidents.case import MEDIUM, Case, is_watch, meets, opens
from impetus.domain.alert import Alert
from impetus.domain.incident import Kind
from impetus.domain.instant import SECOND
from impetus.domain.rule import rank

DAY = 86_400 * SECOND
ACTIVE = DAY
"""An incident takes alerts in while its newest member is younger than this (µs)."""
OPENED = "opened it"
"""Why the first member of a case is in it."""
WATCH = 7 * DAY
"""A watch expires after this (µs)."""


def fold(alerts: Iterable[Alert]) -> tuple[list[Case], list[Alert]]:
    """The cases of some alerts, and the alerts that are in none."""
    folding = _Folding()
    for alert in sorted(alerts, key=lambda alert: (alert.fired, alert.correlation, alert.id)):
        folding.take(alert)
    return folding.cases, list(folding.loose.values())


def names_of(alert: Alert) -> Iterator[tuple[str, str]]:
    """By what an alert joins: its member events and its strong entities, each with how that reads."""
    for event in alert.events:
        yield f"event:{event}", "shares an event"
    for entity in alert.entities:
        if not entity.weak:
            yield entity.key, f"{entity.kind} {entity.value}"


class _Folding:
    """The state of one fold: cases so far, and which cases of each kind a name (entity or event) leads to.

    A name leads to the first case that had it, and once that takes nothing in any more, to the next.
    """

    def __init__(self) -> None:
        self._cases: list[Case] = []
        self._watches: list[Case] = []
        self._owners: dict[tuple[Kind, str], list[Case]] = {}
        self._by_event: dict[str, list[str]] = {}
        self.loose: dict[str, Alert] = {}

    @property
    def cases(self) -> list[Case]:
        return [case for case in self._cases if case.taken_over_by is None]

    def take(self, alert: Alert) -> None:
        """Let one alert open, join or merge cases, or stay alone."""
        if opens(alert):
            self._take_opening(alert)
        elif is_watch(alert):
            self._take_watch(alert)
        else:
            self._take_minor(alert)

    def _take_opening(self, alert: Alert) -> None:
        found = self._candidates(alert, "incident")
        watches = self._watches_for(alert)
        case = self._merge_all(found, alert) if found else self._open("incident", alert)
        if alert.correlation:
            self._collect_minor(case, alert)
        for watch, why in watches:
            self._merge(watch, case, why)

    def _take_watch(self, alert: Alert) -> None:
        found = self._candidates(alert, "incident") or self._met_by(alert)
        watches = self._candidates(alert, "watch")
        if found:
            case, why = _earliest(found)
            self._join(case, alert, why)
            for watch, why in watches:
                self._merge(watch, case, why)
        elif watches:
            self._merge_all(watches, alert)
        else:
            self._open("watch", alert)

    def _take_minor(self, alert: Alert) -> None:
        found = self._candidates(alert, "incident") if rank(alert.level) == MEDIUM - 1 else []
        if found:
            case, why = max(found, key=lambda item: (item[0].newest, item[0].opener.id))
            self._join(case, alert, why)
            if alert.correlation:
                self._collect_minor(case, alert)
            return
        self.loose[alert.id] = alert
        for event in alert.events:
            self._by_event.setdefault(event, []).append(alert.id)

    def _open(self, kind: Kind, alert: Alert) -> Case:
        case = Case(kind, alert)
        self._cases.append(case)
        if kind == "watch":
            self._watches.append(case)
        self._join(case, alert, OPENED)
        return case

    def _merge_all(self, found: Sequence[tuple[Case, str]], alert: Alert) -> Case:
        """Make one case of several, that of the earliest opener, and let the alert that they have in common join."""
        case, why = _earliest(found)
        for other, _ in found:
            if other is not case:
                self._merge(other, case, f"joined through: {alert.title}")
        self._join(case, alert, why)
        return case

    def _join(self, case: Case, alert: Alert, why: str) -> None:
        case.add(alert, why)
        for name, _ in names_of(alert):
            owners = self._owners.setdefault((case.kind, name), [])
            if case not in owners:
                owners.append(case)

    def _merge(self, case: Case, into: Case, why: str) -> None:
        """Let a case go into another; its members keep why they joined, and what opened it joined for this reason."""
        case.taken_over_by = into
        for alert, own in case.alerts.values():
            self._join(into, alert, why if own == OPENED else own)

    def _collect_minor(self, case: Case, correlation: Alert) -> None:
        for event in correlation.events:
            for id in self._by_event.pop(event, ()):
                alert = self.loose.get(id)
                if alert is not None and correlation.at - alert.at < ACTIVE:
                    del self.loose[id]
                    self._join(case, alert, f"member of {correlation.title}")

    def _candidates(self, alert: Alert, kind: Kind) -> list[tuple[Case, str]]:
        """The cases of a kind that the alert shares a name with and that still take alerts in, each with why."""
        found: dict[int, tuple[Case, str]] = {}
        for name, why in names_of(alert):
            case = self._owner(kind, name, alert)
            if case is not None:
                found.setdefault(id(case), (case, why))
        return list(found.values())

    def _owner(self, kind: Kind, name: str, alert: Alert) -> Case | None:
        """The first case that a name leads to and that takes an alert in; alerts come in order, so the rest is past."""
        heirs = [_heir(case) for case in self._owners.get((kind, name), ())]
        active = list(dict.fromkeys(case for case in heirs if case.kind == kind and _takes_in(case, alert)))
        self._owners[kind, name] = active
        return active[0] if active else None

    def _met_by(self, watch: Alert) -> list[tuple[Case, str]]:
        if watch.target_time is None or watch.place is None:
            return []
        why = "an open-source item names this place and time"
        open_ = [case for case in self.cases if case.kind == "incident" and _takes_in(case, watch)]
        return [(case, why) for case in open_ if any(meets(watch, alert) for alert, _ in case.alerts.values())]

    def _watches_for(self, alert: Alert) -> list[tuple[Case, str]]:
        found = self._candidates(alert, "watch")
        known = {id(case) for case, _ in found}
        for case in self._watches:
            waiting = case.taken_over_by is None and id(case) not in known and _takes_in(case, alert)
            if waiting and any(meets(item, alert) for item, _ in case.alerts.values()):
                found.append((case, "an open-source item names this place and time"))
        return found


def _heir(case: Case) -> Case:
    while case.taken_over_by is not None:
        case = case.taken_over_by
    return case


def _earliest(found: Sequence[tuple[Case, str]]) -> tuple[Case, str]:
    return min(found, key=lambda item: (item[0].opener.at, item[0].opener.id))


def _takes_in(case: Case, alert: Alert) -> bool:
    return alert.at - case.newest < (WATCH if case.kind == "watch" else ACTIVE)

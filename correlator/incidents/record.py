"""A case as an incident: what is written of it."""

from collections.abc import Sequence

import msgspec

from correlator.city import CityModel
from correlator.incidents.case import Case, rows
from correlator.incidents.history import standing
from correlator.incidents.risk import risk_of, severity_of
from impetus.domain.alert import Alert
from impetus.domain.incident import ActionRecord, Incident, Risk
from impetus.domain.rule import rank


def describe(
    case: Case, city: CityModel, history: tuple[ActionRecord, ...], supersedes: tuple[str, ...], linked: set[str]
) -> Incident:
    """The incident that a case is, in its first revision."""
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
        linked=tuple(sorted(linked)),
        contested=_contested(alerts, city),
        risk=risk_of(alerts) if case.kind == "incident" else Risk(),
        owner=now.owner,
        disposition=now.disposition,
        history=history,
        supersedes=supersedes,
        exercise=any(alert.exercise for alert in alerts),
    )


def _contested(alerts: Sequence[Alert], city: CityModel) -> tuple[str, ...]:
    """The devices that depend on one which the incident holds."""
    held = {
        entity.value for alert in alerts for entity in alert.entities if entity.kind == "device" and not entity.weak
    }
    return tuple(sorted(city.dependents(held)))


def replaced(record: Incident, heir: Case | None) -> Incident:
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


def _title(alerts: Sequence[Alert]) -> str:
    worst = max(rank(alert.level) for alert in alerts)
    candidates = [alert for alert in alerts if rank(alert.level) == worst]
    best = next((alert for alert in candidates if alert.correlation), candidates[0])
    return best.title


def _events(alerts: Sequence[Alert]) -> tuple[str, ...]:
    times = {event: time for alert in alerts for event, time in zip(alert.events, alert.times, strict=True)}
    return tuple(sorted(times, key=lambda event: (times[event], event)))

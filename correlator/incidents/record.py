"""A case as an incident: what is written of it. It is bounded, however many alerts there are."""

import msgspec

from correlator.incidents.case import Case
from correlator.incidents.history import standing
from correlator.incidents.risk import Scale, risk_of
from correlator.incidents.summary import Summary
from correlator.incidents.trust import Trust
from impetus.domain.incident import ActionRecord, Incident, Risk

LINKS = 100
"""Linked incidents that an incident lists."""


def describe(case: Case, summary: Summary, history: tuple[ActionRecord, ...], trust: Trust, scale: Scale) -> Incident:
    """The incident that a case is, in its first revision."""
    now = standing(history)
    weighed = trust.weigh(summary)
    entities = summary.entities()
    return Incident(
        id=case.id,
        title=summary.title,
        kind=case.kind,
        severity=weighed[0],
        status=now.status,
        opened=case.opened,
        updated=case.newest,
        revision=1,
        members=summary.rows.listed(),
        events=summary.events(),
        alerts=summary.alerts,
        domains=tuple(sorted(summary.domains)),
        zones=tuple(sorted(summary.zones)),
        entities=entities,
        linked=tuple(sorted(({other.heir.id for other in case.links} | case.lasting) - {case.id})[:LINKS]),
        contested=tuple(sorted(trust.dependents(summary.devices) - now.cleared)),
        risk=risk_of(summary, entities, weighed, trust, scale) if case.kind == "incident" else Risk(),
        owner=now.owner,
        disposition=now.disposition,
        history=history,
        exercise=summary.exercise,
    )


def replaced(record: Incident, heir: str | None) -> Incident:
    """An incident that is no more: another took its place, or its last alert no longer holds."""
    if heir is not None:
        return msgspec.structs.replace(record, superseded_by=heir, revision=record.revision + 1, cause="superseded")
    return msgspec.structs.replace(
        record,
        withdrawn=True,
        status="closed",
        members=(),
        linked=(),
        revision=record.revision + 1,
        cause="its alerts no longer hold",
    )

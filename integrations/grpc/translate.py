"""The domain on the wire: incidents, alerts, events and status as messages of ``impetus.v1``.

Pure translation, field by field. What is given to it is masked already (``integrations.grpc.masking``).
"""

import msgspec

from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.words import number
from impetus.domain.action import VERBS
from impetus.domain.alert import Alert
from impetus.domain.cascade import Cascade
from impetus.domain.entity import Entity
from impetus.domain.event import Json
from impetus.domain.explanation import Clause, Explanation
from impetus.domain.incident import ActionRecord, Incident, Member
from impetus.domain.place import Place
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import StoredEvent
from impetus.domain.reload import Reloaded, Version
from impetus.domain.status import Notice, SourceStatus, Status

DEEPEST_CLAUSE = 32
"""Clauses below are left out: protobuf parsers refuse messages nested deeper than 100."""

_VERBS = {*VERBS, "undo"}


def incident_message(incident: Incident) -> pb.Incident:
    """An incident."""
    return pb.Incident(
        id=incident.id,
        title=incident.title,
        kind=number(pb.IncidentKind, incident.kind),
        severity=number(pb.Severity, incident.severity),
        status=number(pb.IncidentStatus, incident.status),
        opened_us=incident.opened,
        updated_us=incident.updated,
        revision=incident.revision,
        members=[_member(each) for each in incident.members],
        event_ids=incident.events,
        domains=incident.domains,
        zones=incident.zones,
        entities=_entities(incident.entities),
        linked=incident.linked,
        contested=incident.contested,
        risk_score=max(0, incident.risk.score),
        risk_terms=[pb.RiskTerm(name=t.name, points=t.points, evidence=t.evidence) for t in incident.risk.terms],
        owner=incident.owner or "",
        disposition=number(pb.Disposition, incident.disposition),
        history=[_record(record) for record in incident.history],
        supersedes=incident.supersedes,
        superseded_by=incident.superseded_by or "",
        exercise=incident.exercise,
        cause=incident.cause,
        withdrawn=incident.withdrawn,
        alert_count=incident.alerts,
    )


def alert_message(alert: Alert) -> pb.Alert:
    """An alert with its explanation."""
    place = alert.place or Place()
    explanation = alert.explanation or Explanation("")
    return pb.Alert(
        id=alert.id,
        rule_id=alert.rule,
        title=alert.title,
        level=number(pb.Severity, alert.level),
        at_us=alert.at,
        first_us=alert.first,
        event_ids=alert.events,
        entities=_entities(alert.entities),
        domains=alert.domains,
        zones=alert.zones,
        location=pb.Location(lat=place.location.lat, lon=place.location.lon) if place.location else None,
        radius_m=place.radius,
        certainty=alert.certainty or "",
        absent=alert.absent,
        tags=alert.tags,
        author=alert.author,
        revision=alert.revision,
        summary=explanation.summary,
        clauses=[_clause(clause, DEEPEST_CLAUSE) for clause in explanation.clauses],
        correlation=alert.correlation,
        group=[pb.FieldValue(field=field, value=value) for field, value in alert.group],
        exercise=alert.exercise,
    )


def event_message(stored: StoredEvent, event: dict[str, Json], original: str) -> pb.Event:
    """An event: its masked object as JSON, and its masked raw record."""
    return pb.Event(id=stored.id, time_us=stored.time, json=msgspec.json.encode(event).decode(), original=original)


def ledger_message(line: LedgerLine) -> pb.LedgerLine:
    """One line of the ledger."""
    return pb.LedgerLine(event=line.event, rule=line.rule, plan=line.plan, entry=line.entry, reason=line.reason)


def cascade_message(found: Cascade) -> pb.Cascade:
    """What fails with the devices of an incident."""
    return pb.Cascade(
        devices=[pb.Consequence(device=each.device, kind=each.kind, path=each.path) for each in found.devices],
        zones=[pb.SightLoss(zone=z.zone, kind=z.kind, lost=z.lost, left=z.left) for z in found.zones],
    )


def reload_message(reloaded: Reloaded) -> pb.ReloadResponse:
    """What a reload changed, as a message."""
    return pb.ReloadResponse(
        versions=[_version(one) for one in reloaded.versions],
        changed=reloaded.changed,
        restarted=reloaded.restarted,
        gone=reloaded.gone,
        problems=reloaded.problems,
        settings=reloaded.settings,
        restart=reloaded.restart,
    )


def _version(version: Version) -> pb.Version:
    return pb.Version(kind=version.kind, version=version.version)


def status_message(status: Status) -> pb.Status:
    """How the system is; an unknown time is 0."""
    return pb.Status(
        version=status.version,
        events=status.events,
        rejected=status.rejected,
        events_per_second=status.rate,
        watermark_us=status.watermark or 0,
        sources=[_source(source) for source in status.sources],
        open_incidents=status.open_incidents,
        explained=status.explained,
        notices=[_notice(notice) for notice in status.notices],
        versions=[_version(one) for one in status.versions],
    )


def _notice(notice: Notice) -> pb.Notice:
    return pb.Notice(
        code=notice.code,
        about=notice.about,
        what=notice.what,
        hint=notice.hint,
        count=notice.count,
        at_us=notice.at or 0,
    )


def _source(source: SourceStatus) -> pb.SourceStatus:
    return pb.SourceStatus(
        name=source.name,
        state=source.state,
        events=source.events,
        rejected=source.rejected,
        newest_event_us=source.newest or 0,
        problem=source.problem,
        shed=source.shed,
    )


def _member(member: Member) -> pb.Member:
    return pb.Member(
        alert_id=member.alert,
        why=member.why,
        count=member.count,
        first_us=member.first,
        last_us=member.last,
        repeat_ids=member.repeats,
    )


def _entities(entities: tuple[Entity, ...]) -> list[pb.Entity]:
    return [pb.Entity(kind=entity.kind, value=entity.value, weak=entity.weak) for entity in entities]


def _record(record: ActionRecord) -> pb.ActionRecord:
    return pb.ActionRecord(
        id=record.id,
        actor=record.actor,
        at_us=record.at,
        verb=number(pb.Verb, record.verb) if record.verb in _VERBS else pb.VERB_UNSPECIFIED,
        note=record.note,
        disposition=number(pb.Disposition, record.disposition),
        undone_by=record.undone_by or "",
        targets=record.targets,
    )


def _clause(clause: Clause, depth: int) -> pb.Clause:
    return pb.Clause(
        op=clause.op,
        held=clause.held,
        field=clause.field or "",
        expected=clause.expected or "",
        actual=clause.actual or "",
        of=[_clause(inner, depth - 1) for inner in clause.of] if depth else (),
    )

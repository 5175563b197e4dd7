"""Messages of the API as values of the domain; a word of a newer server that we do not know becomes a plain one."""

from typing import cast

from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.words import word
from impetus.domain.alert import Alert
from impetus.domain.cascade import Cascade, Consequence, SightLoss
from impetus.domain.entity import Entity
from impetus.domain.explanation import Clause, Explanation
from impetus.domain.incident import ActionRecord, Disposition, Incident, Kind, Member, Risk, Term
from impetus.domain.incident import Status as IncidentStatus
from impetus.domain.place import Location, Place
from impetus.domain.rule import Level
from impetus.domain.status import Notice, SourceStatus, Status


def incident(message: pb.Incident) -> Incident:
    """An incident as the API sends it."""
    return Incident(
        id=message.id,
        title=message.title,
        kind=cast(Kind, word(pb.IncidentKind, message.kind) or "incident"),
        severity=_level(message.severity),
        status=cast(IncidentStatus, word(pb.IncidentStatus, message.status) or "open"),
        opened=message.opened_us,
        updated=message.updated_us,
        revision=message.revision,
        members=tuple(Member(each.alert_id, each.why, each.count) for each in message.members),
        events=tuple(message.event_ids),
        domains=tuple(message.domains),
        zones=tuple(message.zones),
        entities=tuple(_entity(each) for each in message.entities),
        linked=tuple(message.linked),
        contested=tuple(message.contested),
        risk=Risk(message.risk_score, tuple(Term(t.name, t.points, t.evidence) for t in message.risk_terms)),
        owner=message.owner or None,
        disposition=cast(Disposition, word(pb.Disposition, message.disposition)) or None,
        history=tuple(_record(each) for each in message.history),
        supersedes=tuple(message.supersedes),
        superseded_by=message.superseded_by or None,
        exercise=message.exercise,
        withdrawn=message.withdrawn,
        cause=message.cause,
    )


def cascade(message: pb.Cascade) -> Cascade:
    """What fails with the devices of an incident."""
    return Cascade(
        tuple(Consequence(each.device, each.kind, tuple(each.path)) for each in message.devices),
        tuple(SightLoss(each.zone, each.kind, tuple(each.lost), tuple(each.left)) for each in message.zones),
    )


def alert(message: pb.Alert) -> Alert:
    """An alert with its explanation."""
    return Alert(
        id=message.id,
        rule=message.rule_id,
        title=message.title,
        level=_level(message.level),
        at=message.at_us,
        first=message.first_us,
        events=tuple(message.event_ids),
        entities=tuple(_entity(each) for each in message.entities),
        domains=tuple(message.domains),
        zones=tuple(message.zones),
        place=_place(message),
        certainty=message.certainty or None,
        absent=tuple(message.absent),
        group=tuple((each.field, each.value) for each in message.group),
        tags=tuple(message.tags),
        author=message.author,
        revision=message.revision,
        correlation=message.correlation,
        exercise=message.exercise,
        explanation=Explanation(message.summary, tuple(_clause(each) for each in message.clauses)),
    )


def status(message: pb.Status) -> Status:
    """How the running system is."""
    return Status(
        version=message.version,
        events=message.events,
        rejected=message.rejected,
        rate=message.events_per_second,
        watermark=message.watermark_us or None,
        sources=tuple(
            SourceStatus(s.name, s.state, s.events, s.rejected, s.newest_event_us or None, s.problem, s.shed)
            for s in message.sources
        ),
        open_incidents=message.open_incidents,
        explained=message.explained,
        notices=tuple(Notice(n.code, n.about, n.what, n.hint, n.count, n.at_us or None) for n in message.notices),
    )


def _level(number: int) -> Level:
    return cast(Level, word(pb.Severity, number) or "medium")


def _entity(message: pb.Entity) -> Entity:
    return Entity(message.kind, message.value, message.weak)


def _record(message: pb.ActionRecord) -> ActionRecord:
    return ActionRecord(
        id=message.id,
        actor=message.actor,
        at=message.at_us,
        verb=word(pb.Verb, message.verb) or "?",
        note=message.note,
        disposition=word(pb.Disposition, message.disposition) or None,
        undone_by=message.undone_by or None,
        targets=tuple(message.targets),
    )


def _place(message: pb.Alert) -> Place | None:
    if not message.HasField("location"):
        return None
    try:
        return Place(None, Location(message.location.lat, message.location.lon), message.radius_m)
    except ValueError:
        return None


def _clause(message: pb.Clause) -> Clause:
    return Clause(
        op=message.op,
        held=message.held,
        field=message.field or None,
        expected=message.expected or None,
        actual=message.actual or None,
        of=tuple(_clause(each) for each in message.of),
    )

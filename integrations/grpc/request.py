"""What clients ask, checked and as the domain says it. Every function raises ``ImpetusError`` (query.invalid)."""

from typing import cast

from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.words import word
from impetus.domain.action import MAX_TARGETS, VERBS, Action, Promotion, Undo
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.incident import Disposition
from impetus.domain.ports import EventQuery, IncidentQuery, Span
from integrations.grpc.keys import is_masked, search_key

MAX_INCIDENTS, DEFAULT_INCIDENTS = 5_000, 500
MAX_EVENTS, DEFAULT_EVENTS = 10_000, 100
MAX_ENTITIES = 32
MAX_FACETS = 8
MAX_TOP, DEFAULT_TOP = 100, 10
MAX_NAME = 512
"""Longest id, zone, entity or actor, in characters."""
MAX_NOTE = 4_096
MAX_INSTANT = (1 << 63) - 1


def incident_query(request: pb.ListIncidentsRequest) -> IncidentQuery:
    """Which incidents a client wants."""
    statuses = tuple(dict.fromkeys(word(pb.IncidentStatus, status) for status in request.statuses))
    if "" in statuses:
        raise _invalid("statuses", "a status is unspecified or unknown")
    kind = word(pb.IncidentKind, request.kind)
    if request.kind and not kind:
        raise _invalid("kind", f"{request.kind} is no kind of incident")
    return IncidentQuery(
        statuses=statuses,
        kind=kind or None,
        zone=_name("zone", request.zone, optional=True) or None,
        limit=_limit(request.limit, DEFAULT_INCIDENTS, MAX_INCIDENTS),
    )


def event_query(request: pb.SearchEventsRequest) -> EventQuery:
    """Which events a client wants; keys may still be masked."""
    if len(request.entities) > MAX_ENTITIES:
        raise _invalid("entities", f"{len(request.entities)} entities: {MAX_ENTITIES} at most")
    if len(request.event_ids) > MAX_EVENTS:
        raise _invalid("event_ids", f"{len(request.event_ids)} ids: {MAX_EVENTS} at most")
    keys = [_key(entity) for entity in request.entities]
    if request.zone:
        keys.append(f"zone:{_name('zone', request.zone)}")
    ids = tuple(dict.fromkeys(_name("event_ids", id) for id in request.event_ids))
    limit = _limit(request.limit, len(ids) or DEFAULT_EVENTS, MAX_EVENTS)
    return EventQuery(tuple(dict.fromkeys(keys)), ids, _span(request.from_us, request.to_us), limit)


def beside_query(request: pb.SearchEventsRequest) -> EventQuery:
    """What a client asks beside a query; keys may still be masked."""
    if request.event_ids:
        raise _invalid("event_ids", "events are asked for by id or by a query, not by both")
    return event_query(request)


def count_span(request: pb.CountEventsRequest) -> Span:
    """The span in which a client has events counted; the rest of the request is checked too."""
    if len(request.facets) > MAX_FACETS:
        raise _invalid("facets", f"{len(request.facets)} fields: {MAX_FACETS} at most")
    for field in request.facets:
        _name("facets", field)
    _limit(request.top, DEFAULT_TOP, MAX_TOP, "top")
    if request.histogram_us < 0:
        raise _invalid("histogram_us", "a width is not negative")
    return _span(request.from_us, request.to_us)


def action(request: pb.ActRequest) -> Action:
    """What a person wants done with an incident."""
    verb = word(pb.Verb, request.verb)
    if verb not in VERBS:
        raise _invalid("verb", "an action needs a verb", f"One of {', '.join(VERBS)}; use Undo to take one back")
    disposition = word(pb.Disposition, request.disposition)
    if request.disposition and not disposition:
        raise _invalid("disposition", f"{request.disposition} is no disposition")
    return Action(
        id=_name("action_id", request.action_id),
        incident=_name("incident_id", request.incident_id),
        actor=_name("actor", request.actor),
        verb=verb,
        disposition=cast("Disposition", disposition) if disposition else None,
        note=_text("note", request.note, MAX_NOTE),
        targets=_targets(request),
    )


def undo(request: pb.UndoRequest) -> Undo:
    """Which action a person takes back."""
    return Undo(
        id=_name("undo_id", request.undo_id),
        incident=_name("incident_id", request.incident_id),
        actor=_name("actor", request.actor),
        action=_name("action_id", request.action_id),
    )


def promotion(request: pb.PromoteRequest) -> Promotion:
    """Which explanation of the plan a person takes back."""
    return Promotion(
        id=_name("action_id", request.action_id),
        event=_name("event_id", request.event_id),
        actor=_name("actor", request.actor),
        note=_text("note", request.note, MAX_NOTE),
    )


def ledger_limit(request: pb.ListLedgerRequest) -> int:
    """So many lines of the ledger at most."""
    return _limit(request.limit, 1_000, 10_000)


def incident_id(request: pb.GetIncidentRequest) -> str:
    """The incident that a client wants."""
    return _name("id", request.id)


def _targets(request: pb.ActRequest) -> tuple[str, ...]:
    if len(request.targets) > MAX_TARGETS:
        raise _invalid("targets", f"{len(request.targets)} targets are too many", f"{MAX_TARGETS} at most.")
    return tuple(dict.fromkeys(_name("targets", target) for target in request.targets))


def _key(entity: str) -> str:
    kind, colon, value = _name("entities", entity).partition(":")
    if not (kind and colon and value):
        raise _invalid("entities", f"{entity!r} names no entity", 'Write "kind:value", as in "device:D-214".')
    return entity if is_masked(entity) else search_key(kind, value)


def _span(start: int, end: int) -> Span:
    if not (0 <= start <= MAX_INSTANT and 0 <= end <= MAX_INSTANT):
        raise _invalid("from_us", "a time is microseconds since 1970, not before")
    if end and end <= start:
        raise _invalid("to_us", "the end is not after the start")
    return Span(start or None, end or None)


def _limit(limit: int, default: int, most: int, key: str = "limit") -> int:
    """What is not said, or 0, is the default."""
    if limit > most:
        raise _invalid(key, f"{limit} is too many", f"{most} at most.")
    return limit or default


def _name(key: str, value: str, *, optional: bool = False) -> str:
    if not value and not optional:
        raise _invalid(key, "it is empty")
    return _text(key, value, MAX_NAME)


def _text(key: str, value: str, most: int) -> str:
    if len(value) > most:
        raise _invalid(key, f"{len(value)} characters are too many", f"{most} at most.")
    return value


def _invalid(key: str, what: str, hint: str = "") -> ImpetusError:
    return ImpetusError("query.invalid", what, Where(key=key), hint)

"""What people did with an incident: commands on record. The status is what the record says, never a field edited."""

from collections.abc import Sequence

import msgspec

from impetus.domain.action import MAX_TARGETS, TARGETED, VERBS, Action, Undo
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.incident import ActionRecord, Disposition, Incident, Status


class Standing(msgspec.Struct, frozen=True):
    """What follows from a record: status, owner and disposition."""

    status: Status = "open"
    owner: str | None = None
    disposition: Disposition | None = None
    cleared: frozenset[str] = frozenset()
    """Devices that a person trusts again, though the incident makes them contested."""


def standing(history: Sequence[ActionRecord]) -> Standing:
    """Where an incident stands after its record, without what was undone."""
    now = Standing()
    for record in history:
        if record.undone_by is None:
            now = _after(now, record)
    return now


def _after(now: Standing, record: ActionRecord) -> Standing:
    match record.verb:
        case "take":
            status: Status = "escalated" if now.status == "escalated" else "taken"
            return Standing(status, record.actor, cleared=now.cleared)
        case "escalate":
            return Standing("escalated", now.owner or record.actor, cleared=now.cleared)
        case "close":
            return Standing("closed", now.owner or record.actor, record.disposition, now.cleared)  # type: ignore[arg-type]
        case "reopen":
            return Standing("taken" if now.owner else "open", now.owner, cleared=now.cleared)
        case "clear":
            return msgspec.structs.replace(now, cleared=now.cleared | set(record.targets))
        case _:
            return now


def recorded(incident: Incident, action: Action, now: int) -> Incident:
    """The incident after an action (``now`` is wall clock, µs). The same id again changes nothing."""
    if any(record.id == action.id for record in incident.history):
        return incident
    _check(incident, action)
    record = ActionRecord(
        action.id, action.actor, now, action.verb, action.note, action.disposition, targets=action.targets
    )
    return _with_history(incident, (*incident.history, record))


def undone(incident: Incident, undo: Undo, now: int) -> Incident:
    """The incident after an undo: the action stays on record, marked, and a record of the undo follows."""
    if any(record.id == undo.id for record in incident.history):
        return incident
    target = next((record for record in incident.history if record.id == undo.action), None)
    if target is None or target.verb == "undo" or target.undone_by is not None:
        what = "there is no such action to undo" if target is None or target.verb == "undo" else "it is undone already"
        raise ImpetusError("action.refused", what, Where(key=undo.action))
    marked = tuple(
        msgspec.structs.replace(record, undone_by=undo.id) if record is target else record
        for record in incident.history
    )
    return _with_history(incident, (*marked, ActionRecord(undo.id, undo.actor, now, "undo", f"undoes {target.verb}")))


def cleared(history: Sequence[ActionRecord]) -> frozenset[str]:
    """The devices that people trust again, though the incident makes them contested."""
    return standing(history).cleared


def merged(histories: Sequence[Sequence[ActionRecord]]) -> tuple[ActionRecord, ...]:
    """The records of several incidents as one, by time: what people did follows an incident that takes others over."""
    found = {record.id: record for history in histories for record in history}
    return tuple(sorted(found.values(), key=lambda record: (record.at, record.id)))


def _check(incident: Incident, action: Action) -> None:
    where = Where(key=incident.id)
    if action.verb not in VERBS:
        raise ImpetusError("action.refused", f"{action.verb!r} is no action", where, f"Known: {', '.join(VERBS)}")
    if not action.actor.strip():
        raise ImpetusError("action.refused", "an action needs who does it", where)
    if action.verb == "close" and action.disposition is None:
        raise ImpetusError(
            "action.refused", "closing needs a disposition", where, "true or false positive, benign, duplicate"
        )
    if action.verb == "note" and not action.note.strip():
        raise ImpetusError("action.refused", "a note needs a text", where)
    if action.verb == "reopen" and incident.status != "closed":
        raise ImpetusError("action.refused", "it is not closed", where)
    _check_targets(incident, action, where)
    if action.verb in {"take", "escalate", "close", "merge", "split"} and incident.status == "closed":
        owner = f" by {incident.owner}" if incident.owner else ""
        raise ImpetusError("action.refused", f"it is closed{owner}", where, "Reopen it first")


def _check_targets(incident: Incident, action: Action, where: Where) -> None:
    kind = TARGETED.get(action.verb)
    if (kind is not None) != bool(action.targets):
        what = f"{action.verb} needs the {kind}s it is about" if kind else f"{action.verb} takes no targets"
        raise ImpetusError("action.refused", what, where)
    if len(action.targets) > MAX_TARGETS:
        raise ImpetusError("action.refused", f"{len(action.targets)} targets: {MAX_TARGETS} at most", where)
    unknown = sorted(set(action.targets) - set(incident.contested)) if kind == "device" else []
    if unknown:
        known = ", ".join(incident.contested[:10]) or "none"
        raise ImpetusError("action.refused", f"{unknown[0]} is not contested by it", where, f"Contested: {known}")


def _with_history(incident: Incident, history: tuple[ActionRecord, ...]) -> Incident:
    now = standing(history)
    doubtful = {*incident.contested, *standing(incident.history).cleared} - now.cleared
    return msgspec.structs.replace(
        incident,
        history=history,
        contested=tuple(sorted(doubtful)),
        status=now.status,
        owner=now.owner,
        disposition=now.disposition,
        revision=incident.revision + 1,
        cause="action",
    )

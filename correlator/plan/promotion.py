"""A person takes an explanation of the plan back: the note of that in the incident that the alert is in."""

from correlator.incidents.history import recorded
from impetus.domain.action import Action, Promotion
from impetus.domain.incident import Incident


def promoted(incident: Incident, promotion: Promotion, now: int) -> Incident:
    """The incident with a note of the promotion at a wall clock (µs)."""
    why = f": {promotion.note}" if promotion.note else ""
    note = f"promoted {promotion.event} from the ledger of the plan to an alert{why}"
    return recorded(incident, Action(promotion.id, incident.id, promotion.actor, "note", note=note), now)

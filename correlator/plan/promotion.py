"""A person takes an explanation of the plan back: how that stands on record."""

from collections.abc import Iterable

import msgspec

from correlator.incidents.history import recorded
from impetus.domain.action import Action, Promotion
from impetus.domain.batch import Control
from impetus.domain.incident import Incident


def control_of(promotion: Promotion, now: int) -> Control:
    """The promotion as it enters the log: who, what, why, and when (``at``, wall clock in µs)."""
    return Control("promotion", promotion.id, msgspec.json.encode({"at": now, "promotion": promotion}))


def promoted(incidents: Iterable[Incident], promotion: Promotion, now: int) -> Incident | None:
    """The incident that the alert of a promoted event is in, with a note of it; None where it is in none."""
    for incident in incidents:
        if promotion.event in incident.events and incident.superseded_by is None and not incident.withdrawn:
            why = f": {promotion.note}" if promotion.note else ""
            note = f"promoted {promotion.event} from the ledger of the plan to an alert{why}"
            return recorded(incident, Action(promotion.id, incident.id, promotion.actor, "note", note=note), now)
    return None

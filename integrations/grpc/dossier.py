"""An incident with its alerts as they may leave: every personal value masked, in their texts, too."""

from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.incident import Incident
from impetus.domain.ports import EventQuery, Store
from integrations.grpc.masking import Masking
from integrations.grpc.translate import alert_message

MEMBER_EVENTS = 1_000
"""Events of an incident whose personal values are masked in the texts of its alerts."""


def shown_alerts(store: Store, masking: Masking, incident: Incident) -> list[pb.Alert]:
    """The alerts that the rows of an incident begin with."""
    names = _names(store, masking, incident)
    alerts = store.alerts([member.alert for member in incident.members])
    return [alert_message(masking.alert(alert, names)) for alert in alerts]


def _names(store: Store, masking: Masking, incident: Incident) -> dict[str, str]:
    """The personal values of an incident and its events, newest ones if there are very many."""
    names = masking.entity_names(incident)
    ids = incident.events[-MEMBER_EVENTS:]
    for stored in store.events(EventQuery(ids=ids, limit=len(ids))) if ids else ():
        names.update(masking.stored_names(stored))
    return names

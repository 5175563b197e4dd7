"""Rendering: an incident as other systems are told of it, masked, in the form in which installations exchange them."""

import platform

from impetus.api.v1 import impetus_pb2 as pb
from impetus.app.delivering import Render
from impetus.app.exchange import export, write_line
from impetus.app.settings import SinkSettings
from impetus.domain.incident import Incident
from impetus.domain.personal import Masker
from impetus.domain.ports import Store
from integrations.grpc.dossier import shown_alerts
from integrations.grpc.keys import MaskedKeys
from integrations.grpc.masking import Masking
from integrations.grpc.translate import incident_message


def renderer(store: Store, key: bytes) -> Render:
    """Renders the incidents of a store, masked with a key."""
    masking = Masking(Masker(key), MaskedKeys(limit=0))
    host = platform.node()

    def render(sink: SinkSettings, incident: Incident) -> bytes:
        shown = incident_message(masking.incident(incident))
        alerts = shown_alerts(store, masking, incident) if sink.alerts else []
        found = pb.GetIncidentResponse(incident=shown, alerts=alerts)
        return write_line(export(sink.origin or host, found)).encode()

    return render

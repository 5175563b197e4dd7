"""The outcome of a log: what it comes to, read from one snapshot, so that it can be compared while the log grows."""

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.batch import Control
from impetus.domain.incident import Incident
from integrations.embedded.log import read_newest
from integrations.embedded.reader import decode_alert, decode_incident, read_controls
from integrations.embedded.seal import Seals

_MEMBERS = "member:"


class Outcome(msgspec.Struct, frozen=True):
    """The number of the newest block, the control records, and the alerts and incidents that hold, by id."""

    newest: int
    controls: Sequence[tuple[int, Control]]
    alerts: Mapping[str, Alert]
    incidents: Mapping[str, Incident]
    members: Mapping[str, frozenset[str]]
    """Incident → the ids of all its alerts."""


def read_outcome(connection: sqlite3.Connection, seals: Seals) -> Outcome:
    """All of it; as large as what is in the store beside the log."""
    rows = connection.execute("SELECT id, body FROM incident WHERE live")
    incidents = {id: decode_incident(seals, id, body) for id, body in rows}
    alerts = (decode_alert(seals, id, body) for id, body in connection.execute("SELECT id, body FROM alert"))
    homes = _homes(connection)
    return Outcome(
        read_newest(connection),
        read_controls(connection, seals),
        {alert.id: alert for alert in alerts},
        incidents,
        {id: _members(incident, homes) for id, incident in incidents.items()},
    )


def _homes(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Incident id → the alerts on record under it."""
    homes: dict[str, set[str]] = {}
    statement = "SELECT space, key FROM state WHERE space >= 'member:' AND space < 'member;'"
    for space, alert in connection.execute(statement):
        homes.setdefault(space.removeprefix(_MEMBERS), set()).add(alert.decode())
    return homes


def _members(incident: Incident, homes: Mapping[str, set[str]]) -> frozenset[str]:
    ids = (incident.id, *incident.supersedes)
    return frozenset(alert for id in ids for alert in homes.get(id, ())) or frozenset(incident.alert_ids)

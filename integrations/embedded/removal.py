"""What of the rows of a store is old enough to go, and how it goes: alerts, incidents and control records."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.ports import FOREIGN, FOREIGN_BODY
from integrations.embedded.reader import decode_alert, decode_incident, read_alerts
from integrations.embedded.seal import Seals
from integrations.embedded.state import read_state

ROWS = 500
"""Alerts, incidents or records that a step removes at most."""
OPEN = "live AND kind = 'incident' AND status <> 'closed'"
"""Incidents that people still have to decide on."""
SETUP = ("rules", "city", "plan", "limits")
"""Kinds of control records of which the newest is in force."""

_LOOSE = """SELECT id, body FROM alert WHERE block < ? AND NOT EXISTS (
    SELECT 1 FROM state WHERE space >= 'member:' AND space < 'member;' AND key = CAST(alert.id AS BLOB))"""
_PAST = f"""SELECT id, body FROM incident WHERE block < ? AND updated < ? AND NOT ({OPEN})
    AND NOT EXISTS (SELECT 1 FROM incident AS heir WHERE heir.id = incident.superseded_by)"""  # noqa: S608
# What the log that is left begins with stays, and what came since.
_RECORDS = f"""SELECT sequence FROM control WHERE block <= :due AND block < :first AND sequence NOT IN (
    SELECT max(sequence) FROM control WHERE kind IN {SETUP} AND block <= :first GROUP BY kind)"""  # noqa: S608


class Needed(NamedTuple):
    """What open incidents have: ids of events, and of alerts that are nowhere on record as theirs."""

    events: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()


def read_needed(connection: sqlite3.Connection, seals: Seals) -> Needed:
    """What open incidents have."""
    events, alerts = set[str](), set[str]()
    for incident in _incidents(seals, connection.execute(f"SELECT id, body FROM incident WHERE {OPEN}")):  # noqa: S608
        members = [id for home in (incident.id, *incident.supersedes) for id in _members(connection, home)]
        if not members:
            members = incident.alert_ids
            alerts.update(members)
        events.update(incident.events)
        for alert in read_alerts(connection, seals, members):
            events.update(alert.events)
    return Needed(frozenset(events), frozenset(alerts))


def loose_alerts(connection: sqlite3.Connection, seals: Seals, due: int, settled: int, needed: Needed) -> Iterator[str]:
    """Alerts of no incident that were last written before a block and that nothing can change any more."""
    for id, body in connection.execute(_LOOSE, (due,)):
        try:
            alert = decode_alert(seals, id, body)
        except ImpetusError as error:
            seals.report(error)
            continue
        if max((alert.at, *alert.times[-1:])) < settled and alert.id not in needed.alerts:
            yield alert.id


def past_incidents(connection: sqlite3.Connection, seals: Seals, due: int, settled: int, cutoff: int) -> Iterator[str]:
    """Incidents that are closed, expired or replaced, and that nobody has touched since an instant."""
    for incident in _incidents(seals, connection.execute(_PAST, (due, settled))):
        if all(record.at < cutoff for record in incident.history):
            yield incident.id


def old_records(connection: sqlite3.Connection, due: int) -> Iterator[int]:
    """Control records that are neither in force nor needed by what is left of the log."""
    asked = {"due": due, "first": read_first(connection)}
    return (sequence for (sequence,) in connection.execute(_RECORDS, asked))


def read_first(connection: sqlite3.Connection) -> int:
    """The first block that is left, or the next to come."""
    row = connection.execute("SELECT min(number), (SELECT value FROM counter WHERE name = 'block') FROM block_index")
    first, newest = row.fetchone()
    return int(newest) + 1 if first is None else int(first)


def some(ids: Iterable[str]) -> Sequence[str]:
    """As many as a step takes."""
    return tuple(islice(ids, ROWS))


def remove_alerts(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Remove alerts."""
    connection.executemany("DELETE FROM alert WHERE id = ?", ((id,) for id in ids))


def remove_incidents(connection: sqlite3.Connection, seals: Seals, ids: Collection[str]) -> None:
    """Remove incidents with the alerts that are on record under their ids."""
    for id in ids:
        (body,) = connection.execute("SELECT body FROM incident WHERE id = ?", (id,)).fetchone()
        remove_alerts(connection, _members(connection, id) or decode_incident(seals, id, body).alert_ids)
        connection.execute("DELETE FROM state WHERE space = ?", (f"member:{id}",))
        connection.execute("DELETE FROM state WHERE space = 'summary' AND key = ?", (id.encode(),))
        connection.execute("DELETE FROM incident WHERE id = ?", (id,))


def old_imports(connection: sqlite3.Connection, seals: Seals, cutoff: int) -> list[bytes]:
    """Incidents of other installations that were imported before an instant (µs, wall clock)."""
    found = read_state(connection, seals, FOREIGN)
    return [key for key, index in found if int.from_bytes(index[:8]) < cutoff][:ROWS]


def remove_imports(connection: sqlite3.Connection, keys: Iterable[bytes]) -> None:
    """Remove incidents of other installations."""
    rows = [(space, key) for key in keys for space in (FOREIGN, FOREIGN_BODY)]
    connection.executemany("DELETE FROM state WHERE space = ? AND key = ?", rows)


def _incidents(seals: Seals, rows: Iterable[tuple[str, object]]) -> Iterator[Incident]:
    """The incidents of rows; one that is damaged is reported, and stays."""
    for id, body in rows:
        try:
            yield decode_incident(seals, id, body)
        except ImpetusError as error:
            seals.report(error)


def _members(connection: sqlite3.Connection, incident: str) -> list[str]:
    rows = connection.execute("SELECT key FROM state WHERE space = ?", (f"member:{incident}",))
    return [key.decode() for (key,) in rows]

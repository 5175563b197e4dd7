"""What of the rows of a store is old enough to go, and how it goes: alerts, incidents and control records."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.incident import Incident
from impetus.domain.ports import FOREIGN, FOREIGN_BODY

ROWS = 500
"""Alerts, incidents or records that a step removes at most."""
OPEN = "live AND kind = 'incident' AND status <> 'closed'"
"""Incidents that people still have to decide on."""
SETUP = ("rules", "city", "plan", "limits")
"""Kinds of control records of which the newest is in force."""

_decode_alert = msgspec.msgpack.Decoder(Alert).decode
_decode_incident = msgspec.msgpack.Decoder(Incident).decode

_LOOSE = """SELECT body FROM alert WHERE block < ? AND NOT EXISTS (
    SELECT 1 FROM state WHERE space >= 'member:' AND space < 'member;' AND key = CAST(alert.id AS BLOB))"""
_PAST = f"""SELECT body FROM incident WHERE block < ? AND updated < ? AND NOT ({OPEN})
    AND NOT EXISTS (SELECT 1 FROM incident AS heir WHERE heir.id = incident.superseded_by)"""  # noqa: S608
# What the log that is left begins with stays, and what came since.
_RECORDS = f"""SELECT sequence FROM control WHERE block <= :due AND block < :first AND sequence NOT IN (
    SELECT max(sequence) FROM control WHERE kind IN {SETUP} AND block <= :first GROUP BY kind)"""  # noqa: S608


class Needed(NamedTuple):
    """What open incidents have: ids of events, and of alerts that are nowhere on record as theirs."""

    events: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()


def read_needed(connection: sqlite3.Connection) -> Needed:
    """What open incidents have."""
    events, alerts = set[str](), set[str]()
    for (body,) in connection.execute(f"SELECT body FROM incident WHERE {OPEN}"):  # noqa: S608
        incident = _decode_incident(body)
        members = [id for home in (incident.id, *incident.supersedes) for id in _members(connection, home)]
        if not members:
            members = incident.alert_ids
            alerts.update(members)
        events.update(incident.events)
        for id in members:
            row = connection.execute("SELECT body FROM alert WHERE id = ?", (id,)).fetchone()
            events.update(_decode_alert(row[0]).events if row is not None else ())
    return Needed(frozenset(events), frozenset(alerts))


def loose_alerts(connection: sqlite3.Connection, due: int, settled: int, needed: Needed) -> Iterator[str]:
    """Alerts of no incident that were last written before a block and that nothing can change any more."""
    for (body,) in connection.execute(_LOOSE, (due,)):
        alert = _decode_alert(body)
        if max((alert.at, *alert.times[-1:])) < settled and alert.id not in needed.alerts:
            yield alert.id


def past_incidents(connection: sqlite3.Connection, due: int, settled: int, cutoff: int) -> Iterator[str]:
    """Incidents that are closed, expired or replaced, and that nobody has touched since an instant."""
    for (body,) in connection.execute(_PAST, (due, settled)):
        incident = _decode_incident(body)
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


def remove_incidents(connection: sqlite3.Connection, ids: Collection[str]) -> None:
    """Remove incidents with the alerts that are on record under their ids."""
    for id in ids:
        (body,) = connection.execute("SELECT body FROM incident WHERE id = ?", (id,)).fetchone()
        remove_alerts(connection, _members(connection, id) or _decode_incident(body).alert_ids)
        connection.execute("DELETE FROM state WHERE space = ?", (f"member:{id}",))
        connection.execute("DELETE FROM incident WHERE id = ?", (id,))


def old_imports(connection: sqlite3.Connection, cutoff: int) -> list[bytes]:
    """Incidents of other installations that were imported before an instant (µs, wall clock)."""
    statement = "SELECT key FROM state WHERE space = ? AND substr(value, 1, 8) < ? LIMIT ?"
    return [key for (key,) in connection.execute(statement, (FOREIGN, max(0, cutoff).to_bytes(8), ROWS))]


def remove_imports(connection: sqlite3.Connection, keys: Iterable[bytes]) -> None:
    """Remove incidents of other installations."""
    rows = [(space, key) for key in keys for space in (FOREIGN, FOREIGN_BODY)]
    connection.executemany("DELETE FROM state WHERE space = ? AND key = ?", rows)


def _members(connection: sqlite3.Connection, incident: str) -> list[str]:
    rows = connection.execute("SELECT key FROM state WHERE space = ?", (f"member:{incident}",))
    return [key.decode() for (key,) in rows]

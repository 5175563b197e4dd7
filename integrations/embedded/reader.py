"""What is read from the rows of a store: positions, state, alerts, incidents, the ledger, rejects and totals."""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import product
from typing import get_args

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.batch import Control, Reject
from impetus.domain.incident import Incident, Kind, Status
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import IncidentQuery

_decode_alert = msgspec.msgpack.Decoder(Alert).decode
_decode_incident = msgspec.msgpack.Decoder(Incident).decode

# Per status and kind the index gives the rows in the order asked for, so a short page never reads a long history.
_QUEUE = """SELECT -risk, -severity, -updated, id, body FROM incident
    WHERE live AND status = :status AND kind = :kind AND (:since IS NULL OR updated >= :since)
        AND (:zone IS NULL OR EXISTS (SELECT 1 FROM incident_zone WHERE incident = incident.id AND zone = :zone))
    ORDER BY risk DESC, severity DESC, updated DESC, id LIMIT :limit"""


def read_state(connection: sqlite3.Connection, space: str, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
    """Every piece of state of a space whose key begins with a prefix, by key."""
    statement, bounds = "SELECT key, value FROM state WHERE space = ? AND key >= ?", [space, prefix]
    if behind := _behind(prefix):
        statement, bounds = f"{statement} AND key < ?", [*bounds, behind]
    return connection.execute(f"{statement} ORDER BY key", bounds).fetchall()


def _behind(prefix: bytes) -> bytes:
    """The first key behind all that begin with a prefix; empty if there is none."""
    raised = prefix.rstrip(b"\xff")
    return raised[:-1] + bytes([raised[-1] + 1]) if raised else b""


def read_positions(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Source → position."""
    return dict(connection.execute("SELECT source, position FROM position"))


def read_controls(connection: sqlite3.Connection) -> list[tuple[int, Control]]:
    """Control records in order, each with the number of the block before which it takes effect."""
    rows = connection.execute("SELECT block, kind, version, body FROM control ORDER BY sequence")
    return [(block, Control(kind, version, body)) for block, kind, version, body in rows]


def read_alerts(connection: sqlite3.Connection, ids: Iterable[str]) -> list[Alert]:
    """Alerts in the order of their ids; unknown ones are left out."""
    rows = (connection.execute("SELECT body FROM alert WHERE id = ?", (id,)).fetchone() for id in ids)
    return [_decode_alert(row[0]) for row in rows if row is not None]


def read_incident(connection: sqlite3.Connection, id: str) -> Incident | None:
    """An incident, or the one that took its place in the end. A ring of replacements ends where it closes."""
    statement = "SELECT superseded_by, body FROM incident WHERE id = ?"
    found: bytes | None = None
    seen: set[str] = set()
    following: str | None = id
    while following is not None and following not in seen:
        seen.add(following)
        row = connection.execute(statement, (following,)).fetchone()
        if row is None:
            break
        following, found = row
    return None if found is None else _decode_incident(found)


def read_incidents(connection: sqlite3.Connection, query: IncidentQuery) -> list[Incident]:
    """Incidents by risk, severity and newest change, greatest first. Superseded and withdrawn ones are left out."""
    limit = max(0, query.limit)
    statuses: Sequence[str] = tuple(dict.fromkeys(query.statuses)) or get_args(Status)
    kinds: Sequence[str] = get_args(Kind) if query.kind is None else (query.kind,)
    rows: list[tuple[int, int, int, str, bytes]] = []
    for status, kind in product(statuses, kinds):
        asked = {"status": status, "kind": kind, "zone": query.zone, "since": query.since, "limit": limit}
        rows += connection.execute(_QUEUE, asked)
    return [_decode_incident(row[4]) for row in sorted(rows)[:limit]]


def read_cursor(connection: sqlite3.Connection) -> int:
    """The cursor behind the newest incident change; 0 before the first."""
    (cursor,) = connection.execute("SELECT value FROM counter WHERE name = 'cursor'").fetchone()
    return int(cursor)


def read_changes(connection: sqlite3.Connection, cursor: int, limit: int) -> list[tuple[int, Incident]]:
    """Incidents changed behind a cursor, superseded ones among them: a watcher has to learn that, too."""
    statement = "SELECT cursor, body FROM incident WHERE cursor > ? ORDER BY cursor LIMIT ?"
    return [(at, _decode_incident(body)) for at, body in connection.execute(statement, (cursor, max(0, limit)))]


def read_ledger(connection: sqlite3.Connection) -> list[LedgerLine]:
    """Every line that holds, in the order in which they were first written."""
    rows = connection.execute("SELECT event, rule, plan, entry, reason FROM ledger ORDER BY rowid")
    return [LedgerLine(*row) for row in rows]


def read_rejects(connection: sqlite3.Connection, limit: int) -> list[Reject]:
    """The newest rejects, newest first."""
    statement = "SELECT source, code, what, place, record FROM reject ORDER BY sequence DESC LIMIT ?"
    return [Reject(*row) for row in connection.execute(statement, (max(0, limit),))]


def read_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """The totals, the lines of the ledger and the incidents that are open among them."""
    totals = "SELECT name, value FROM counter WHERE name IN ('events', 'rejected', 'duplicates', 'alerts', 'incidents')"
    counts = dict(connection.execute(totals))
    (counts["ledger"],) = connection.execute("SELECT COUNT(*) FROM ledger").fetchone()
    open_ = "SELECT COUNT(*) FROM incident WHERE status <> 'closed' AND kind = 'incident' AND live"
    (counts["open"],) = connection.execute(open_).fetchone()
    return counts

"""What is read from the rows of a store: positions, alerts, incidents, the ledger, rejects and totals."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import get_args

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.batch import Control, Reject
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident, Kind, Status, urgency
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import IncidentQuery
from integrations.embedded.salvage import damaged_table, is_corrupt, read_around
from integrations.embedded.seal import Seals, damaged_row

_decode_alert = msgspec.msgpack.Decoder(Alert).decode
_decode_incident = msgspec.msgpack.Decoder(Incident).decode

# Per status and kind the index gives the rows in the order asked for, so a short page never reads a long history.
_QUEUE = """SELECT -risk, -severity, -updated, id, body FROM incident
    WHERE live AND status = :status AND kind = :kind AND (:since IS NULL OR updated >= :since)
        AND (:zone IS NULL OR EXISTS (SELECT 1 FROM incident_zone WHERE incident = incident.id AND zone = :zone))
    ORDER BY risk DESC, severity DESC, updated DESC, id LIMIT :limit"""


def decode_alert(seals: Seals, id: str, body: object) -> Alert:
    """An alert from its row. Raises ``ImpetusError`` ``store.damaged``."""
    try:
        return _decode_alert(seals.open("alert", id, body))
    except msgspec.DecodeError as error:
        raise damaged_row("alert", id) from error


def decode_incident(seals: Seals, id: str, body: object) -> Incident:
    """An incident from its row. Raises ``ImpetusError`` ``store.damaged``."""
    try:
        return _decode_incident(seals.open("incident", id, body))
    except msgspec.DecodeError as error:
        raise damaged_row("incident", id) from error


def read_positions(connection: sqlite3.Connection, seals: Seals) -> dict[str, bytes]:
    """Source → position. A source whose position is damaged begins anew: its events are known by their ids."""
    found = {}
    for source, position in read_around(connection, "source, position", "position", seals.report):
        try:
            found[source] = seals.open("position", source, position)
        except ImpetusError as error:
            seals.report(error)
    return found


def read_controls(connection: sqlite3.Connection, seals: Seals) -> list[tuple[int, Control]]:
    """Control records in order, each with the number of the block before which it takes effect."""
    rows = read_around(connection, "block, kind, version, body, seal", "control", seals.report)
    return [(block, Control(kind, version, body)) for block, kind, version, body in seals.sound("control", rows)]


def read_alerts(connection: sqlite3.Connection, seals: Seals, ids: Iterable[str]) -> list[Alert]:
    """Alerts in the order of their ids; unknown ones are left out, damaged ones reported."""
    found = []
    for id in ids:
        try:
            row = connection.execute("SELECT body FROM alert WHERE id = ?", (id,)).fetchone()
            if row is not None:
                found.append(decode_alert(seals, id, row[0]))
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            seals.report(damaged_row("alert", id))
        except ImpetusError as error:
            seals.report(error)
    return found


def read_incident(connection: sqlite3.Connection, seals: Seals, id: str) -> Incident | None:
    """An incident, or the one that took its place in the end. A ring of replacements ends where it closes."""
    statement = "SELECT superseded_by, body FROM incident WHERE id = ?"
    found: Incident | None = None
    seen: set[str] = set()
    following: str | None = id
    while following is not None and following not in seen:
        seen.add(following)
        row = connection.execute(statement, (following,)).fetchone()
        if row is None:
            break
        found, following = decode_incident(seals, following, row[1]), row[0]
    return found


def read_incidents(connection: sqlite3.Connection, seals: Seals, query: IncidentQuery) -> list[Incident]:
    """Incidents by risk, severity and newest change, greatest first. Superseded and withdrawn ones are left out."""
    limit = max(0, query.limit)
    try:
        rows = _queued(connection, query, limit)
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        return [one for one in _all_incidents(connection, seals) if query.asks_for(one)][:limit]
    return list(_sound(((row[3], row[4]) for row in sorted(rows)[:limit]), seals))


def _queued(connection: sqlite3.Connection, query: IncidentQuery, limit: int) -> list[tuple[int, int, int, str, bytes]]:
    statuses: Sequence[str] = tuple(dict.fromkeys(query.statuses)) or get_args(Status)
    kinds: Sequence[str] = get_args(Kind) if query.kind is None else (query.kind,)
    rows: list[tuple[int, int, int, str, bytes]] = []
    for status, kind in product(statuses, kinds):
        asked = {"status": status, "kind": kind, "zone": query.zone, "since": query.since, "limit": limit}
        rows += connection.execute(_QUEUE, asked)
    return rows


def _sound(rows: Iterable[tuple[str, object]], seals: Seals) -> Iterator[Incident]:
    for id, body in rows:
        try:
            yield decode_incident(seals, id, body)
        except ImpetusError as error:
            seals.report(error)


def _all_incidents(connection: sqlite3.Connection, seals: Seals) -> list[Incident]:
    """Every incident that can be read, in the order of the queue: the way around damaged pages."""
    found = _sound(read_around(connection, "id, body", "incident", seals.report), seals)
    return sorted(found, key=urgency)


def read_cursor(connection: sqlite3.Connection) -> int:
    """The cursor behind the newest incident change; 0 before the first."""
    (cursor,) = connection.execute("SELECT value FROM counter WHERE name = 'cursor'").fetchone()
    return int(cursor)


def read_changes(connection: sqlite3.Connection, seals: Seals, cursor: int, limit: int) -> list[tuple[int, Incident]]:
    """Incidents changed behind a cursor, superseded ones among them: a watcher has to learn that, too."""
    statement = "SELECT cursor, id, body FROM incident WHERE cursor > ? ORDER BY cursor LIMIT ?"
    try:
        rows = connection.execute(statement, (cursor, max(0, limit))).fetchall()
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        rows = sorted(
            row for row in read_around(connection, "cursor, id, body", "incident", seals.report) if row[0] > cursor
        )
    return [(at, one) for at, id, body in rows[: max(0, limit)] for one in _sound([(id, body)], seals)]


def read_ledger(connection: sqlite3.Connection, seals: Seals) -> list[LedgerLine]:
    """Every line that holds, in the order in which they were first written."""
    rows = read_around(connection, "event, rule, plan, entry, reason, seal", "ledger", seals.report)
    return [LedgerLine(*row) for row in seals.sound("ledger", rows)]


def read_rejects(connection: sqlite3.Connection, seals: Seals, limit: int) -> list[Reject]:
    """The newest rejects, newest first."""
    statement = "SELECT source, code, what, place, record, seal FROM reject ORDER BY sequence DESC LIMIT ?"
    try:
        rows = connection.execute(statement, (max(0, limit),)).fetchall()
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        found = read_around(connection, "source, code, what, place, record, seal", "reject", seals.report)
        rows = found[::-1][: max(0, limit)]
    return [Reject(*row) for row in seals.sound("reject", rows)]


def read_counts(connection: sqlite3.Connection, seals: Seals) -> dict[str, int]:
    """The totals, the lines of the ledger and the incidents that are open among them."""
    totals = "SELECT name, value FROM counter WHERE name IN ('events', 'rejected', 'duplicates', 'alerts', 'incidents')"
    counts = dict(connection.execute(totals))
    open_ = "incident WHERE status <> 'closed' AND kind = 'incident' AND live"
    for name, of in (("ledger", "ledger"), ("open", open_)):
        try:
            (counts[name],) = connection.execute(f"SELECT COUNT(*) FROM {of}").fetchone()  # noqa: S608 - names of ours
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            seals.report(damaged_table(of.partition(" ")[0], str(error)))
    return counts

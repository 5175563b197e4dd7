"""What a commit writes, table by table, inside one transaction."""

import sqlite3
from collections.abc import Collection
from functools import partial

import msgspec

from impetus.domain.batch import Commit, Control, Reject
from impetus.domain.incident import Incident
from impetus.domain.ports import EventQuery, Span
from impetus.domain.rule import rank
from integrations.embedded.block import Block
from integrations.embedded.filter import Filters
from integrations.embedded.keys import index_backlog, write_keys
from integrations.embedded.log import find_heads
from integrations.embedded.revision import write_revisions
from integrations.embedded.salvage import Report
from integrations.embedded.seal import seal, seal_row
from integrations.embedded.search import EventSearch
from integrations.embedded.state import seal_state

BACKLOG_STEP = 4
"""Blocks of an older version that a commit indexes, at about 10 ms each."""
REJECTS_KEPT = 10_000
"""The newest rejects stay; all are counted."""
RECORD_BYTES = 4_096
TEXT_CHARACTERS = 1_024

_encode = msgspec.msgpack.Encoder().encode


def write(connection: sqlite3.Connection, commit: Commit, block: Block | None, filters: Filters, report: Report) -> int:
    """Write all of a commit; returns the cursor behind its incident changes."""
    _write_controls(connection, commit)
    if commit.revisions:
        _write_revisions(connection, commit, filters, report)
    if block is not None:
        _write_block(connection, block, filters)
    index_backlog(connection, filters, partial(_keys, connection, report), BACKLOG_STEP)
    _write_positions(connection, commit)
    _write_state(connection, commit)
    _write_alerts(connection, commit)
    _write_ledger(connection, commit)
    _write_rejects(connection, commit.rejects)
    _count(connection, "events", len(commit.lines))
    _count(connection, "duplicates", commit.duplicates)
    return _write_incidents(connection, commit.incidents)


def _next_block(connection: sqlite3.Connection) -> int:
    return _newest_block(connection) + 1


def _newest_block(connection: sqlite3.Connection) -> int:
    """The greatest number that a block was given; the block itself may be gone."""
    (newest,) = connection.execute("SELECT value FROM counter WHERE name = 'block'").fetchone()
    return int(newest)


def _write_block(connection: sqlite3.Connection, block: Block, filters: Filters) -> None:
    number = _next_block(connection)
    _count(connection, "block", 1)
    connection.execute("INSERT INTO block VALUES (?, ?, ?, ?)", (number, *block.seal(number)))
    ids, times, lines = block.heads
    row = (number, min(times), max(times), len(times), filters.pack(ids))
    connection.execute("INSERT INTO block_index VALUES (?, ?, ?, ?, x'', ?)", row)
    write_keys(connection, number, lines, filters)


def _keys(connection: sqlite3.Connection, report: Report, number: int) -> Collection[str] | None:
    heads = find_heads(connection, number, report)
    return heads.lines if heads is not None else None


def _write_revisions(connection: sqlite3.Connection, commit: Commit, filters: Filters, report: Report) -> None:
    """New additions to events of earlier blocks: before the block of this commit is written."""
    times = [one.time for one in commit.revisions]
    ids, span = tuple(one.id for one in commit.revisions), Span(min(times), max(times) + 1)
    search = EventSearch(connection, EventQuery(ids=ids, span=span, limit=len(ids)), filters, report)
    write_revisions(connection, commit.revisions, search.places())


def _write_controls(connection: sqlite3.Connection, commit: Commit) -> None:
    if commit.controls:
        before = _next_block(connection)
        for control in commit.controls:
            write_control(connection, before, control)


def write_control(connection: sqlite3.Connection, block: int, control: Control) -> None:
    """Put a control record behind the others, to take effect before a block."""
    row = (block, control.kind, control.version, control.body)
    statement = "INSERT INTO control (block, kind, version, body, seal) VALUES (?, ?, ?, ?, ?)"
    connection.execute(statement, (*row, seal_row("control", *row)))


def _write_positions(connection: sqlite3.Connection, commit: Commit) -> None:
    connection.executemany(
        "INSERT INTO position VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
        [(source, seal("position", source, position)) for source, position in commit.positions],
    )


def _write_state(connection: sqlite3.Connection, commit: Commit) -> None:
    newest = {(key.space, key.key): value for key, value in commit.state}
    kept = [(*key, seal_state(*key, value)) for key, value in newest.items() if value is not None]
    gone = [key for key, value in newest.items() if value is None]
    connection.executemany("INSERT INTO state VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", kept)
    connection.executemany("DELETE FROM state WHERE space = ? AND key = ?", gone)


def _write_alerts(connection: sqlite3.Connection, commit: Commit) -> None:
    newest = {alert.id: alert for alert in commit.alerts}
    block = _newest_block(connection) if newest else 0
    kept = [(alert.id, seal("alert", alert.id, _encode(alert)), block) for alert in newest.values() if not alert.gone]
    gone = [(alert.id,) for alert in newest.values() if alert.gone]
    connection.executemany(
        "INSERT INTO alert VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body, block = excluded.block",
        kept,
    )
    connection.executemany("DELETE FROM alert WHERE id = ?", gone)


def _write_ledger(connection: sqlite3.Connection, commit: Commit) -> None:
    """Lines first, then withdrawals: what is withdrawn in the step that explained it does not hold."""
    rows = [(line.event, line.rule, line.plan, line.entry, line.reason) for line in commit.ledger]
    connection.executemany(
        """INSERT INTO ledger (event, rule, plan, entry, reason, seal) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET reason = excluded.reason, seal = excluded.seal""",
        [(*row, seal_row("ledger", *row)) for row in rows],
    )
    connection.executemany(
        "DELETE FROM ledger WHERE event = ? AND rule = ? AND plan = ? AND entry = ?",
        [(line.event, line.rule, line.plan, line.entry) for line in commit.withdrawn],
    )


def _write_rejects(connection: sqlite3.Connection, rejects: tuple[Reject, ...]) -> None:
    if not rejects:
        return
    _count(connection, "rejected", len(rejects))
    block = _newest_block(connection)
    rows = [
        (_clean(r.source), _clean(r.code), _clean(r.what), _clean(r.where), r.record[:RECORD_BYTES])
        for r in rejects[-REJECTS_KEPT:]
    ]
    connection.executemany(
        "INSERT INTO reject (source, code, what, place, record, block, seal) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*row, block, seal_row("reject", *row)) for row in rows],
    )
    connection.execute("DELETE FROM reject WHERE sequence <= (SELECT max(sequence) FROM reject) - ?", (REJECTS_KEPT,))


def _clean(text: str) -> str:
    """Text about a hostile record as SQLite can hold it: bounded, and without half surrogate pairs."""
    return text[:TEXT_CHARACTERS].encode(errors="backslashreplace").decode()


def _write_incidents(connection: sqlite3.Connection, incidents: tuple[Incident, ...]) -> int:
    _count(connection, "cursor", len(incidents))
    (cursor,) = connection.execute("SELECT value FROM counter WHERE name = 'cursor'").fetchone()
    first, block = cursor - len(incidents) + 1, _newest_block(connection) if incidents else 0
    for at, incident in enumerate(incidents, first):
        _write_incident(connection, incident, at, block)
    return int(cursor)


def _write_incident(connection: sqlite3.Connection, incident: Incident, cursor: int, block: int) -> None:
    body = seal("incident", incident.id, _encode(incident))
    row = (incident.id, *incident_columns(incident), cursor, body, block)
    connection.execute(
        """INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
            status = excluded.status, kind = excluded.kind, severity = excluded.severity, risk = excluded.risk,
            updated = excluded.updated, live = excluded.live,
            superseded_by = excluded.superseded_by, cursor = excluded.cursor, body = excluded.body,
            block = excluded.block""",
        row,
    )
    _write_zones(connection, incident.id, incident.zones)


def _write_zones(connection: sqlite3.Connection, id: str, zones: tuple[str, ...]) -> None:
    """The zones of an incident. Most revisions change none, and a page that nothing changes is not written again."""
    known = {zone for (zone,) in connection.execute("SELECT zone FROM incident_zone WHERE incident = ?", (id,))}
    if gone := known.difference(zones):
        rows = [(id, zone) for zone in gone]
        connection.executemany("DELETE FROM incident_zone WHERE incident = ? AND zone = ?", rows)
    if new := set(zones) - known:
        connection.executemany("INSERT INTO incident_zone VALUES (?, ?)", [(id, zone) for zone in new])


def incident_columns(incident: Incident) -> tuple[str | int | None, ...]:
    """What an incident is sorted and found by: the columns from ``status`` to ``superseded_by``."""
    return (
        incident.status, incident.kind, rank(incident.severity), incident.risk.score, incident.updated,
        incident.is_live, incident.superseded_by,
    )  # fmt: skip


def _count(connection: sqlite3.Connection, name: str, by: int) -> None:
    if by:
        connection.execute("UPDATE counter SET value = value + ? WHERE name = ?", (by, name))

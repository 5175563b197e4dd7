"""Looking through a store: rows and their seals, the totals that are kept of them, and the newest blocks of the log.

``check_rows`` does it at once; ``pieces`` in small parts, each for a snapshot of its own, beside who writes.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from impetus.domain.errors import ImpetusError
from integrations.embedded.filter import Filters
from integrations.embedded.log import check_block
from integrations.embedded.reader import decode_alert, decode_incident
from integrations.embedded.salvage import damaged_table, is_corrupt
from integrations.embedded.seal import Seals, damaged_row
from integrations.embedded.state import open_state
from integrations.embedded.writer import incident_columns

Row = tuple[Any, ...]
Piece = Callable[[sqlite3.Connection], list[ImpetusError]]
"""A part of the check, on a snapshot: what is damaged."""

ROWS = 500
"""Rows of a piece."""
BLOCKS = 1_024
"""So many of the newest blocks are looked at in pieces: what an interrupted write may have touched is there."""
EVERY = -1

_TOTALS = {"alerts": "SELECT count(*) FROM alert", "incidents": "SELECT count(*) FROM incident WHERE live"}
_STRUCTURES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'damaged_%' AND name <> 'block'"
_NEWEST = "SELECT number FROM block ORDER BY number DESC LIMIT ?"


class _Table(NamedTuple):
    """What of the rows of a table is looked at, and what raises ``ImpetusError`` for a row that is damaged."""

    columns: str
    open: Callable[[Seals, Row], object]


def _open_incident(seals: Seals, row: Row) -> None:
    id, *columns, body = row
    if tuple(columns) != incident_columns(decode_incident(seals, id, body)):
        raise damaged_row("incident", id)


_TABLES: Mapping[str, _Table] = {
    "state": _Table("space, key, value", lambda seals, row: open_state(seals, *row)),
    "position": _Table("source, position", lambda seals, row: seals.open("position", *row)),
    "alert": _Table("id, body", lambda seals, row: decode_alert(seals, *row)),
    "incident": _Table(
        "id, status, kind, severity, risk, updated, live, superseded_by, body",
        _open_incident,
    ),
    "control": _Table("block, kind, version, body, seal", lambda seals, row: seals.open_row("control", row)),
    "ledger": _Table("event, rule, plan, entry, reason, seal", lambda seals, row: seals.open_row("ledger", row)),
    "reject": _Table("source, code, what, place, record, seal", lambda seals, row: seals.open_row("reject", row)),
}


def check_rows(connection: sqlite3.Connection, seals: Seals) -> Iterator[ImpetusError]:
    """What of the rows is damaged: values that fail their seals, and totals that are not those of the rows."""
    for table in _TABLES:
        yield from _check_table(connection, seals, table, [0], EVERY)
    yield from check_totals(connection)


def pieces(newest: list[int], seals: Seals, filters: Filters) -> Iterator[Piece]:
    """Parts that together look at the newest blocks, all rows, and the pages and indices of all but the log.

    ``newest`` are the numbers of the blocks. Each has to be done before the next one is asked for.
    """
    for number in newest:
        yield lambda connection: check_block(connection, number, filters)  # noqa: B023 - done before the next
    for table in _TABLES:
        after = [0]
        while after:
            yield lambda connection: list(_check_table(connection, seals, table, after, ROWS))  # noqa: B023
    yield lambda connection: list(check_totals(connection))
    structures: list[str] = []

    def list_structures(connection: sqlite3.Connection) -> list[ImpetusError]:
        structures.extend(name for (name,) in connection.execute(_STRUCTURES))
        return []

    yield list_structures
    for name in structures:
        yield lambda connection: _check_structure(connection, name)  # noqa: B023


def newest_blocks(connection: sqlite3.Connection) -> list[int]:
    """The numbers of the blocks that ``pieces`` looks at, newest first."""
    return [number for (number,) in connection.execute(_NEWEST, (BLOCKS,))]


def _check_table(
    connection: sqlite3.Connection, seals: Seals, table: str, after: list[int], most: int
) -> Iterator[ImpetusError]:
    """Look at rows behind the one in ``after``, so many at most; the last one takes its place, none at the end."""
    columns, open = _TABLES[table]
    statement = f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608
    last, count = after.pop(), 0
    try:
        for rowid, *row in connection.execute(statement, (last, most)):
            last, count = rowid, count + 1
            try:
                open(seals, tuple(row))
            except ImpetusError as error:
                yield error
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        yield damaged_table(table, str(error))
        return
    if count == most:
        after.append(last)


def check_totals(connection: sqlite3.Connection) -> Iterator[ImpetusError]:
    """Totals that are not those of the rows."""
    try:
        totals = dict(connection.execute("SELECT name, value FROM counter"))
        for name, statement in _TOTALS.items():
            (count,) = connection.execute(statement).fetchone()
            if totals.get(name) != count:
                yield damaged_row("counter", name)
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        yield damaged_table("counter", str(error))


def _check_structure(connection: sqlite3.Connection, table: str) -> list[ImpetusError]:
    """What SQLite finds wrong with the pages and indices of a table."""
    try:
        found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({table})")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    return [damaged_table(table, line) for line in found if line != "ok"]

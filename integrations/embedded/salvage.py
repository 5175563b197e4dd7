"""Reading around damaged pages, and naming them."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from impetus.domain.errors import ImpetusError, Where

_FARTHEST = 1 << 40
_LEAST = -(1 << 63)
_PAGE = re.compile(r"\bpage (\d+)", re.IGNORECASE)
MOST = (100, 10, 1)
"""So many findings of a check at most, and where it gives up."""
RESTORE = "The rest is served without it; restore the file from a backup to have it again."

Rows = list[tuple[Any, ...]]
Report = Callable[[ImpetusError], None]


def refuse(error: ImpetusError) -> None:
    """What is made of whole blocks alone is not made without what is damaged."""
    raise error


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether SQLite met a page that it cannot follow, or a text that is none."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or "decode to UTF-8" in str(error)


def ask(connection: sqlite3.Connection, table: str, statement: str, values: Sequence[object], report: Report) -> Rows:
    """What a statement finds in a table that can be done without; none, reported, where it meets a damaged page."""
    try:
        return connection.execute(statement, values).fetchall()
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        report(damaged_table(table, str(error)))
        return []


def read_around(connection: sqlite3.Connection, columns: str, table: str, report: Report) -> Rows:
    """All rows of a table that can be read, whatever page of it is damaged; that one is, is reported."""
    statement = f"SELECT rowid, {columns} FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid"  # noqa: S608
    rows: Rows = []
    after: int | None = _LEAST
    while after is not None:
        why, last = _read_on(connection, statement, after, rows)
        if why:
            report(damaged_table(table, why))
        after = _find_behind(connection, statement, max(last, 0)) if why else None
    return rows


def _read_on(connection: sqlite3.Connection, statement: str, after: int, rows: Rows) -> tuple[str, int]:
    """Add the rows behind one, as far as they can be read; why not further, and the last one."""
    try:
        for row in connection.execute(statement, (after,)):
            if row[0] <= after:
                return "a page leads back", after
            after = row[0]
            rows.append(row[1:])
    except sqlite3.DatabaseError as error:
        return str(error), after
    return "", after


def _find_behind(connection: sqlite3.Connection, statement: str, after: int) -> int | None:
    """From where on rows can be read again; None if nowhere."""
    step = 1
    while step < _FARTHEST and not _leads_on(connection, statement, after + step, after):
        step *= 2
    if step >= _FARTHEST:
        return None
    fails, works = after + step // 2, after + step
    while works - fails > 1:
        middle = (fails + works) // 2
        if _leads_on(connection, statement, middle, after):
            works = middle
        else:
            fails = middle
    return works


def _leads_on(connection: sqlite3.Connection, statement: str, start: int, after: int) -> bool:
    try:
        row = connection.execute(f"{statement} LIMIT 1", (start,)).fetchone()
    except sqlite3.DatabaseError:
        return False
    return row is None or row[0] > after


def damaged_table(table: str, why: str) -> ImpetusError:
    """The error that names a table some pages of which cannot be read."""
    return ImpetusError("store.damaged", f"pages of {table} cannot be read: {why}", Where(key=table), RESTORE)


def check_pages(connection: sqlite3.Connection) -> Iterator[ImpetusError]:
    """What SQLite finds wrong with its pages and indices, each with its place in the file."""
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    for line in (line for text in _complaints(connection) for line in text.splitlines()):
        if line != "ok" and not line.startswith("***"):
            page = _PAGE.search(line)
            place = f"page {page[1]}, offset {(int(page[1]) - 1) * size}" if page else line
            yield ImpetusError("store.damaged", line, Where(key=place), RESTORE)


def _complaints(connection: sqlite3.Connection) -> Sequence[str]:
    """What SQLite says of the file. Behind a bad page it may give up; asked for fewer findings it comes to name it."""
    why = ""
    for most in MOST:
        try:
            return [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({most})")]
        except sqlite3.DatabaseError as error:
            why = str(error)
    return [why]

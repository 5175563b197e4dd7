"""Going on behind a damaged page: a table that cannot be written is made anew of the rows of it that can be read.

The pages of the old one stay in the file under the name ``damaged_…``, for who wants to look at them, and ``check``
goes on naming them. All of it is one transaction.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator

from impetus.domain.errors import ImpetusError
from integrations.embedded.salvage import Rows, read_around

TABLES = ("state", "position", "alert", "incident", "ledger", "reject")
"""Tables whose rows stand for themselves, so that some are better than none. Blocks are only added
to, behind those that are damaged."""
ASIDE = "damaged_"


def mend(connection: sqlite3.Connection, report: Callable[[ImpetusError], None]) -> bool:
    """Make anew what of the tables is damaged; whether anything was. Outside a transaction."""
    damaged = [table for table in TABLES if _is_damaged(connection, table) and not _is_there(connection, ASIDE + table)]
    if not damaged:
        return False
    # Before the transaction: what was read on a damaged page would stand in the way of writing.
    rescued = {table: _read(connection, table, report) for table in damaged}
    connection.execute("PRAGMA writable_schema = ON")
    try:
        connection.execute("BEGIN IMMEDIATE")
        for table, (columns, rows) in rescued.items():
            _exchange(connection, table, columns, rows)
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        connection.execute(f"PRAGMA schema_version = {version + 1}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute("PRAGMA writable_schema = RESET")
    return True


def _is_damaged(connection: sqlite3.Connection, table: str) -> bool:
    try:
        found: tuple[str] = connection.execute(f"PRAGMA integrity_check({table})").fetchone()
    except sqlite3.DatabaseError:
        return True
    return found != ("ok",)


def _is_there(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone() is not None


def _read(connection: sqlite3.Connection, table: str, report: Callable[[ImpetusError], None]) -> tuple[str, Rows]:
    """The columns of a table, and the rows that can be read."""
    columns = ", ".join(["rowid", *(name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})"))])
    return columns, read_around(connection, columns, table, report)


def _exchange(connection: sqlite3.Connection, table: str, columns: str, rows: Rows) -> None:
    """Fill a copy of a table, and let the two change their pages."""
    for statement in list(_copies(connection, table)):
        connection.execute(statement)
    places = re.sub(r"\w+", "?", columns)
    into = f"INSERT OR IGNORE INTO {ASIDE}{table} ({columns}) VALUES ({places})"  # noqa: S608 - names of ours
    for row in rows:
        try:
            connection.execute(into, row)
        except sqlite3.IntegrityError:
            continue  # of another type than the column: not a row that was written
    roots = dict(connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE type IN ('table', 'index')"))
    of_table = "SELECT name FROM sqlite_schema WHERE tbl_name = ? AND type IN ('table', 'index')"
    for name in [name for (name,) in connection.execute(of_table, (table,))]:
        other = _aside(name, table)
        changed = [(roots[other], name), (roots[name], other)]
        connection.executemany("UPDATE sqlite_schema SET rootpage = ? WHERE name = ?", changed)


def _copies(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    """The statements that make the copy of a table, and of its indices; those that SQLite makes come by themselves."""
    statement = "SELECT name, sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('table', 'index') AND sql NOT NULL"
    for name, sql in connection.execute(f"{statement} ORDER BY type DESC", (table,)).fetchall():
        if name == table:
            yield f"CREATE TABLE {ASIDE}{table} ({sql.partition('(')[2]}"
        else:
            yield f"CREATE INDEX {ASIDE}{name} ON {ASIDE}{table}{sql.partition(f' ON {table}')[2]}"


def _aside(name: str, table: str) -> str:
    automatic = f"sqlite_autoindex_{table}_"
    if name.startswith(automatic):
        return f"sqlite_autoindex_{ASIDE}{table}_{name.removeprefix(automatic)}"
    return ASIDE + name

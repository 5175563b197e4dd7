"""Going on behind a damaged page: a table that cannot be written is made anew of the rows of it that can be read.

The pages of the old one stay in the file under the name ``damaged_…``, for who wants to look at them, and ``check``
goes on naming them. All of it is one transaction.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from operator import itemgetter

from impetus.domain.errors import ImpetusError
from integrations.embedded.salvage import Rows, damaged_table, read_around

SMALL = ("counter", "secret", "position", "control", "removal", "mark", "key_run", "key_backlog", "revision")
"""Tables that are looked at whole before the first write: what reads them has no way around a page."""
TABLES = (
    *SMALL, "state", "alert", "incident", "incident_zone", "ledger", "reject", "held", "revision_key", "block_keys",
    "key_page", "block_index", "sqlite_sequence",
)  # fmt: skip
"""Tables whose rows stand for themselves, so that some are better than none, or follow from others."""
LOG = "block"
LOG_BYTES = 1 << 28
"""A larger file is not written a second time because of its log: that would take long, and as much room again."""
ASIDE = "damaged_"

Columns = tuple[str, ...]
Fill = Callable[[sqlite3.Connection, Rows], Rows]
"""What rows a table is made anew of, given those that could be read."""


def mend(
    connection: sqlite3.Connection,
    report: Callable[[ImpetusError], None],
    fills: Mapping[str, Fill],
    tables: Collection[str] = TABLES,
) -> bool:
    """Make anew what of some tables is damaged; whether anything was. Outside a transaction."""
    found = {table: _damage(connection, table) for table in tables if not _is_there(connection, ASIDE + table)}
    damaged = {table: why for table, why in found.items() if why}
    if not damaged:
        return False
    for table, why in damaged.items():
        report(damaged_table(table, why))
    # Before the transaction: what was read on a damaged page would stand in the way of writing.
    rescued = {table: _read(connection, table, report) for table in damaged}
    rescued = {
        table: (columns, fills[table](connection, rows) if table in fills else rows)
        for table, (columns, rows) in rescued.items()
    }
    connection.execute("PRAGMA foreign_keys = OFF")  # what is referred to may be on a damaged page
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
        connection.execute("PRAGMA foreign_keys = ON")
    return True


def is_small(connection: sqlite3.Connection) -> bool:
    """Whether the whole file may be written a second time."""
    (pages,), (size,) = (connection.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
    return bool(pages * size <= LOG_BYTES)


def _damage(connection: sqlite3.Connection, table: str) -> str:
    """What SQLite finds wrong with a table and its indices; empty if nothing."""
    try:
        (found,) = connection.execute(f"PRAGMA integrity_check({table})").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else str(found)


def _is_there(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone() is not None


def _read(connection: sqlite3.Connection, table: str, report: Callable[[ImpetusError], None]) -> tuple[Columns, Rows]:
    """The columns of a table, and the rows that can be read."""
    columns = tuple(name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})"))
    if _has_rowid(connection, table):
        columns = ("rowid", *columns)
        return columns, read_around(connection, ", ".join(columns), table, report)
    return columns, _read_ends(connection, table, columns, report)


def _has_rowid(connection: sqlite3.Connection, table: str) -> bool:
    (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return "WITHOUT ROWID" not in sql


def _read_ends(
    connection: sqlite3.Connection, table: str, columns: Columns, report: Callable[[ImpetusError], None]
) -> Rows:
    """The rows of a table without row ids before its first damaged page and behind its last."""
    found: dict[tuple[object, ...], None] = {}
    info = connection.execute(f"PRAGMA table_info({table})").fetchall()
    key = [name for _, name, *_, place in sorted(info, key=itemgetter(-1)) if place]
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{name} {direction}" for name in key)
        try:
            for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"):  # noqa: S608
                found[row] = None
        except sqlite3.DatabaseError as error:
            report(damaged_table(table, str(error)))
    return list(found)


def _exchange(connection: sqlite3.Connection, table: str, columns: Columns, rows: Rows) -> None:
    """Fill a copy of a table, and let the two change their pages."""
    for statement in list(_copies(connection, table)):
        connection.execute(statement)
    places = ", ".join("?" * len(columns))
    into = f"INSERT OR IGNORE INTO {ASIDE}{table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - names of ours
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

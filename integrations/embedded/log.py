"""Reading the log from end to end, and checking that it is whole."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator

from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Span
from integrations.embedded.block import ADDITIONS, COLUMNS, HEADS, LINES, Heads, damaged, decode_heads, decode_lines
from integrations.embedded.filter import Filters
from integrations.embedded.keys import KeyCheck
from integrations.embedded.salvage import Report, damaged_table, is_corrupt, read_around

_COLUMN = {name: f"SELECT {name} FROM block WHERE number = ?" for name in COLUMNS}  # noqa: S608 - names of ours


def read_newest(connection: sqlite3.Connection) -> int:
    """The number of the newest block, which may be gone by now; 0 in a log that never had one."""
    (newest,) = connection.execute("SELECT value FROM counter WHERE name = 'block'").fetchone()
    return int(newest)


def read_columns(connection: sqlite3.Connection, number: int, *names: str) -> list[bytes]:
    """Sealed columns of a block. Raises ``ImpetusError`` ``store.damaged`` where SQLite cannot follow its pages."""
    try:
        rows = [connection.execute(_COLUMN[name], (number,)).fetchone() for name in names]
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        raise damaged(number, ", ".join(names)) from error
    found = [row[0] for row in rows if row is not None and isinstance(row[0], bytes)]
    if len(found) != len(names):
        raise damaged(number, ", ".join(names))
    return found


def find_heads(connection: sqlite3.Connection, number: int, report: Report) -> Heads | None:
    """The heads of a block; None, reported, for one that cannot be read."""
    try:
        return decode_heads(number, *read_columns(connection, number, HEADS))
    except ImpetusError as error:
        report(error)
        return None


def is_there(connection: sqlite3.Connection, number: int) -> bool:
    """Whether a block is in the log still, as one is that cannot be read."""
    try:
        return connection.execute("SELECT 1 FROM block WHERE number = ?", (number,)).fetchone() is not None
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        return True


def read_next(connection: sqlite3.Connection, after: int, newest: int) -> int | None:
    """The number of the first block behind ``after`` and not behind ``newest``."""
    for table in ("block_index", "block"):  # one says it where the other is damaged
        statement = f"SELECT min(number) FROM {table} WHERE number > ? AND number <= ?"  # noqa: S608 - names of ours
        try:
            (found,) = connection.execute(statement, (after, newest)).fetchone()
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            continue
        if found is None or found > after:
            return None if found is None else int(found)
    raise damaged_table("block", f"no block behind {after} can be found")


def read_stretch(connection: sqlite3.Connection, span: Span, report: Report) -> tuple[int, int]:
    """The first block with an event at or after the start of a span, and the last with one before its end.

    The whole log, if the index of blocks is damaged.
    """
    newest = read_newest(connection)
    first = "SELECT min(number) FROM block_index WHERE last >= ?"
    last = "SELECT max(number) FROM block_index WHERE first < ?"
    try:
        (since,) = connection.execute(first, (span.start,)).fetchone() if span.start is not None else (1,)
        (until,) = connection.execute(last, (span.end,)).fetchone() if span.end is not None else (newest,)
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        report(damaged_table("block_index", str(error)))
        return 1, newest
    return newest + 1 if since is None else since, until or 0


def read_lines(connection: sqlite3.Connection, number: int) -> list[bytes]:
    """The lines of a block. Raises ``ImpetusError`` ``store.damaged``."""
    return decode_lines(number, LINES, *read_columns(connection, number, LINES))


def check_blocks(connection: sqlite3.Connection, filters: Filters) -> Iterator[ImpetusError]:
    """Read every column of every block and compare its index; yields what is damaged."""
    found: list[ImpetusError] = []
    numbers = read_around(connection, "number", "block", found.append)
    yield from found
    index = KeyCheck(connection, filters)
    for (number,) in numbers:
        try:
            _check_block(connection, number, filters, index.agrees)
        except ImpetusError as error:
            yield error


def check_block(connection: sqlite3.Connection, number: int, filters: Filters) -> list[ImpetusError]:
    """What is damaged of a block that is there; a run of the index of keys is not looked at for one block alone."""
    try:
        if is_there(connection, number):
            _check_block(connection, number, filters, KeyCheck(connection, filters, runs=False).agrees)
    except ImpetusError as error:
        return [error]
    return []


def _check_block(
    connection: sqlite3.Connection, number: int, filters: Filters, agree: Callable[[int, Iterable[str]], bool]
) -> None:
    heads_column, additions, lines = read_columns(connection, number, HEADS, ADDITIONS, LINES)
    heads = decode_heads(number, heads_column)
    sizes = {len(decode_lines(number, ADDITIONS, additions)), len(decode_lines(number, LINES, lines))}
    count = len(heads.ids)
    whole = (min(heads.times), max(heads.times), count, filters.pack(heads.ids))
    statement = "SELECT first, last, events, ids FROM block_index WHERE number = ?"
    try:
        agrees = connection.execute(statement, (number,)).fetchone() == whole and agree(number, heads.lines)
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        agrees = False
    if sizes != {count} or not agrees:
        raise damaged(number, "index")

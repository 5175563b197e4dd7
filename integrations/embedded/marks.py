"""Marks: by when which blocks were written. About one an hour says "now, block N is the newest".

What was written with block N, or after it and before the next, was written before the first mark that knows a later
block; so an age is never taken to be more than it is.
"""

import sqlite3


def write_mark(connection: sqlite3.Connection, now: int) -> None:
    """Note which block is the newest at a wall clock (µs). Marks ahead of it were made by a clock that was wrong."""
    connection.execute("DELETE FROM mark WHERE at > ?", (now,))
    (last,) = connection.execute("SELECT coalesce(max(block), -1) FROM mark").fetchone()
    (newest,) = connection.execute("SELECT value FROM counter WHERE name = 'block'").fetchone()
    if newest > last:
        connection.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (now, newest))


def forget_marks(connection: sqlite3.Connection, before: int) -> None:
    """Drop the marks of blocks that are gone, but for the newest of them."""
    connection.execute("DELETE FROM mark WHERE block < (SELECT max(block) FROM mark WHERE block < ?)", (before,))


def newest_before(connection: sqlite3.Connection, cutoff: int | None) -> int:
    """The newest block that was written before an instant (µs, wall clock), as far as marks say; 0 if none was.

    It and all before it were, and every row that was written when an earlier block was the newest.
    """
    if cutoff is None:
        return 0
    (block,) = connection.execute("SELECT coalesce(max(block), 0) FROM mark WHERE at <= ?", (cutoff,)).fetchone()
    return int(block)


def written_by(connection: sqlite3.Connection, block: int) -> int | None:
    """When a block was written, at the latest (µs); None if no mark knows it yet."""
    row: tuple[int | None] = connection.execute("SELECT min(at) FROM mark WHERE block >= ?", (block,)).fetchone()
    return row[0]

"""In which order blocks are looked at by a search: by the time of their newest event, also around damaged pages."""

import sqlite3

from integrations.embedded.log import find_heads
from integrations.embedded.salvage import Report, is_corrupt, read_around

Turn = tuple[int, int]
"""A block, and the time of its newest event."""

_BY_TIME = "SELECT number, last FROM block_index WHERE last >= ? AND first < ? ORDER BY last DESC, number DESC"


def read_turns(connection: sqlite3.Connection, start: int, end: int, report: Report) -> list[Turn]:
    """The blocks with an event from ``start`` to before ``end``, by the time of their newest event, newest first."""
    try:
        return connection.execute(_BY_TIME, (start, end)).fetchall()
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        return turns_around(connection, start, end, report)


def turns_around(connection: sqlite3.Connection, start: int, end: int, report: Report) -> list[Turn]:
    """The same without the index by time; blocks whose row in the index is lost say themselves when they were."""
    spans = {number: span for number, *span in read_around(connection, "number, first, last", "block_index", report)}
    for (number,) in read_around(connection, "number", "block", report):
        heads = find_heads(connection, number, report) if number not in spans else None
        if heads is not None:
            spans[number] = [min(heads.times), max(heads.times)]
    found = [(number, last) for number, (first, last) in spans.items() if last >= start and first < end]
    return sorted(found, key=lambda turn: (turn[1], turn[0]), reverse=True)

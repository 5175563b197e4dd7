"""Additions that changed after their event was written: rows beside its block, which readers prefer.

A block is written once and never again. An event in it is enriched anew only while it is not final, so there are few
such rows; they go when their block goes.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from impetus.domain.batch import Revision
from integrations.embedded.salvage import Report, ask

Places = Mapping[str, tuple[int, int]]
"""Event id → block and line."""
_KEYS = "revision_key"
"""Where a page of it is damaged, events are found by fewer keys."""


def write_revisions(connection: sqlite3.Connection, revisions: Iterable[Revision], places: Places) -> None:
    """Write new additions over what an event had; one whose event is nowhere in the log is left out."""
    here = [(*places[one.id], one) for one in revisions if one.id in places]
    connection.executemany(
        "INSERT INTO revision VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET addition = excluded.addition",
        [(block, line, one.addition) for block, line, one in here],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO revision_key VALUES (?, ?, ?)",
        [(key, block, line) for block, line, one in here for key in one.keys],
    )


def read_additions(connection: sqlite3.Connection, block: int, report: Report) -> dict[int, bytes]:
    """The revised additions of a block, by line. Where a page of them is damaged, its events have those from before."""
    return dict(ask(connection, "revision", "SELECT line, addition FROM revision WHERE block = ?", (block,), report))


def read_block_keys(connection: sqlite3.Connection, block: int, report: Report) -> Mapping[str, list[int]]:
    """The keys that events of a block got by a revision: key → lines."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for key, line in ask(connection, _KEYS, "SELECT key, line FROM revision_key WHERE block = ?", (block,), report):
        found[key].append(line)
    return found


def read_keys(
    connection: sqlite3.Connection, keys: Collection[str], report: Report
) -> Mapping[int, Mapping[str, list[int]]]:
    """Where events got some keys by a revision: block → key → lines."""
    found: defaultdict[int, dict[str, list[int]]] = defaultdict(dict)
    for key in keys:
        for block, line in ask(connection, _KEYS, "SELECT block, line FROM revision_key WHERE key = ?", (key,), report):
            found[block].setdefault(key, []).append(line)
    return found


def read_revised(connection: sqlite3.Connection, report: Report) -> set[int]:
    """The blocks with events that got keys by a revision."""
    return {block for (block,) in ask(connection, _KEYS, "SELECT DISTINCT block FROM revision_key", (), report)}

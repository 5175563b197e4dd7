"""What of a damaged table follows from other tables: totals, the index of blocks, the zones of incidents.

Each function is given the rows that could be read, in the order of the columns, ``rowid`` first where there is one.
"""

import sqlite3

from impetus.domain.errors import ImpetusError
from integrations.embedded.filter import Filters
from integrations.embedded.log import find_heads
from integrations.embedded.mend import Fill
from integrations.embedded.reader import decode_incident
from integrations.embedded.salvage import RESTORE, Rows, read_around
from integrations.embedded.seal import MARK, Seals

LEAP = 1 << 20
"""The cursor of changes goes on so far behind the newest that is known: a reader may have seen a later one."""
SECRET = ("secret 1", "secret 2")
"""Totals that are none: the two halves of a copy of the secret, for its table has one page only."""
_HALF = 8

_TOTALS = {
    "cursor": f"SELECT coalesce(max(cursor), 0) + {LEAP} FROM incident",  # noqa: S608 - a number of ours
    "events": """SELECT coalesce(sum(events), 0) + coalesce((SELECT removed FROM removal WHERE class = 'events'), 0)
        FROM block_index""",
    "rejected": "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'reject'",
    "duplicates": "SELECT 0",
    "alerts": "SELECT count(*) FROM alert",
    "incidents": "SELECT count(*) FROM incident WHERE live",
    "erased": "SELECT 0",  # what has no personal values any more is looked at once more
    "thinned": "SELECT 0",
    "open": "SELECT 1",
}
_NUMBERS = tuple(
    f"SELECT coalesce(max({column}), 0) FROM {table}"  # noqa: S608 - names of ours
    for table, column in (("block", "number"), ("block_index", "number"), ("control", "block"), ("alert", "block"))
)
"""Where the number of the newest block is met."""
_UNSEALED = """SELECT EXISTS (SELECT 1 FROM alert WHERE substr(body, 1, 4) <> :mark)
    OR EXISTS (SELECT 1 FROM incident WHERE substr(body, 1, 4) <> :mark)
    OR EXISTS (SELECT 1 FROM position WHERE substr(position, 1, 4) <> :mark)
    OR EXISTS (SELECT 1 FROM control WHERE seal IS NULL) OR EXISTS (SELECT 1 FROM ledger WHERE seal IS NULL)
    OR EXISTS (SELECT 1 FROM reject WHERE seal IS NULL)"""


def read_facts(connection: sqlite3.Connection) -> tuple[bytes, dict[str, int]]:
    """The secret of a store, and whether it has seals and was closed. Raises ``ImpetusError``."""
    row = connection.execute("SELECT value FROM secret").fetchone()
    facts = dict(connection.execute("SELECT name, value FROM counter WHERE name IN ('sealed', 'open')"))
    if row is None or "open" not in facts:
        raise ImpetusError("store.damaged", "the secret or the totals are gone", hint=RESTORE)
    return row[0], facts


def keep_secret(connection: sqlite3.Connection) -> None:
    """Keep a copy of the secret, if there is none."""
    (secret,) = connection.execute("SELECT value FROM secret").fetchone()
    halves = zip(SECRET, (secret[:_HALF], secret[_HALF:]), strict=True)
    rows = [(name, int.from_bytes(half, "little", signed=True)) for name, half in halves]
    connection.executemany("INSERT OR IGNORE INTO counter VALUES (?, ?)", rows)


def fill_secret(connection: sqlite3.Connection, rows: Rows) -> Rows:
    """The secret, from its copy."""
    found: dict[str, int] = dict(row[1:] for row in read_around(connection, "rowid, name, value", "counter", _ignore))
    if rows or not found.keys() >= set(SECRET):
        return rows
    return [(1, b"".join(found[name].to_bytes(_HALF, "little", signed=True) for name in SECRET))]


def fill_totals(connection: sqlite3.Connection, rows: Rows) -> Rows:
    """The totals, counted. Duplicates were only counted as they came: they begin at none."""
    known = {name: value for _, name, value in rows}
    counted = {name: _ask(connection, statement) for name, statement in _TOTALS.items() if name not in known}
    counted["block"] = max(_ask(connection, statement) or 0 for statement in _NUMBERS)
    if "sealed" not in known and _ask(connection, _UNSEALED, mark=MARK) == 0:
        counted["sealed"] = 2
    totals = {name: value for name, value in counted.items() if value is not None} | known
    return [(number, name, value) for number, (name, value) in enumerate(totals.items(), 1)]


def _ask(connection: sqlite3.Connection, statement: str, **values: object) -> int | None:
    try:
        (found,) = connection.execute(statement, values).fetchone()
    except sqlite3.DatabaseError:
        return None  # that table is damaged too
    return int(found)


def _ignore(_: ImpetusError) -> None:
    """It is reported where the table itself is read."""


FACTS: dict[str, Fill] = {"counter": fill_totals, "secret": fill_secret}
"""What has to be there before anything else can be read."""


def fills(seals: Seals, filters: Filters) -> dict[str, Fill]:
    """What is made anew from what."""

    def fill_blocks(connection: sqlite3.Connection, rows: Rows) -> Rows:
        known = {row[1] for row in rows}
        found = list(rows)
        for (number,) in read_around(connection, "number", "block", seals.report):
            heads = find_heads(connection, number, seals.report) if number not in known else None
            if heads is not None:
                ids, times, _ = heads
                found.append((number, number, min(times), max(times), len(times), b"", filters.pack(ids)))
        return found

    def fill_zones(connection: sqlite3.Connection, rows: Rows) -> Rows:
        found = dict.fromkeys(rows)
        for id, body in read_around(connection, "id, body", "incident", seals.report):
            try:
                found.update(dict.fromkeys((id, zone) for zone in decode_incident(seals, id, body).zones))
            except ImpetusError as error:
                seals.report(error)
        return list(found)

    def fill_sequence(connection: sqlite3.Connection, rows: Rows) -> Rows:
        newest = _ask(connection, "SELECT coalesce(max(sequence), 0) FROM reject")
        return rows or [(1, "reject", newest or 0)]

    def fill_backlog(_: sqlite3.Connection, rows: Rows) -> Rows:
        return rows or [(1, 0)]

    return FACTS | {
        "block_index": fill_blocks, "incident_zone": fill_zones, "sqlite_sequence": fill_sequence,
        "key_backlog": fill_backlog,
    }  # fmt: skip

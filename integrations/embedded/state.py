"""The pieces of state in their rows: sealed, and read around what is damaged."""

import sqlite3
from collections.abc import Iterator, Sequence

from impetus.domain.errors import ImpetusError
from impetus.domain.keyrange import KeyRange, with_prefix
from integrations.embedded.salvage import Rows, is_corrupt, read_around
from integrations.embedded.seal import Seals, seal

SEALED = frozenset({"windows"})
"""Spaces whose values bring a seal of their own: there may be a million of them to read at a start."""


def seal_state(space: str, key: bytes, value: bytes) -> bytes:
    """A piece of state as it is stored."""
    return value if space in SEALED else seal(f"state {space}", key, value)


def open_state(seals: Seals, space: str, key: bytes, value: bytes) -> bytes:
    """A piece of state from its row. Raises ``ImpetusError`` ``store.damaged``."""
    return value if space in SEALED else seals.open(f"state {space}", key, value)


def read_state(
    connection: sqlite3.Connection, seals: Seals, space: str, prefix: bytes = b""
) -> list[tuple[bytes, bytes]]:
    """Every piece of state of a space whose key begins with a prefix, by key; damaged ones are reported, left out."""
    return read_pieces(connection, seals, space, [with_prefix(prefix)], None)


def read_pieces(
    connection: sqlite3.Connection, seals: Seals, space: str, ranges: Sequence[KeyRange], most: int | None
) -> list[tuple[bytes, bytes]]:
    """The pieces of state of a space whose keys lie in some ranges, those of each by key, so many at most; damaged ones
    are reported, left out."""
    found: Rows = []
    for start, end in ranges:
        while most is None or len(found) < most:
            room = -1 if most is None else most - len(found)
            rows = _rows(connection, seals, space, (start, end), room)
            found += rows if space in SEALED else _unsealed(rows, seals, space)
            if len(rows) != room:
                break
            start = rows[-1][0] + b"\0"  # noqa: PLW2901 - some of the rows may have been damaged
    return found


def _rows(connection: sqlite3.Connection, seals: Seals, space: str, span: KeyRange, most: int) -> Rows:
    start, end = span
    statement, bounds = "SELECT key, value FROM state WHERE space = ? AND key >= ?", [space, start]
    if end is not None:
        statement, bounds = f"{statement} AND key < ?", [*bounds, end]
    try:
        return connection.execute(f"{statement} ORDER BY key LIMIT ?", [*bounds, most]).fetchall()
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        return sorted(_salvage(connection, seals, space, span))[: None if most < 0 else most]


def _salvage(connection: sqlite3.Connection, seals: Seals, space: str, span: KeyRange) -> Rows:
    found = read_around(connection, "space, key, value", "state", seals.report)
    return [(key, value) for at, key, value in found if at == space and _is_within(key, span)]


def _is_within(key: object, span: KeyRange) -> bool:
    start, end = span
    return isinstance(key, bytes) and start <= key and (end is None or key < end)


def _unsealed(rows: Rows, seals: Seals, space: str) -> Iterator[tuple[bytes, bytes]]:
    for key, value in rows:
        try:
            yield key, open_state(seals, space, key, value)
        except ImpetusError as error:
            seals.report(error)

"""The pieces of state in their rows: sealed, and read around what is damaged."""

import sqlite3
from collections.abc import Iterator, Sequence

from impetus.domain.errors import ImpetusError
from integrations.embedded.salvage import Rows, is_corrupt, read_around
from integrations.embedded.seal import Seals, damaged_row, seal

SEALED = frozenset({"windows"})
"""Spaces whose values bring a seal of their own: there may be a million of them to read at a start."""


def seal_state(space: str, key: bytes, value: bytes) -> bytes:
    """A piece of state as it is stored."""
    return value if space in SEALED else seal(f"state {space}", key, value)


def read_state(
    connection: sqlite3.Connection, seals: Seals, space: str, prefix: bytes = b""
) -> list[tuple[bytes, bytes]]:
    """Every piece of state of a space whose key begins with a prefix, by key; damaged ones are reported, left out."""
    statement, bounds = "SELECT key, value FROM state WHERE space = ? AND key >= ?", [space, prefix]
    if behind := _behind(prefix):
        statement, bounds = f"{statement} AND key < ?", [*bounds, behind]
    try:
        rows: Rows = connection.execute(f"{statement} ORDER BY key", bounds).fetchall()
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        rows = sorted(_salvage(connection, seals, space, prefix))
    return rows if space in SEALED else list(_unsealed(rows, seals, space))


def read_pieces(connection: sqlite3.Connection, seals: Seals, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    """The pieces of state of some keys; damaged ones are reported and left out, as those that are not there."""
    statement = "SELECT key, value FROM state WHERE space = ? AND key = ?"
    rows: Rows = []
    for key in keys:
        try:
            rows += connection.execute(statement, (space, key)).fetchall()
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            seals.report(damaged_row("state", f"{space} {key.hex()}"))
    return dict(rows if space in SEALED else _unsealed(rows, seals, space))


def _salvage(connection: sqlite3.Connection, seals: Seals, space: str, prefix: bytes) -> Rows:
    found = read_around(connection, "space, key, value", "state", seals.report)
    return [(key, value) for at, key, value in found if at == space and _begins(key, prefix)]


def _begins(key: object, prefix: bytes) -> bool:
    return isinstance(key, bytes) and key.startswith(prefix)


def _unsealed(rows: Rows, seals: Seals, space: str) -> Iterator[tuple[bytes, bytes]]:
    for key, value in rows:
        try:
            yield key, seals.open(f"state {space}", key, value)
        except ImpetusError as error:
            seals.report(error)


def _behind(prefix: bytes) -> bytes:
    """The first key behind all that begin with a prefix; empty if there is none."""
    raised = prefix.rstrip(b"\xff")
    return raised[:-1] + bytes([raised[-1] + 1]) if raised else b""

"""What a correlator over a store goes on with, in portions: for a store elsewhere that takes its place."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeVar

from impetus.domain.batch import Commit, Head, Key
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Past
from integrations.embedded.entries import Entries
from integrations.embedded.reader import decode_alert, decode_incident, read_controls
from integrations.embedded.seal import Seals
from integrations.embedded.state import open_state

ROWS = 2_000
"""Rows of one look, and of one portion at most."""
BYTES = 1 << 20
"""About so many bytes of rows are one portion; a row that is larger is one by itself."""
IDS = 10_000
"""Ids of events in one portion."""

T = TypeVar("T")
Rows = list[tuple[Any, ...]]
Read = Callable[[Callable[[sqlite3.Connection], Rows]], Rows]
"""Reads on a snapshot of the store."""

_STATE = "SELECT space, key, value FROM state WHERE (space, key) > (?, ?) ORDER BY space, key LIMIT ?"
_ALERTS = "SELECT id, body FROM alert WHERE id > ? ORDER BY id LIMIT ?"
_INCIDENTS = "SELECT id, body FROM incident WHERE id > ? ORDER BY id LIMIT ?"


def read_rows(read: Read, seals: Seals) -> Iterator[Commit]:
    """Controls in force, state, alerts and all incidents; what is damaged is reported and left out."""
    controls = read(lambda connection: list(read_controls(connection, seals)))
    yield Commit(controls=tuple({control.kind: control for _, control in controls}.values()))
    for rows in _portions(read, _STATE, ("", b"")):
        yield Commit(state=tuple(_sound(rows, seals, _piece)))
    for rows in _portions(read, _ALERTS, ("",)):
        yield Commit(alerts=tuple(_sound(rows, seals, decode_alert)))
    for rows in _portions(read, _INCIDENTS, ("",)):
        yield Commit(incidents=tuple(_sound(rows, seals, decode_incident)))


def of_past(past: Past) -> Iterator[Commit]:
    """Events of which nothing is needed but that they were there, oldest first."""
    ids = list(chain.from_iterable(iter(lambda: list(past.read(IDS)), [])))[::-1]
    for start in range(0, len(ids), IDS):
        yield Commit(heads=tuple(Head(id, 0, ()) for id in ids[start : start + IDS]))


def of_entries(entries: Entries) -> Commit:
    """A block, its events in their newest revision."""
    heads, lines, additions = zip(*entries, strict=True)
    return Commit(lines, additions, heads)


def _portions(read: Read, statement: str, start: tuple[Any, ...]) -> Iterator[Rows]:
    """The rows behind a key, in order; their last column is what makes them large."""
    while rows := read(lambda connection: connection.execute(statement, (*start, ROWS)).fetchall()):  # noqa: B023
        yield from _cut(rows)
        start = rows[-1][: len(start)]


def _cut(rows: Rows) -> Iterator[Rows]:
    portion: Rows = []
    size = 0
    for row in rows:
        if portion and size + len(row[-1]) > BYTES:
            yield portion
            portion, size = [], 0
        portion.append(row)
        size += len(row[-1])
    yield portion


def _sound(rows: Rows, seals: Seals, decode: Callable[..., T]) -> Iterable[T]:
    for row in rows:
        try:
            yield decode(seals, *row)
        except ImpetusError as error:
            seals.report(error)


def _piece(seals: Seals, space: str, key: bytes, value: bytes) -> tuple[Key, bytes]:
    return Key(space, key), open_state(seals, space, key, value)

"""Looking through all rows of a store: their seals, and the totals that are kept of them."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

from impetus.domain.errors import ImpetusError
from integrations.embedded.reader import decode_alert, decode_incident
from integrations.embedded.salvage import damaged_table, is_corrupt
from integrations.embedded.seal import Seals, damaged_row
from integrations.embedded.state import SEALED

_TOTALS = {"alerts": "SELECT count(*) FROM alert", "incidents": "SELECT count(*) FROM incident WHERE live"}


def check_rows(connection: sqlite3.Connection, seals: Seals) -> Iterator[ImpetusError]:
    """What of the rows is damaged: values that fail their seals, and totals that are not those of the rows."""
    yield from _guarded("state", lambda: _check_state(connection, seals))
    yield from _guarded("position", lambda: _check_positions(connection, seals))
    yield from _guarded("alert", lambda: _check_bodies(connection, "alert", partial(decode_alert, seals)))
    yield from _guarded("incident", lambda: _check_bodies(connection, "incident", partial(decode_incident, seals)))
    yield from _guarded("counter", lambda: _check_totals(connection))


def _guarded(table: str, check: Callable[[], Iterator[ImpetusError]]) -> Iterator[ImpetusError]:
    try:
        yield from check()
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        yield damaged_table(table, str(error))


def _check_state(connection: sqlite3.Connection, seals: Seals) -> Iterator[ImpetusError]:
    for space, key, value in connection.execute("SELECT space, key, value FROM state"):
        if space not in SEALED:
            yield from _error(lambda: seals.open(f"state {space}", key, value))  # noqa: B023 - called right here


def _check_positions(connection: sqlite3.Connection, seals: Seals) -> Iterator[ImpetusError]:
    for source, value in connection.execute("SELECT source, position FROM position"):
        yield from _error(lambda: seals.open("position", source, value))  # noqa: B023 - called right here


def _check_bodies(
    connection: sqlite3.Connection, table: str, decode: Callable[[str, object], object]
) -> Iterator[ImpetusError]:
    for id, body in connection.execute(f"SELECT id, body FROM {table}"):  # noqa: S608 - names of ours
        yield from _error(lambda: decode(id, body))  # noqa: B023 - called right here


def _check_totals(connection: sqlite3.Connection) -> Iterator[ImpetusError]:
    totals = dict(connection.execute("SELECT name, value FROM counter"))
    for name, statement in _TOTALS.items():
        (count,) = connection.execute(statement).fetchone()
        if totals.get(name) != count:
            yield damaged_row("counter", name)


def _error(call: Callable[[], object]) -> Iterator[ImpetusError]:
    try:
        call()
    except ImpetusError as error:
        yield error

"""How the classes of retention stand: what is there, what of it is due, and what an open incident holds."""

import sqlite3
from collections.abc import Sequence

from impetus.domain.retention import Cutoffs, Due
from integrations.embedded.marks import newest_before, written_by
from integrations.embedded.removal import Needed, loose_alerts, old_records, past_incidents, read_needed
from integrations.embedded.seal import Seals

_BLOCKS = "SELECT coalesce(sum(events), 0), min(number) FROM block_index WHERE number > ? AND number <= ?"
_EVER = (1 << 63) - 1


def read_standing(connection: sqlite3.Connection, seals: Seals, cutoffs: Cutoffs) -> Sequence[Due]:
    """How each class stands, in the order of their names in ``CLASSES``. Reads every alert and incident that is due."""
    needed, settled = read_needed(connection, seals), cutoffs.settled
    return (
        _personal(connection, cutoffs.personal),
        _events(connection, cutoffs.events),
        _alerts(connection, seals, cutoffs.alerts, settled, needed),
        _incidents(connection, seals, cutoffs.incidents, settled),
        _audit(connection, cutoffs.audit),
    )


def _personal(connection: sqlite3.Connection, cutoff: int | None) -> Due:
    erased = max(_counter(connection, "erased"), _counter(connection, "thinned"))
    kept, oldest = connection.execute(_BLOCKS, (erased, _EVER)).fetchone()
    due, _ = connection.execute(_BLOCKS, (erased, newest_before(connection, cutoff))).fetchone()
    (held,) = connection.execute("SELECT count(*) FROM held").fetchone()
    return Due("personal", kept + held, due + held, held, _written(connection, oldest))


def _events(connection: sqlite3.Connection, cutoff: int | None) -> Due:
    kept, oldest = connection.execute(_BLOCKS, (0, _EVER)).fetchone()
    due, _ = connection.execute(_BLOCKS, (0, newest_before(connection, cutoff))).fetchone()
    thinned = _counter(connection, "thinned")
    (held,) = connection.execute("SELECT count(*) FROM held WHERE block <= ?", (thinned,)).fetchone()
    return Due("events", kept, due, held, _written(connection, oldest))


def _alerts(
    connection: sqlite3.Connection, seals: Seals, cutoff: int | None, settled: int | None, needed: Needed
) -> Due:
    kept, oldest = connection.execute("SELECT count(*), min(block) FROM alert").fetchone()
    block = newest_before(connection, cutoff)
    due = sum(1 for _ in loose_alerts(connection, seals, block, settled, needed)) if settled is not None else 0
    return Due("alerts", kept, due, 0, _written(connection, oldest))


def _incidents(connection: sqlite3.Connection, seals: Seals, cutoff: int | None, settled: int | None) -> Due:
    kept, oldest = connection.execute("SELECT count(*), min(block) FROM incident").fetchone()
    block = newest_before(connection, cutoff)
    going = (
        past_incidents(connection, seals, block, settled, cutoff) if settled is not None and cutoff is not None else ()
    )
    return Due("incidents", kept, sum(1 for _ in going), 0, _written(connection, oldest))


def _audit(connection: sqlite3.Connection, cutoff: int | None) -> Due:
    kept, oldest = connection.execute("SELECT count(*), min(block) FROM control WHERE kind <> 'clock'").fetchone()
    block = newest_before(connection, cutoff)
    due = sum(1 for _ in old_records(connection, block)) if block else 0
    return Due("audit", kept, due, 0, _written(connection, oldest))


def _counter(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return int(value)


def _written(connection: sqlite3.Connection, block: int | None) -> int | None:
    return None if block is None else written_by(connection, block)

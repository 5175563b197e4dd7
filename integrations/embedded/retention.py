"""Retention: removing what is old, class by class, in small durable steps.

A step is one transaction that removes some of one class and counts it beside; so a kill leaves whole steps, and the
next sweep goes on. Where a class is done, the count becomes a control record of the log. Pages that are freed are
overwritten (``secure_delete``) and used again by what comes; the file does not shrink.

Blocks are dropped whole. One with events of an open incident is thinned to these, and its personal values stay.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from impetus.domain.batch import Control
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import format_instant
from impetus.domain.retention import RECORD, Cutoffs, DataClass, Removed
from integrations.embedded.connections import Connections
from integrations.embedded.filter import Filters
from integrations.embedded.log import find_heads, read_newest
from integrations.embedded.marks import forget_marks, newest_before
from integrations.embedded.removal import (
    ROWS,
    Needed,
    loose_alerts,
    old_imports,
    old_records,
    past_incidents,
    read_first,
    read_needed,
    remove_alerts,
    remove_imports,
    remove_incidents,
    some,
)
from integrations.embedded.rewriting import Content, Event, erase_all, read_content, thin, write_content
from integrations.embedded.seal import Seals
from integrations.embedded.writer import write_control

BLOCKS = 16
"""Blocks that a step drops at most."""
REFRESH = 256
"""Steps after which what open incidents have is read anew."""

Step = Callable[[DataClass, int, int], int | None]
"""One step of a class: its cut-off (µs), the newest block that is due; how many went, None if nothing is left to do."""


class Sweep:
    """One sweep over a store. ``compress`` is that of its blocks; what is damaged is reported and stays.

    What was written behind block ``upto`` stays whatever its age.
    """

    def __init__(
        self,
        connections: Connections,
        filters: Filters,
        compress: Callable[[bytes], bytes],
        seals: Seals,
        upto: int | None = None,
    ) -> None:
        self._connections, self._filters, self._compress, self._seals = connections, filters, compress, seals
        self._upto = upto
        self._needed = Needed()

    def run(self, cutoffs: Cutoffs, now: int) -> Iterator[Removed]:
        """What each step removed; some remove nothing. Behind each class its record."""
        steps: tuple[tuple[DataClass, Step], ...] = (
            ("events", self._events),
            ("personal", self._personal),
            ("alerts", lambda kind, until, due: self._alerts(kind, until, due, cutoffs.settled)),
            ("incidents", lambda kind, until, due: self._incidents(kind, until, due, cutoffs.settled)),
            ("audit", self._audit),
        )
        for kind, step in steps:
            cutoff = cutoffs.of(kind)
            if cutoff is not None:
                yield from self._run(kind, step, cutoff)
                self._conclude(kind, now)

    def _run(self, kind: DataClass, step: Step, cutoff: int) -> Iterator[Removed]:
        with self._connections.read() as connection:
            due = newest_before(connection, cutoff)
        if self._upto is not None:
            due = min(due, self._upto)
        count: int | None = 0
        steps = 0
        while count is not None:
            if steps % REFRESH == 0:
                with self._connections.read() as connection:
                    self._needed = read_needed(connection, self._seals)
            steps += 1
            count = step(kind, cutoff, due)
            yield Removed(kind, cutoff, count or 0)

    def _conclude(self, kind: DataClass, now: int) -> None:
        """Put on record what was removed of a class since its last record."""
        with self._connections.write() as connection:
            row = connection.execute("SELECT until, removed FROM removal WHERE class = ?", (kind,)).fetchone()
            if row is None:
                return
            until, removed = row
            body = {"class": kind, "until": format_instant(until), "removed": removed, "at": format_instant(now)}
            connection.execute("DELETE FROM removal WHERE class = ?", (kind,))
            write_control(connection, read_newest(connection) + 1, Control(RECORD, kind, msgspec.json.encode(body)))

    # --- blocks

    def _events(self, kind: DataClass, cutoff: int, due: int) -> int | None:
        """Drop the oldest blocks that are due, or thin the next one."""
        with self._connections.read() as connection:
            thinned = _reached(connection, "thinned")
            number = self._released(connection, 0, min(thinned, due))
            free = list(self._free(connection, thinned, due)) if number is None else []
            if number is None and not free:
                number = _next_block(connection, thinned, due)
            content = self._content(connection, number) if number is not None else None
        if free:
            return self._drop(kind, cutoff, free)
        if number is None:
            return None
        if content is None:
            return self._pass("thinned", number)
        left = thin(content, self._needed.events)
        return self._exchange(kind, cutoff, "thinned", content, left, len(content.events) - len(left))

    def _free(self, connection: sqlite3.Connection, thinned: int, due: int) -> Iterator[tuple[int, list[str]]]:
        """The next blocks in a row of which no open incident needs anything, with the ids of their events."""
        statement = "SELECT number FROM block_index WHERE number > ? AND number <= ? ORDER BY number LIMIT ?"
        for (number,) in connection.execute(statement, (thinned, due, BLOCKS)).fetchall():
            heads = find_heads(connection, number, self._seals.report)
            ids = heads.ids if heads is not None else []  # one that cannot be read has nothing that could be kept
            if not self._needed.events.isdisjoint(ids):
                return
            yield number, ids

    def _drop(self, kind: DataClass, cutoff: int, blocks: Collection[tuple[int, list[str]]]) -> int:
        with self._writing() as connection:
            count = sum(_drop_block(connection, number, ids) for number, ids in blocks)
            newest = max(number for number, _ in blocks)
            _reach(connection, "thinned", newest)
            forget_marks(connection, newest)
            first = read_first(connection)
            connection.execute("DELETE FROM control WHERE block < ? AND kind = 'clock'", (first,))
            _count(connection, kind, cutoff, count)
        return count

    def _personal(self, kind: DataClass, cutoff: int, due: int) -> int | None:
        """Erase the personal values of the next block that is due, at last those of records that were refused."""
        with self._connections.read() as connection:
            thinned, erased = _reached(connection, "thinned"), _reached(connection, "erased")
            number = self._released(connection, thinned, min(erased, due))
            if number is None:
                number = _next_block(connection, max(thinned, erased), due)
            content = self._content(connection, number) if number is not None else None
        if number is None:
            return self._refused(kind, cutoff, due)
        if content is None:
            return self._pass("erased", number)
        events, count = erase_all(content, self._needed.events)
        return self._exchange(kind, cutoff, "erased", content, events, count)

    def _refused(self, kind: DataClass, cutoff: int, due: int) -> int | None:
        """Remove refused records: whose they are nobody can say."""
        statement = "DELETE FROM reject WHERE sequence IN (SELECT sequence FROM reject WHERE block < ? LIMIT ?)"
        with self._writing() as connection:
            count = connection.execute(statement, (due, ROWS)).rowcount
            _count(connection, kind, cutoff, count)
        return count or None

    def _exchange(  # noqa: PLR0913, PLR0917 - what, why and how far
        self, kind: DataClass, cutoff: int, name: str, content: Content, events: Collection[Event], count: int
    ) -> int:
        """Put events in the place of a block's; if it changed meanwhile, that is for the next step."""
        left = {event.head.id for event in events}
        gone = [event.head.id for event in content.events if event.head.id not in left]
        with self._writing() as connection:
            if not events:
                _drop_block(connection, content.number, gone)
            elif count and not write_content(connection, content, events, self._compress, self._filters):
                return 0
            _forget_events(connection, gone)
            connection.execute("DELETE FROM held WHERE block = ?", (content.number,))
            held = [(content.number, id) for id in left & self._needed.events]
            connection.executemany("INSERT INTO held VALUES (?, ?)", held)
            _reach(connection, name, content.number)
            _count(connection, kind, cutoff, count)
        return count

    def _pass(self, name: str, number: int) -> int:
        """Leave a block that cannot be read as it is."""
        with self._writing() as connection:
            _reach(connection, name, number)
            connection.execute("DELETE FROM held WHERE block = ?", (number,))
        return 0

    def _content(self, connection: sqlite3.Connection, number: int) -> Content | None:
        try:
            return read_content(connection, number)
        except ImpetusError as error:
            self._seals.report(error)
            return None

    def _released(self, connection: sqlite3.Connection, after: int, last: int) -> int | None:
        """A block behind ``after`` of which something is held that nothing needs any more."""
        held = connection.execute("SELECT block, event FROM held WHERE block > ? AND block <= ?", (after, last))
        return next((block for block, event in held if event not in self._needed.events), None)

    # --- rows

    def _alerts(self, kind: DataClass, cutoff: int, due: int, settled: int | None) -> int | None:
        with self._connections.read() as connection:
            ids = some(loose_alerts(connection, self._seals, due, settled, self._needed)) if settled is not None else ()
        return self._remove(kind, cutoff, len(ids), lambda connection: remove_alerts(connection, ids))

    def _incidents(self, kind: DataClass, cutoff: int, due: int, settled: int | None) -> int | None:
        with self._connections.read() as connection:
            ids = some(past_incidents(connection, self._seals, due, settled, cutoff)) if settled is not None else ()
            imports = old_imports(connection, self._seals, cutoff) if not ids else []
        if imports:
            return self._remove(kind, cutoff, len(imports), lambda connection: remove_imports(connection, imports))
        return self._remove(kind, cutoff, len(ids), lambda connection: remove_incidents(connection, self._seals, ids))

    def _audit(self, kind: DataClass, cutoff: int, due: int) -> int | None:
        with self._connections.read() as connection:
            ids = [(sequence,) for sequence, _ in zip(old_records(connection, due), range(ROWS), strict=False)]
        drop = "DELETE FROM control WHERE sequence = ?"
        return self._remove(kind, cutoff, len(ids), lambda connection: connection.executemany(drop, ids))

    def _remove(
        self, kind: DataClass, cutoff: int, count: int, remove: Callable[[sqlite3.Connection], object]
    ) -> int | None:
        if not count:
            return None
        with self._writing() as connection:
            remove(connection)
            _count(connection, kind, cutoff, count)
        return count

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction in which what is deleted is overwritten with zeros."""
        with self._connections.write() as connection:
            (before,) = connection.execute("PRAGMA secure_delete").fetchone()
            connection.execute("PRAGMA secure_delete = ON").fetchall()
            try:
                yield connection
            finally:
                connection.execute(f"PRAGMA secure_delete = {before}").fetchall()


def _next_block(connection: sqlite3.Connection, after: int, due: int) -> int | None:
    statement = "SELECT min(number) FROM block_index WHERE number > ? AND number <= ?"
    row: tuple[int | None] = connection.execute(statement, (after, due)).fetchone()
    return row[0]


def _drop_block(connection: sqlite3.Connection, number: int, ids: Iterable[str]) -> int:
    """Remove a block with what the ledger says of its events; how many events it had."""
    row = connection.execute("SELECT events FROM block_index WHERE number = ?", (number,)).fetchone()
    _forget_events(connection, ids)
    connection.execute("DELETE FROM block WHERE number = ?", (number,))
    return row[0] if row is not None else 0


def _forget_events(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    if connection.execute("SELECT 1 FROM ledger LIMIT 1").fetchone() is not None:
        connection.executemany("DELETE FROM ledger WHERE event = ?", ((id,) for id in ids))


def _reached(connection: sqlite3.Connection, name: str) -> int:
    """The newest block that a class is done with."""
    (block,) = connection.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return int(block)


def _reach(connection: sqlite3.Connection, name: str, block: int) -> None:
    connection.execute("UPDATE counter SET value = max(value, ?) WHERE name = ?", (block, name))


def _count(connection: sqlite3.Connection, kind: DataClass, until: int, count: int) -> None:
    """Count what a step removed, in its own transaction: until it is on record no kill can lose it."""
    if count:
        connection.execute(
            """INSERT INTO removal VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
                until = max(until, excluded.until), removed = removed + excluded.removed""",
            (kind, until, count),
        )

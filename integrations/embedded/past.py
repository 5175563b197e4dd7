"""The ids of the newest events of the log, asked for before they are read, and read block by block."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence

from integrations.embedded.filter import Filters, view
from integrations.embedded.log import find_heads
from integrations.embedded.salvage import Report, damaged_table, is_corrupt

Read = Callable[[Callable[[sqlite3.Connection], list[str]]], list[str]]
"""Reads on a snapshot of the store."""

FEW = 64
"""So many ids are looked for in the filter of one block after the other; for more, all filters are joined first."""
BLOCKS = 64
"""So many blocks at most are read at a time: they may be very small."""

_FILTERS = "SELECT number, events, ids FROM block_index WHERE number < ? ORDER BY number DESC"
_NUMBERS = "SELECT number FROM {} WHERE number < ? ORDER BY number DESC LIMIT ?"


class LogPast:
    """The ids of about the newest ``limit`` events that are in the log when it is made; see ``ports.Past``."""

    def __init__(self, read: Read, filters: Filters, newest: int, limit: int, report: Report) -> None:
        self._read, self._filters, self._report = read, filters, report
        self._end = newest + 1
        """Blocks before it are unread."""
        self._left = limit
        self._hashes: set[int] | None = None

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of some ids that are among the unread ones."""
        return set(self._read(lambda connection: self._find(connection, ids))) if ids else set()

    def read(self, least: int) -> Sequence[str]:
        """The next ids, newest first, about so many; none at the end."""
        return self._read(lambda connection: self._read_on(connection, least))

    def _find(self, connection: sqlite3.Connection, ids: Sequence[str]) -> list[str]:
        hashes = frozenset(map(self._filters.hash, ids))
        if len(hashes) > FEW and (union := self._union(connection)) is not None:
            hashes &= union
        wanted, found = set(ids), list[str]()
        for number, packed in self._unread(connection) if hashes else ():
            if packed is None or self._filters.may_hold_any(packed, hashes):
                here = wanted.intersection(self._ids(connection, number))
                found += here
                wanted -= here
        return found

    def _union(self, connection: sqlite3.Connection) -> set[int] | None:
        """The hashes of all ids that were unread when it was first asked for; None if some filter is lost."""
        if self._hashes is None:
            hashes = set[int]()
            for _, packed in self._unread(connection):
                if packed is None:
                    return None
                hashes.update(view(packed))
            self._hashes = hashes
        return self._hashes

    def _unread(self, connection: sqlite3.Connection) -> Iterator[tuple[int, bytes | None]]:
        """The unread blocks with their filters of ids, newest first; None for what cannot be read of these."""
        left, end = self._left, self._end
        try:
            for number, events, packed in connection.execute(_FILTERS, (end,)):
                if left <= 0:
                    return
                left, end = left - events, number
                yield number, packed
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            self._report(damaged_table("block_index", str(error)))
            yield from ((number, None) for number in self._numbers(connection, end, left))

    def _read_on(self, connection: sqlite3.Connection, least: int) -> list[str]:
        found: list[str] = []
        numbers = self._numbers(connection, self._end, BLOCKS) if self._left > 0 else []
        for number in numbers:
            found += reversed(self._ids(connection, number)[-(self._left - len(found)) :])
            self._end = number
            if len(found) >= min(least, self._left):
                break
        self._left -= len(found)
        # Blocks without any id that can be read are not the end.
        return self._read_on(connection, least) if numbers and not found else found

    def _numbers(self, connection: sqlite3.Connection, end: int, most: int) -> list[int]:
        """The numbers of blocks before one, newest first, so many at most."""
        for table in ("block", "block_index"):  # one says it where the other is damaged
            try:
                return [number for (number,) in connection.execute(_NUMBERS.format(table), (end, most))]
            except sqlite3.DatabaseError as error:
                if not is_corrupt(error):
                    raise
                self._report(damaged_table(table, str(error)))
        return []

    def _ids(self, connection: sqlite3.Connection, number: int) -> list[str]:
        heads = find_heads(connection, number, self._report)
        return heads.ids if heads is not None else []

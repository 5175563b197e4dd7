"""The index of keys: which blocks may hold an event with some key, without opening them.

A new block comes with a filter of its own, the sorted 32-bit hashes of its keys. As soon as the 256 blocks of a run
are complete (run = number of the block >> 8) their filters are folded into one: all hashes of the run in order, each
with the last byte of its block's number, cut into pages by the first bits of the hash. A key then costs one page of
2 to 4 KiB for 256 blocks, however many keys they have; nothing else is read. Blocks that an older version wrote have
no entry until ``index_backlog`` came by: they count as holding everything.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence

from impetus.domain.entity import fold_key
from integrations.embedded.filter import HASH_BYTES, Filters, pack_hashes, view
from integrations.embedded.salvage import Report, Rows, ask

RUN_BITS = 8
RUN = 1 << RUN_BITS
"""Blocks of a run; a byte says which one."""
_PAGE_BITS = 12
"""A run has at most so many pages, as a power of two."""
_GONE = 8
_KEPT = (1 << 32 - _GONE) - 1
"""What of a hash stands in an entry; the bits before it are those of the page."""

_FOLDED = "SELECT hashes FROM block_keys WHERE number = ?"
_RUNS = "SELECT number, bits FROM key_run"


def write_keys(connection: sqlite3.Connection, number: int, keys: Iterable[str], filters: Filters) -> None:
    """Write the filter of a block, and fold its run if it is the last one missing."""
    hashes = filters.pack({fold_key(key) for key in keys})
    connection.execute("INSERT OR REPLACE INTO block_keys VALUES (?, ?)", (number, hashes))
    if number % RUN == RUN - 1:
        fold(connection, number >> RUN_BITS)


def fold(connection: sqlite3.Connection, run: int) -> None:
    """Turn the filters of the blocks of a run into one; nothing happens while one of them is still to come."""
    bounds = (run << RUN_BITS, (run + 1 << RUN_BITS) - 1)
    (blocks,) = connection.execute("SELECT count(*) FROM block_index WHERE number BETWEEN ? AND ?", bounds).fetchone()
    (newest,) = connection.execute("SELECT max(number) FROM block_index").fetchone()
    rows = connection.execute("SELECT number, hashes FROM block_keys WHERE number BETWEEN ? AND ?", bounds).fetchall()
    if len(rows) != blocks or not rows or newest < bounds[1]:
        return
    from integrations.embedded.runs import fold_pages  # noqa: PLC0415 - takes long to import, and few steps need it

    bits, pages = fold_pages(rows)
    connection.execute("INSERT OR REPLACE INTO key_run VALUES (?, ?)", (run, bits))
    numbered = ((page_number(run, page), entries) for page, entries in enumerate(pages))
    connection.executemany("INSERT OR REPLACE INTO key_page VALUES (?, ?)", numbered)
    connection.execute("DELETE FROM block_keys WHERE number BETWEEN ? AND ?", bounds)


def page_number(run: int, page: int) -> int:
    """The number of a page in the table of all pages."""
    return run << _PAGE_BITS | page


def exchange_keys(
    connection: sqlite3.Connection, number: int, indexed: Iterable[str], after: Iterable[str], filters: Filters
) -> None:
    """Let the index know other keys of a block that was written anew. What is not indexed yet stays so."""
    run = number >> RUN_BITS
    row = connection.execute("SELECT bits FROM key_run WHERE number = ?", (run,)).fetchone()
    if row is None:
        hashes = filters.pack({fold_key(key) for key in after})
        connection.execute("UPDATE block_keys SET hashes = ? WHERE number = ?", (hashes, number))
        return
    old, new = ({filters.hash(fold_key(key)) for key in keys} for keys in (indexed, after))

    def entries(hashes: Iterable[int]) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for hash in hashes:
            page = page_number(run, hash >> 32 - row[0])
            found.setdefault(page, set()).add((hash & _KEPT) << RUN_BITS | number % RUN)
        return found

    gone, kept = entries(old - new), entries(new)
    for page in gone.keys() | entries(new - old):
        _exchange_entries(connection, page, gone.get(page, set()), kept.get(page, set()))


def _exchange_entries(connection: sqlite3.Connection, page: int, gone: set[int], kept: set[int]) -> None:
    """Entries keep but a part of their hashes: one that another key has too stays."""
    row = connection.execute("SELECT entries FROM key_page WHERE number = ?", (page,)).fetchone()
    if row is not None and len(row[0]) % HASH_BYTES == 0:  # else it is lost: the blocks themselves say
        left = pack_hashes(set(view(row[0])) - gone | kept)
        connection.execute("UPDATE key_page SET entries = ? WHERE number = ?", (left, page))


class KeyIndex:
    """Answers, on one snapshot, which blocks may hold an event that has of each clause at least one key."""

    def __init__(
        self, connection: sqlite3.Connection, filters: Filters, clauses: Iterable[Collection[str]], report: Report
    ) -> None:
        """What of the index is damaged goes to ``report``: the blocks themselves say then."""
        self._connection = connection
        self._filters = filters
        self._report = report
        self._clauses = [frozenset(filters.hash(fold_key(key)) for key in clause) for clause in clauses]
        self._bits: dict[int, int] = dict(self._ask("key_run", _RUNS))
        self._held: dict[int, frozenset[int]] = {}

    def may_hold(self, number: int) -> bool:
        """Whether a block may hold such an event."""
        if not self._clauses:
            return True
        run = number >> RUN_BITS
        bits = self._bits.get(run)
        if bits is not None:
            if run not in self._held:
                self._held[run] = self._find(run, bits)
            return number % RUN in self._held[run]
        rows = self._ask("block_keys", _FOLDED, number)
        return not rows or all(self._filters.may_hold_any(rows[0][0], clause) for clause in self._clauses)

    def _ask(self, table: str, statement: str, *values: int) -> Rows:
        return ask(self._connection, table, statement, values, self._report)

    def _find(self, run: int, bits: int) -> frozenset[int]:
        """The blocks of a run, by the last byte of their numbers."""
        found: frozenset[int] | None = None
        for clause in sorted(self._clauses, key=len):
            here = frozenset(block for wanted in clause for block in self._blocks(run, bits, wanted))
            found = here if found is None else found & here
            if not found:
                break
        return found or frozenset()

    def _blocks(self, run: int, bits: int, wanted: int) -> Sequence[int]:
        statement = "SELECT entries FROM key_page WHERE number = ?"
        rows = self._ask("key_page", statement, page_number(run, wanted >> 32 - bits))
        if not rows or len(rows[0][0]) % HASH_BYTES:
            return range(RUN)  # a page is lost: the blocks themselves say
        entries, first = view(rows[0][0]), (wanted & _KEPT) << RUN_BITS
        start = bisect_left(entries, first)
        return [entry % RUN for entry in entries[start : bisect_left(entries, first + RUN, start)]]


def read_backlog(connection: sqlite3.Connection) -> int:
    """The newest block that an older version wrote and that has no entry yet; 0 if there is none."""
    (backlog,) = connection.execute("SELECT newest FROM key_backlog").fetchone()
    return int(backlog)


def index_backlog(
    connection: sqlite3.Connection, filters: Filters, keys_of: Callable[[int], Collection[str] | None], most: int
) -> None:
    """Give some of the blocks of older versions their entries, the newest first; None for one that cannot be read."""
    backlog = read_backlog(connection)
    if not backlog:
        return
    statement = "SELECT number FROM block_index WHERE number <= ? ORDER BY number DESC LIMIT ?"
    numbers = [number for (number,) in connection.execute(statement, (backlog, most))]
    for number in numbers:
        keys = keys_of(number)
        if keys is not None:
            write_keys(connection, number, keys, filters)
        connection.execute("UPDATE block_index SET keys = x'' WHERE number = ?", (number,))
        fold(connection, number >> RUN_BITS)
    left = numbers[-1] - 1 if len(numbers) == most else 0
    connection.execute("UPDATE key_backlog SET newest = ?", (left,))


class KeyCheck:
    """Compares the index of keys with the blocks; a run is read once for its blocks in order."""

    def __init__(self, connection: sqlite3.Connection, filters: Filters, runs: bool = True) -> None:
        """Without ``runs`` only filters of single blocks are compared."""
        self._connection = connection
        self._filters = filters
        # What of it is damaged is named by the check of the pages.
        self._bits: dict[int, int] = dict(ask(connection, "key_run", _RUNS, (), lambda _: None)) if runs else {}
        self._run = -1
        self._entries: dict[int, set[tuple[int, int]]] = {}

    def agrees(self, number: int, keys: Iterable[str]) -> bool:
        """Whether the index has exactly the keys of a block, or does not know it yet."""
        packed = self._filters.pack({fold_key(key) for key in keys})
        run = number >> RUN_BITS
        bits = self._bits.get(run)
        if bits is None:
            row: tuple[bytes] | None = self._connection.execute(_FOLDED, (number,)).fetchone()
            return row is None or row[0] == packed
        if run != self._run:
            self._run, self._entries = run, self._read(run, bits)
        wanted = {(hash >> 32 - bits, hash & _KEPT) for hash in view(packed)}
        return self._entries.get(number % RUN, set()) == wanted

    def _read(self, run: int, bits: int) -> dict[int, set[tuple[int, int]]]:
        found: dict[int, set[tuple[int, int]]] = {}
        statement = "SELECT number, entries FROM key_page WHERE number BETWEEN ? AND ?"
        bounds = (page_number(run, 0), page_number(run, (1 << bits) - 1))
        for page, entries in self._connection.execute(statement, bounds):
            for entry in view(entries) if len(entries) % HASH_BYTES == 0 else ():
                found.setdefault(entry % RUN, set()).add((page - bounds[0], entry >> RUN_BITS))
        return found

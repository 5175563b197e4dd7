"""The embedded store: the port ``Store`` over one SQLite file. See ``docs/contracts/store.md`` for what it promises."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import structlog
import zstandard

from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Control, Reject
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.incident import Incident
from impetus.domain.keyrange import KeyRange
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery, Sieve, Sifted, Span, StoredEvent
from impetus.domain.retention import Cutoffs, Due, Removed
from integrations.embedded import log, reader, schema, writer
from integrations.embedded.block import Block, encode
from integrations.embedded.connections import Connections, is_full
from integrations.embedded.entries import Entries, read_entries
from integrations.embedded.filter import Filters
from integrations.embedded.holdings import of_entries, of_past, read_rows
from integrations.embedded.inspection import check_rows, newest_blocks, pieces
from integrations.embedded.marks import write_mark
from integrations.embedded.mend import LOG, SMALL, TABLES, is_small, mend
from integrations.embedded.outcome import Outcome, read_outcome
from integrations.embedded.past import LogPast
from integrations.embedded.rederive import FACTS, fills, keep_secret, read_facts
from integrations.embedded.retention import Sweep
from integrations.embedded.salvage import check_pages
from integrations.embedded.seal import Seals
from integrations.embedded.search import EventSearch, bounds
from integrations.embedded.sift import read_candidates, sift_block
from integrations.embedded.standing import read_standing
from integrations.embedded.state import read_pieces, read_state
from integrations.embedded.turns import read_turns

LEVEL = 3
"""Zstandard's level; see ``docs/decisions/0004-embedded-store.md`` for the others measured."""

TURNS = 1_024
"""Blocks that a search asks the index of keys for at a time: the newest answer first, without asking for the rest."""

NAMED = 1_000
"""So many damaged parts are named one by one: a whole disk may be."""

_OPEN = "UPDATE counter SET value = ? WHERE name = 'open'"

_T = TypeVar("_T")


class EmbeddedStore:
    """The log and all that follows from it, in one SQLite file; every method may be called from any thread.

    A commit is one transaction, synced to the disk before it returns. Readers see the snapshot of the newest commit
    and never wait for the writer. Raises ``ImpetusError``: ``store.version`` and ``store.unavailable`` on opening,
    ``store.unavailable`` when nothing can be written (nothing half-written then; try again), ``store.damaged`` when
    the file as a whole cannot be read. A damaged block of the log is left out, logged, and listed by ``damaged``.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        level: int = LEVEL,
        entropy: Callable[[int], bytes] = os.urandom,
        durable: bool = True,
    ) -> None:
        """``durable`` may be false for a file that nobody needs after a crash: commits are not synced then."""
        self._connections = Connections(path, durable)
        self._damaged: dict[str, ImpetusError] = {}
        self._logger = structlog.get_logger(__name__).bind(store=self._connections.file)
        try:
            with self._connections.prepare() as connection:
                schema.prepare(connection, self._connections.file, entropy)
            secret, facts = self._read_facts()
        except BaseException:
            self._connections.close()
            raise
        self._filters = Filters(secret)
        self._level = level
        self.unclean = bool(facts.get("open"))
        """Whether some program that wrote it did not close it: it ended badly, or it runs."""
        self._writes = self._looked = False
        self._seals = Seals(self._report, "sealed" in facts, facts.get("sealed", 0) > 1)
        self._compressor = zstandard.ZstdCompressor(level=level)
        self._committing = threading.Lock()

    @classmethod
    def in_memory(cls) -> "EmbeddedStore":
        """A store that is gone when closed, for a replay: the same in all but durability."""
        return cls(None)

    def commit(self, commit: Commit) -> int:
        """Make a step durable as a whole; returns the cursor behind its incident changes.

        Raises ``ImpetusError`` ``event.malformed`` on a line break within an event, text that is not Unicode, and times
        beyond 64 bits.
        """
        with self._committing:
            try:
                block = encode(commit, self._compressor.compress) if commit.lines else None
                try:
                    return self._write(commit, block)
                except ImpetusError as error:
                    if not self._may_be_damage(error) or not self._mend():
                        raise
                    return self._write(commit, block)
            except (UnicodeEncodeError, OverflowError) as error:
                what = f"a text or a number that cannot be stored: {error}"
                raise ImpetusError("event.malformed", what, hint="Reject such a record on its way in.") from error

    def _write(self, commit: Commit, block: Block | None) -> int:
        if not self._writes:
            self._mend(SMALL)
        with self._connections.write() as connection:
            if not self._writes:
                connection.execute(_OPEN, (True,))
                keep_secret(connection)
            cursor = writer.write(connection, commit, block, self._filters, self._report)
        self._writes, self._looked = True, False
        return cursor

    def _may_be_damage(self, error: ImpetusError) -> bool:
        """Whether a commit may have failed on a damaged page. A wild row id there is told as a full disk: that is
        looked into once, until a commit comes through."""
        looked, self._looked = self._looked, True
        return error.code == "store.damaged" or (is_full(error) and not looked)

    def _mend(self, tables: Sequence[str] = TABLES) -> bool:
        """Make anew what cannot be written because of damaged pages; whether there was any."""
        with self._connections.prepare(writes=True) as connection:
            every = (*tables, LOG) if tables == TABLES and is_small(connection) else tables
            return mend(connection, self._report, fills(self._seals, self._filters), every)

    def _read_facts(self) -> tuple[bytes, Mapping[str, int]]:
        """The secret, and what is known of the file; where their pages are damaged, they are made anew."""
        try:
            return self._read(read_facts)
        except ImpetusError as error:
            if error.code != "store.damaged":
                raise
            with self._connections.prepare(writes=True) as connection:
                if not mend(connection, self._report, FACTS, tuple(FACTS)):
                    raise
            return self._read(read_facts)

    def state(self, space: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Every piece of state of a space whose key begins with a prefix, by key, of one snapshot."""
        return iter(self._read(lambda connection: read_state(connection, self._seals, space, prefix)))

    def pieces(self, space: str, ranges: Sequence[KeyRange], most: int | None = None) -> list[tuple[bytes, bytes]]:
        """The pieces of state of a space whose keys lie in some ranges, those of each by key, so many at most."""
        return self._read(lambda connection: read_pieces(connection, self._seals, space, ranges, most))

    def positions(self) -> dict[str, bytes]:
        """The positions of all sources."""
        return self._read(partial(reader.read_positions, seals=self._seals))

    def controls(self) -> list[tuple[int, Control]]:
        """Control records in order, each with the number of the block before which it takes effect."""
        return self._read(partial(reader.read_controls, seals=self._seals))

    def past(self, limit: int) -> LogPast:
        """The ids of the newest ``limit`` events of the log, asked and read bit by bit."""
        return LogPast(self._read, self._filters, self.newest(), limit, self._report)

    def log(self) -> Iterator[tuple[bytes, ...]]:
        """The blocks that are in the log now, in order, each as its lines. Damaged ones are reported and skipped."""
        return (lines for _, lines in self.blocks(0, self._read(log.read_newest)))

    def newest(self) -> int:
        """The number of the newest block; 0 in an empty log."""
        return self._read(log.read_newest)

    def blocks(self, first: int, last: int) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        """The blocks of a range of numbers, each with its number. Damaged ones are reported and skipped."""
        number = first - 1
        # Each block is a snapshot of its own: a slow replay must not keep the write-ahead log from being folded in.
        while number := self._read(partial(log.read_next, after=number, newest=last)) or 0:
            try:
                lines = self._read(partial(log.read_lines, number=number))
            except ImpetusError as error:
                self._report(error)
                continue
            yield number, tuple(lines)

    def entries(self, number: int) -> Entries:
        """The events of a block with head and addition; none of one that is damaged, which is reported, or gone."""

        def read(connection: sqlite3.Connection) -> Entries:
            return read_entries(connection, number) if log.is_there(connection, number) else []

        try:
            return self._read(read)
        except ImpetusError as error:
            if error.code != "store.damaged":
                raise
            self._report(error)
            return []

    def stretch(self, span: Span) -> tuple[int, int]:
        """The first block with an event at or after the start of a span, and the last with one before its end."""
        return self._read(partial(log.read_stretch, span=span, report=self._report))

    def outcome(self) -> Outcome:
        """The end of the log, its control records, and all that holds by then, of one snapshot."""
        return self._read(partial(read_outcome, seals=self._seals))

    def holdings(self, ids: int, since: int | None) -> Iterator[Commit]:
        """All that a correlator goes on with; see ``ports.Portable``. To be read while nothing is committed."""
        yield from read_rows(self._read, self._seals)
        yield from of_past(self.past(ids))
        first, last = self.stretch(Span(start=since)) if since is not None else (1, 0)
        for entries in map(self.entries, range(first, last + 1)):
            if any(head.time >= (since or 0) for head, _, _ in entries):
                yield of_entries(entries)

    def events(self, query: EventQuery) -> list[StoredEvent]:
        """Events that a query asks for, newest first. A ``span`` makes a look-up by ids or keys cheaper."""
        return self._read(lambda connection: EventSearch(connection, query, self._filters, self._report).run())

    def sift(self, sieve: Sieve) -> Iterator[Sifted]:
        """The events that pass a sieve, block by block, the block with the newest event first.

        What is in the log when it begins is sifted. Each block is a snapshot of its own, as for ``blocks``.
        """
        start, end = bounds(sieve.span)
        turns = self._read(partial(read_turns, start=start, end=end, report=self._report))
        for at in range(0, len(turns), TURNS):
            some, following = turns[at : at + TURNS], turns[at + TURNS : at + TURNS + 1]
            ask = partial(read_candidates, turns=some, sieve=sieve, filters=self._filters, report=self._report)
            candidates = self._read(ask)
            rests = [last for _, last in [*candidates[1:], *following]]
            for (number, _), rest in zip_longest(candidates, rests[: len(candidates)]):
                found = self._read(partial(sift_block, number=number, sieve=sieve, rest=rest, report=self._report))
                if found is not None:
                    yield found

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """Alerts by id, in that order; unknown ids are left out."""
        return self._read(lambda connection: reader.read_alerts(connection, self._seals, ids))

    def incident(self, id: str) -> Incident | None:
        """An incident by id; a superseded one gives the one that took its place."""
        return self._read(lambda connection: reader.read_incident(connection, self._seals, id))

    def incidents(self, query: IncidentQuery) -> list[Incident]:
        """Incidents that a query asks for, highest risk first; superseded and withdrawn ones are left out."""
        return self._read(lambda connection: reader.read_incidents(connection, self._seals, query))

    def cursor(self) -> int:
        """The cursor behind the newest incident change; 0 before the first."""
        return self._read(reader.read_cursor)

    def changes(self, cursor: int, limit: int) -> list[tuple[int, Incident]]:
        """Incidents changed since a cursor, each once in its newest revision, with the cursor behind it."""
        return self._read(lambda connection: reader.read_changes(connection, self._seals, cursor, limit))

    def ledger(self) -> list[LedgerLine]:
        """Every ledger line that holds, in the order in which they came."""
        return self._read(partial(reader.read_ledger, seals=self._seals))

    def rejects(self, limit: int) -> list[Reject]:
        """The newest rejects, newest first; of all that came, the newest 10,000 are kept."""
        return self._read(lambda connection: reader.read_rejects(connection, self._seals, limit))

    def counts(self) -> Mapping[str, int]:
        """Totals: ``events``, ``rejected``, ``duplicates``, ``alerts`` (not gone), ``incidents`` (live)."""
        return self._read(partial(reader.read_counts, seals=self._seals))

    def mark(self, now: int) -> None:
        """Note that all that is there now was written by a wall clock of ``now`` (µs)."""
        with self._connections.write() as connection:
            write_mark(connection, now)

    def sweep(self, cutoffs: Cutoffs, now: int, upto: int | None = None) -> Iterator[Removed]:
        """Remove what is due, a small durable step at a time; nothing that was written behind block ``upto``."""
        compress = zstandard.ZstdCompressor(level=self._level).compress
        return Sweep(self._connections, self._filters, compress, self._seals, upto).run(cutoffs, now)

    def due(self, cutoffs: Cutoffs) -> Sequence[Due]:
        """How each class of retention stands."""
        return self._read(lambda connection: read_standing(connection, self._seals, cutoffs))

    def damaged(self) -> list[ImpetusError]:
        """What was found damaged since the store was opened."""
        return list(self._damaged.values())

    def check(self) -> list[ImpetusError]:
        """Read the whole store and say what is damaged; takes as long as reading the file takes."""

        def read(connection: sqlite3.Connection) -> list[ImpetusError]:
            return [
                *check_pages(connection),
                *check_rows(connection, self._seals),
                *log.check_blocks(connection, self._filters),
            ]

        for error in self._read(read):
            self._report(error)
        return self.damaged()

    def inspect(self) -> Iterator[None]:
        """Check the newest blocks, all rows and what SQLite knows of them, a small piece each step, beside who writes.

        What is damaged is reported as it is found. Raises ``ImpetusError`` where the store cannot be read.
        """
        for piece in pieces(self._read(newest_blocks), self._seals, self._filters):
            for error in self._read(piece):
                self._report(error)
            yield

    def close(self) -> None:
        """Release the store. A commit that is under way ends first; a read does early, with ``store.unavailable``, as
        does whatever comes later."""
        with self._committing:
            if self._writes:
                # A full disk: it counts as not closed, and is looked through after the next start.
                with contextlib.suppress(ImpetusError), self._connections.write() as connection:
                    connection.execute(_OPEN, (False,))
                self._writes = False
            self._connections.close()

    def _read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._connections.read() as connection:
            try:
                return read(connection)
            except (TypeError, ValueError, LookupError, OverflowError) as error:
                for damage in check_pages(connection):  # values of other kinds than were written: damage, or a defect
                    raise damage from error
                raise

    def _report(self, error: ImpetusError) -> None:
        if len(self._damaged) >= NAMED:
            error = ImpetusError(error.code, "more parts are damaged than are named one by one", hint=error.hint)
        part = error.where.key or error.what
        if part not in self._damaged:
            here = Where(self._connections.file, key=error.where.key)
            self._damaged[part] = ImpetusError(error.code, error.what, here, error.hint)
            self._logger.error("store damaged", code=error.code, what=error.what, where=str(here))

"""Connections to a store file: one that writes, and as many that read as there are readers at a time."""

import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

from impetus.domain.errors import ImpetusError, Where
from integrations.embedded.salvage import is_corrupt

BUSY_MS = 5_000
"""How long a statement waits for a lock that another process holds on the file."""
PAGE_BYTES = 8_192
CHECKPOINT_PAGES = 4_096
"""The write-ahead log is copied into the file about every 32 MiB: fewer copies than SQLite's default of 4 MiB makes."""

_HINTS = {
    sqlite3.SQLITE_FULL: "Free space on the disk; nothing of this step was written, and it can be tried again.",
    sqlite3.SQLITE_BUSY: "Another process holds the file; stop it or wait.",
    sqlite3.SQLITE_READONLY: "The file or its folder must be writable.",
    sqlite3.SQLITE_CANTOPEN: "The folder must exist and be writable.",
}


def name_error(error: sqlite3.Error, file: str) -> ImpetusError:
    """The error for people behind one of SQLite: ``store.damaged`` or ``store.unavailable``."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if is_corrupt(error):
        return ImpetusError("store.damaged", str(error), Where(file), "Restore the file from a backup.")
    return ImpetusError("store.unavailable", str(error), Where(file), _HINTS.get(primary, ""))


def is_full(error: ImpetusError) -> bool:
    """Whether SQLite said that there is no room, on the disk or among the row ids of a table."""
    return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def is_of_the_file(error: sqlite3.Error) -> bool:
    """Whether an error tells of the file or the disk, not of a mistake in this program."""
    return type(error) in {sqlite3.OperationalError, sqlite3.DatabaseError} or "closed" in str(error)


class Connections:
    """Hands out the connections of one store.

    A file is read through connections of the readers' own, each on a snapshot, so no reader waits for the writer. A
    store in memory (``path`` None) has a single connection, and whoever uses it waits for the others.
    """

    def __init__(self, path: Path | None, durable: bool = True) -> None:
        self.file = str(path) if path is not None else ":memory:"
        self._path = path
        self._synchronous = "FULL" if durable else "OFF"
        self._writing = threading.RLock()
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._reading: set[sqlite3.Connection] = set()
        self._guard = threading.Lock()
        """Of what is read by whom, so that none is interrupted that is closed."""
        self._closed = False
        self._lock_file: IO[bytes] | None = None
        with self._named():
            self._writer = self._open()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: durable as a whole when the block ends, undone as a whole when it raises."""
        with self._writing, self._named():
            self._claim()
            with _transaction(self._writer, "BEGIN IMMEDIATE", "COMMIT"):
                yield self._writer

    @contextmanager
    def prepare(self, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
        """The writing connection outside a transaction, to set up the file; no other process ``writes`` meanwhile."""
        with self._writing, self._named():
            if writes:
                self._claim()
            yield self._writer

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One snapshot: all that is read in the block is of the same instant."""
        if self._path is None:
            with self._writing, self._named(), _snapshot(self._writer):
                yield self._writer
            return
        with self._named():
            connection = self._borrow()
            try:
                with _snapshot(connection):
                    self._begin(connection)
                    yield connection
            finally:
                with self._guard:
                    self._reading.discard(connection)
                self._give_back(connection)

    def close(self) -> None:
        """Close what is idle now, and what is in use when it comes back; what is being read ends early."""
        with self._writing:
            with self._guard:
                self._closed = True
                for connection in self._reading:
                    connection.interrupt()
            self._drain()
            self._writer.close()
            if self._lock_file is not None:
                self._lock_file.close()
                self._lock_file = None

    def _open(self) -> sqlite3.Connection:
        if self._path is None:
            return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Events tell of people: the file, and the -wal and -shm that take after it, are their owner's only.
            # Only a file that is not there is opened here: closing one that SQLite has open drops SQLite's locks
            # (POSIX), and another process that closes the store then deletes the -wal that this one writes.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            pass
        except OSError as error:
            raise ImpetusError("store.unavailable", error.strerror or str(error), Where(self.file)) from error
        connection = sqlite3.connect(self.file, BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        for pragma in (
            f"page_size = {PAGE_BYTES}",
            # FULL syncs the write-ahead log at every commit: one that was acknowledged survives a loss of power.
            f"synchronous = {self._synchronous}",
            "fullfsync = ON",  # macOS only: its plain fsync does not reach the medium
            "checkpoint_fullfsync = ON",
            "foreign_keys = ON",
            "cell_size_check = ON",  # a damaged page is told when it is read, not when something comes of it
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            f"journal_size_limit = {4 * CHECKPOINT_PAGES * PAGE_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _borrow(self) -> sqlite3.Connection:
        if self._closed:
            raise ImpetusError("store.unavailable", "the store is closed", Where(self.file))
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            connection = self._open()
            connection.execute("PRAGMA query_only = ON")
            return connection

    def _begin(self, connection: sqlite3.Connection) -> None:
        """From here on closing the store ends what is read."""
        with self._guard:
            if self._closed:
                raise ImpetusError("store.unavailable", "the store is closed", Where(self.file))
            self._reading.add(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        self._idle.put(connection)
        if self._closed:
            self._drain()

    def _drain(self) -> None:
        while not self._idle.empty():
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _claim(self) -> None:
        """Refuse a second writing process: two correlators would each take in the other's events."""
        if self._path is None or self._lock_file is not None:
            return
        try:
            lock_file = os.fdopen(os.open(f"{self.file}.lock", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
        except OSError as error:
            raise ImpetusError("store.unavailable", error.strerror or str(error), Where(f"{self.file}.lock")) from error
        with suppress(OSError):  # one of an earlier version: whoever may open it could hold it
            os.fchmod(lock_file.fileno(), 0o600)
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock_file.close()
            what, hint = "another process writes this store", "Stop that one first; reading is possible meanwhile."
            raise ImpetusError("store.unavailable", what, Where(self.file), hint) from error
        self._lock_file = lock_file

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if not is_of_the_file(error):
                raise
            raise name_error(error, self.file) from error
        except UnicodeDecodeError as error:  # in what SQLite says of a damaged schema, or in a damaged text
            what, hint = "a text in the file is not Unicode", "Restore the file from a backup."
            raise ImpetusError("store.damaged", what, Where(self.file), hint) from error


def _snapshot(connection: sqlite3.Connection) -> AbstractContextManager[None]:
    """A transaction that only reads. It is rolled back: a commit would fail after a damaged page was met."""
    return _transaction(connection, "BEGIN", "ROLLBACK")


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str, end: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute(end)
    finally:
        # Some errors (a full disk) have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")

"""A store that commits while its user goes on: what is read from it afterwards waits until that is durable."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Control, Reject
from impetus.domain.incident import Incident
from impetus.domain.keyrange import KeyRange
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery, Past, Sieve, Sifted, Store, StoredEvent


class FollowingStore:
    """The port ``Store`` for one user thread, over another store that one thread of its own commits to, in order.

    Whoever reads sees all that was handed over before, as if each commit had been waited for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="committer")
        self._last: Future[None] | None = None

    def hand_over(self, commit: Callable[[], None]) -> Future[None]:
        """Let a commit be made behind those before; what it raises, its future does."""
        self._last = self._thread.submit(commit)
        return self._last

    def stop(self) -> None:
        """Wait for what was handed over, and stop the thread. The store stays open."""
        self._thread.shutdown()

    def _settled(self) -> Store:
        if self._last is not None:
            wait((self._last,))
        return self._store

    # --- the port

    def commit(self, commit: Commit) -> int:
        """Make a step durable, and wait for it."""
        return self._settled().commit(commit)

    def state(self, space: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Every piece of state of a space whose key begins with a prefix."""
        return self._settled().state(space, prefix)

    def pieces(self, space: str, ranges: Sequence[KeyRange], most: int | None = None) -> list[tuple[bytes, bytes]]:
        """The pieces of state of a space whose keys lie in some ranges."""
        return self._settled().pieces(space, ranges, most)

    def positions(self) -> dict[str, bytes]:
        """The positions of all sources."""
        return self._settled().positions()

    def controls(self) -> Sequence[tuple[int, Control]]:
        """Control records in order."""
        return self._settled().controls()

    def past(self, limit: int) -> Past:
        """The ids of about the newest events, asked and read bit by bit; what is handed over later changes none."""
        return self._settled().past(limit)

    def log(self) -> Iterator[tuple[bytes, ...]]:
        """The blocks of the log, in order."""
        return self._settled().log()

    def newest(self) -> int:
        """The number of the newest block of the log."""
        return self._settled().newest()

    def events(self, query: EventQuery) -> list[StoredEvent]:
        """Events that a query asks for."""
        return self._settled().events(query)

    def sift(self, sieve: Sieve) -> Iterator[Sifted]:
        """The events that pass a sieve, block by block."""
        return self._settled().sift(sieve)

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """Alerts by id."""
        return self._settled().alerts(ids)

    def incident(self, id: str) -> Incident | None:
        """An incident by id."""
        return self._settled().incident(id)

    def incidents(self, query: IncidentQuery) -> list[Incident]:
        """Incidents that a query asks for."""
        return self._settled().incidents(query)

    def cursor(self) -> int:
        """The cursor behind the newest incident change."""
        return self._settled().cursor()

    def changes(self, cursor: int, limit: int) -> list[tuple[int, Incident]]:
        """Incidents changed since a cursor."""
        return self._settled().changes(cursor, limit)

    def ledger(self) -> list[LedgerLine]:
        """Every ledger line that holds."""
        return self._settled().ledger()

    def rejects(self, limit: int) -> list[Reject]:
        """The newest rejects."""
        return self._settled().rejects(limit)

    def counts(self) -> Mapping[str, int]:
        """Totals."""
        return self._settled().counts()

    def close(self) -> None:
        """Stop, and release the store."""
        self.stop()
        self._store.close()

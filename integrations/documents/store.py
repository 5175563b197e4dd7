"""The indexed store: the port ``Store`` over a journal on this machine and an index that people search.

A commit is durable in the journal, and indexed behind it. Events and incidents are answered from the index as soon as
it has all that was committed before the call; ``docs/decisions/0016-indexed-store.md`` says why it is so.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Control, Reject
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.keyrange import KeyRange
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery, Past, Sieve, Sifted, StoredEvent
from integrations.documents.cluster import Cluster
from integrations.documents.document import Documents, Sight
from integrations.documents.events import EventIndex
from integrations.documents.incidents import IncidentIndex
from integrations.documents.indexer import Indexer, Mark
from integrations.documents.installation import install
from integrations.documents.journal import Journal
from integrations.documents.loop import Loop
from integrations.documents.seal import Seal

ANSWER = 60.0
"""Seconds that one answer of the index may take."""
_SHORT = 0.05
_HINT = "What is committed is safe in the journal, and indexed when the cluster answers again."


class Options(msgspec.Struct, frozen=True):
    """How an index is kept."""

    namespace: str = "default"
    """The last part of the names of the data streams."""
    days: int = 30
    """How long events are kept, where the cluster sees to that."""
    patience: float = 5.0
    """Seconds that a reader waits until the index has what was committed before it asked."""


class IndexedStore:
    """The port ``Store``; every method may be called from any thread."""

    def __init__(
        self, journal: Journal, make: Callable[[], Cluster], key: bytes, sight: Sight, options: Options
    ) -> None:
        """``make`` is called in the event loop in which the cluster will be asked. It need not answer yet."""
        self.journal, self._patience = journal, options.patience
        self._loop = Loop("index")
        documents = Documents(Seal(key), sight)

        async def begin() -> tuple[Cluster, EventIndex, IncidentIndex]:
            cluster = make()
            return (
                cluster,
                EventIndex(cluster, documents, options.namespace),
                IncidentIndex(cluster, documents, options.namespace),
            )

        self._cluster, self._events, self._incidents = self._loop.run(begin())
        place = f"{options.namespace}-{documents.seal.installation}"
        prepare = partial(install, self._cluster, options.namespace, options.days)
        self._indexer = Indexer(journal, self._cluster, self._events, self._incidents, place, prepare)
        journal.indexed = lambda: self._indexer.whole
        journal.on_commit(lambda: self._loop.call_soon(self._indexer.nudge))
        self._work = self._loop.begin(self._indexer.run())
        self._refreshed = Mark(0, 0, 0)
        self.installation = documents.seal.installation
        """The name of this installation in the documents."""

    # --- how it is

    @property
    def problem(self) -> str:
        """Why nothing is indexed; empty while it works."""
        return self._indexer.problem

    @property
    def behind(self) -> int:
        """How many blocks of the log the index has not yet."""
        return max(0, self.journal.newest() - self._indexer.reached.block)

    def settle(self, seconds: float) -> bool:
        """Wait until the index has all that was committed before; whether it has."""
        aim, end = self._indexer.aim(), time.monotonic() + seconds
        with self._indexer.moved:
            while not self._has(aim):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._indexer.moved.wait(min(left, 1))
        return True

    def _has(self, aim: Mark) -> bool:
        return not self._indexer.problem and self._indexer.reached.reaches(aim)

    def _ready(self) -> int:
        """Wait for the index, but not for long, and give the newest block that it has: what is answered is of then.

        Raises ``ImpetusError`` (store.unavailable).
        """
        self.settle(self._patience if not self.problem else _SHORT)
        reached = self._indexer.reached
        if self.problem or reached.block < 0:
            what = self.problem or "it is still made ready"
            raise ImpetusError("store.unavailable", f"the index does not answer: {what}", hint=_HINT)
        if reached != self._refreshed:
            self._loop.run(self._events.refresh(), ANSWER)
            self._refreshed = reached
        return reached.block

    # --- what the index answers

    def events(self, query: EventQuery) -> list[StoredEvent]:
        """Events that a query asks for, newest first."""
        newest = self._ready()
        return self._loop.run(self._events.find(query, newest), ANSWER)

    def sift(self, sieve: Sieve) -> Iterator[Sifted]:
        """The events that may pass a sieve, the newest first, of those that are in the index at the call."""
        newest = self._ready()
        return self._loop.each(self._events.sift(sieve, newest), ANSWER)

    def incident(self, id: str) -> Incident | None:
        """An incident by id; a superseded one gives the one that took its place."""
        if self._has_incidents():
            return self._loop.run(self._incidents.get(id), ANSWER)
        return self.journal.incident(id)

    def incidents(self, query: IncidentQuery) -> list[Incident]:
        """Incidents that a query asks for."""
        if self._has_incidents():
            return self._loop.run(self._incidents.find(query), ANSWER)
        return self.journal.incidents(query)

    def changes(self, cursor: int, limit: int) -> list[tuple[int, Incident]]:
        """Incidents changed since a cursor."""
        if self._has_incidents():
            return self._loop.run(self._incidents.changes(cursor, limit), ANSWER)
        return self.journal.changes(cursor, limit)

    def _has_incidents(self) -> bool:
        """Whether the index has every incident as it is now. The journal has them, too: nobody has to wait."""
        return self.settle(_SHORT)

    # --- what the journal answers

    def commit(self, commit: Commit) -> int:
        """Make a step durable as a whole; it is indexed behind that."""
        return self.journal.commit(commit)

    def state(self, space: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Every piece of state of a space whose key begins with a prefix."""
        return self.journal.state(space, prefix)

    def pieces(self, space: str, ranges: Sequence[KeyRange], most: int | None = None) -> list[tuple[bytes, bytes]]:
        """The pieces of state of a space whose keys lie in some ranges."""
        return self.journal.pieces(space, ranges, most)

    def positions(self) -> dict[str, bytes]:
        """The positions of all sources."""
        return self.journal.positions()

    def controls(self) -> Sequence[tuple[int, Control]]:
        """Control records in order."""
        return self.journal.controls()

    def past(self, limit: int) -> Past:
        """The ids of the newest events of the log, asked and read bit by bit."""
        return self.journal.past(limit)

    def log(self) -> Iterator[tuple[bytes, ...]]:
        """The blocks of the log, in order."""
        return self.journal.log()

    def newest(self) -> int:
        """The number of the newest block."""
        return self.journal.newest()

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """Alerts by id, in that order."""
        return self.journal.alerts(ids)

    def cursor(self) -> int:
        """The cursor behind the newest incident change."""
        return self.journal.cursor()

    def ledger(self) -> list[LedgerLine]:
        """Every ledger line that holds."""
        return self.journal.ledger()

    def rejects(self, limit: int) -> list[Reject]:
        """The newest rejects."""
        return self.journal.rejects(limit)

    def counts(self) -> Mapping[str, int]:
        """Totals."""
        return self.journal.counts()

    def close(self) -> None:
        """Release the store. What is not indexed yet is the next time."""
        self._work.cancel()
        with closing(self.journal):
            try:
                self._loop.run(self._cluster.close(), 10)
            finally:
                self._loop.stop()

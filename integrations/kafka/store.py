"""The store of the lane: what a correlator needs to go on, as rows that one writer keeps wherever it likes.

It keeps no log and answers no person: the outcomes go to whoever follows, and those stores have all of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Control, Reject, Revision
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident, urgency
from impetus.domain.keyrange import KeyRange, behind, only
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery, Sieve, Sifted, StoredEvent
from impetus.domain.run import Fetch
from integrations.kafka.recent import Block, HeldPast, RecentEvents, RecentIds, encode_block
from integrations.kafka.rows import Rows

STATE, INCIDENT, ALERT, CONTROL, BLOCK, REVISION, IDS, NEWEST = b"s", b"i", b"a", b"c", b"b", b"r", b"d", b"n"
"""The first byte of a row: what it holds."""
COMMANDS = {"action", "undo", "promotion", "clock"}
"""Controls that happened once and are not in force afterwards: followers have them."""

_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.decode
_incident = msgspec.msgpack.Decoder(Incident).decode
_alert = msgspec.msgpack.Decoder(Alert).decode


class LaneStore:
    """The part of the port ``Store`` that a correlator asks for, over rows. Of one thread."""

    def __init__(self, rows: Rows, fetch: Fetch) -> None:
        """``fetch`` gives the events of commits that lie elsewhere."""
        self._rows = rows
        self._recent, self._ids = RecentEvents(fetch), RecentIds()
        self._newest = int.from_bytes(rows.get(NEWEST) or b"")
        for key, row in rows.scan(BLOCK):
            self._recent.restore(int.from_bytes(key[1:]), row)
        for _, row in rows.scan(REVISION):
            self._recent.revise(_decode(row, type=Revision))
        for key, row in rows.scan(IDS):
            for _ in self._ids.add(int.from_bytes(key[1:]), _decode(row, type=tuple[str, ...])):
                pass

    def commit(self, commit: Commit) -> int:
        """Put all that a step changed into the rows, as far as a correlator asks for it again.

        What cannot be encoded raises before anything is put.
        """
        rows = list(_rows_of(commit, self._newest + 1))
        block = Block.of(commit) if commit.lines or commit.runs else None
        row = encode_block(block) if block is not None else b""
        for revision in commit.revisions:
            self._recent.revise(revision)
            self._rows.put(REVISION + revision.id.encode(), _encode(revision))
        if commit.heads or commit.runs:
            self._add(block, row, ids_of(commit))
        for key, value in rows:
            self._rows.put(key, value)
        self._forget(commit)
        return 0

    def _add(self, block: Block | None, row: bytes, ids: tuple[str, ...]) -> None:
        """Take events in; of heads without lines only the ids are kept."""
        self._newest += 1
        number, put = self._newest.to_bytes(8), self._rows.put
        put(NEWEST, number)
        if block is not None:
            put(BLOCK + number, row)
            self._recent.add(self._newest, block)
        put(IDS + number, _encode(ids))
        for forgotten in self._ids.add(self._newest, ids):
            put(IDS + forgotten.to_bytes(8), None)

    def _forget(self, commit: Commit) -> None:
        """Forget the events that are final, as soon as event time moves on."""
        moved = [value for key, value in commit.state if key.space == "clock" and not key.key]
        now = _decode(moved[-1], type=int | None) if moved and moved[-1] else None
        if now is None:
            return
        for number in self._recent.forget(now):
            self._rows.put(BLOCK + number.to_bytes(8), None)
        for id in self._recent.forget_revisions(now):
            self._rows.put(REVISION + id.encode(), None)

    def state(self, space: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Every piece of state of a space whose key begins with a prefix."""
        start = len(_state_key(space, b""))
        return ((key[start:], value) for key, value in self._rows.scan(_state_key(space, prefix)))

    def pieces(self, space: str, ranges: Sequence[KeyRange], most: int | None = None) -> list[tuple[bytes, bytes]]:
        """The pieces of state of a space whose keys lie in some ranges; all of them, since a look costs a scan."""
        return [piece for span in ranges for piece in self._within(space, *span)]

    def _within(self, space: str, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        if (start, end) == only(start):
            value = self._rows.get(_state_key(space, start))
            yield from () if value is None else ((start, value),)
            return
        for key, value in self.state(space, start if end == behind(start) else b""):
            if key >= start and (end is None or key < end):
                yield key, value

    def controls(self) -> Sequence[tuple[int, Control]]:
        """The control records in force, each with the number of the block that it took effect before."""
        found = [_decode(row, type=tuple[int, Control]) for _, row in self._rows.scan(CONTROL)]
        return sorted(found, key=lambda pair: pair[0])

    def past(self, limit: int) -> HeldPast:
        """The ids of about the newest events, to be asked and read."""
        return HeldPast(self._ids.newest(limit))

    def newest(self) -> int:
        """The number of the newest block."""
        return self._newest

    def events(self, query: EventQuery) -> Sequence[StoredEvent]:
        """The events that event time has not passed and that have a key and a time that a query asks for."""
        return self._recent.find(query)

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """Alerts by id."""
        rows = (self._rows.get(ALERT + id.encode()) for id in ids)
        return [_alert(row) for row in rows if row is not None]

    def incident(self, id: str) -> Incident | None:
        """An incident by id; a superseded one gives the one that took its place."""
        seen: set[str] = set()
        while (row := self._rows.get(INCIDENT + id.encode())) is not None and id not in seen:
            seen.add(id)
            found = _incident(row)
            if found.superseded_by is None:
                return found
            id = found.superseded_by
        return None

    def incidents(self, query: IncidentQuery) -> list[Incident]:
        """Incidents that a query asks for, highest risk first."""
        found = [one for _, row in self._rows.scan(INCIDENT) if query.asks_for(one := _incident(row))]
        return sorted(found, key=urgency)[: query.limit]

    def close(self) -> None:
        """The rows are somebody else's."""

    # --- what only those who follow have

    def positions(self) -> dict[str, bytes]:
        """Not kept here."""
        _refuse()

    def log(self) -> Iterator[tuple[bytes, ...]]:
        """Not kept here."""
        _refuse()

    def sift(self, sieve: Sieve) -> Iterator[Sifted]:
        """Not kept here."""
        _refuse()

    def cursor(self) -> int:
        """Not kept here."""
        _refuse()

    def changes(self, cursor: int, limit: int) -> list[tuple[int, Incident]]:
        """Not kept here."""
        _refuse()

    def ledger(self) -> list[LedgerLine]:
        """Not kept here."""
        _refuse()

    def rejects(self, limit: int) -> list[Reject]:
        """Not kept here."""
        _refuse()

    def counts(self) -> Mapping[str, int]:
        """Not kept here."""
        _refuse()


def _rows_of(commit: Commit, block: int) -> Iterator[tuple[bytes, bytes | None]]:
    """The rows of a commit, without those of its events."""
    for control in commit.controls:
        if control.kind not in COMMANDS:
            yield CONTROL + control.kind.encode(), _encode((block, control))
    for key, value in commit.state:
        yield _state_key(key.space, key.key), value
    for alert in commit.alerts:
        yield ALERT + alert.id.encode(), None if alert.gone else _encode(alert)
    for incident in commit.incidents:
        yield INCIDENT + incident.id.encode(), _encode(incident)


def ids_of(commit: Commit) -> tuple[str, ...]:
    """The ids of the events of a commit: its own, and those of its runs."""
    found = [head.id for head in commit.heads]
    for run in commit.runs:
        for start, stop, _ in run.parts:
            found += run.traits.ids[start:stop]
    return tuple(found)


def _state_key(space: str, key: bytes) -> bytes:
    name = space.encode()
    return STATE + len(name).to_bytes(2) + name + key


def _refuse() -> NoReturn:
    raise ImpetusError("store.unavailable", "the lane keeps no log", hint="Ask a store that follows the lane")

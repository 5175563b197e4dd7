"""Finding events: few blocks are opened, newest first, and every hit is checked exactly."""

import heapq
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from impetus.domain.errors import ImpetusError
from impetus.domain.ports import EventQuery, Span, StoredEvent
from integrations.embedded.block import ADDITIONS, LINES, Heads, decode_lines
from integrations.embedded.filter import Filters
from integrations.embedded.keys import KeyIndex
from integrations.embedded.log import find_heads, read_columns
from integrations.embedded.revision import read_additions, read_keys
from integrations.embedded.salvage import Report, is_corrupt
from integrations.embedded.turns import turns_around

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1

# The filters of ids are read only where ids are asked for.
_BY_TIME = "SELECT number, last, x'' FROM block_index WHERE last >= ? AND first < ? ORDER BY last DESC, number DESC"
_BY_IDS = "SELECT number, last, ids FROM block_index WHERE last >= ? AND first < ? ORDER BY last DESC, number DESC"


class _Hit(NamedTuple):
    """Where an event that is asked for stands; the greatest is the newest."""

    time: int
    block: int
    line: int
    id: str


class EventSearch:
    """One query on one snapshot. What is damaged goes to ``report`` and is left out."""

    def __init__(self, connection: sqlite3.Connection, query: EventQuery, filters: Filters, report: Report) -> None:
        self._connection = connection
        self._limit = max(0, query.limit)
        self._start, self._end = bounds(query.span)
        self._keys, self._any = frozenset(query.keys), frozenset(query.any_keys)
        self._later = read_keys(connection, self._keys | self._any, report)
        # Ids are unique in the log, so one that was met is not looked for in older blocks.
        self._missing = set(query.ids)
        self._by_ids = bool(query.ids)
        self._filters = filters
        self._report = report

    def run(self) -> list[StoredEvent]:
        """The newest events that the query asks for, newest first."""
        return self._load(self._find())

    def places(self) -> dict[str, tuple[int, int]]:
        """Where the events that the query asks for stand: id → block and line."""
        return {hit.id: (hit.block, hit.line) for hit in self._find()}

    def _find(self) -> list[_Hit]:
        newest: list[_Hit] = []
        if self._limit == 0:
            return []
        for block, last in self._candidates():
            if len(newest) == self._limit and newest[0].time > last:
                break
            for hit in self._hits(block):
                if len(newest) < self._limit:
                    heapq.heappush(newest, hit)
                else:
                    heapq.heappushpop(newest, hit)
            if self._by_ids and not self._missing:
                break
        return sorted(newest, reverse=True)

    def _candidates(self) -> Iterator[tuple[int, int]]:
        """Blocks that may hold a hit, with the time of their newest event, by that time, newest first."""
        ids = frozenset(map(self._filters.hash, self._missing))
        clauses = [*([key] for key in self._keys), *([self._any] if self._any else [])]
        index = KeyIndex(self._connection, self._filters, clauses, self._report)
        for number, last, packed in self._turns(by_ids=bool(ids)):
            # A block whose filter does not know a key may hold an event that got it by a revision.
            keyed = number in self._later or index.may_hold(number)
            if (packed is None or self._filters.may_hold_any(packed, ids)) if ids else keyed:
                yield number, last

    def _turns(self, *, by_ids: bool) -> Iterator[tuple[int, int, bytes | None]]:
        """All blocks of the span with the filters of their ids; None for what cannot be read of these."""
        seen: set[int] = set()
        try:
            statement = _BY_IDS if by_ids else _BY_TIME
            for number, last, packed in self._connection.execute(statement, (self._start, self._end)):
                seen.add(number)
                yield number, last, packed
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            for number, last in turns_around(self._connection, self._start, self._end, self._report):
                if number not in seen:
                    yield number, last, None

    def _hits(self, block: int) -> Iterator[_Hit]:
        heads = find_heads(self._connection, block, self._report)
        if heads is None:
            return
        for line in self._lines(heads, self._later.get(block, {})):
            if self._start <= heads.times[line] < self._end:
                yield _Hit(heads.times[line], block, line, heads.ids[line])

    def _lines(self, heads: Heads, later: Mapping[str, Sequence[int]]) -> Iterable[int]:
        """The lines of a block that have all keys, one of those of which any will do, and one of the ids asked for."""

        def lines(key: str) -> Collection[int]:
            return [*heads.lines.get(key, ()), *later.get(key, ())]

        sets = [lines(key) for key in self._keys]
        if self._any:
            sets.append({line for key in self._any & (heads.lines.keys() | later.keys()) for line in lines(key)})
        if self._by_ids:
            sets.append(self._named(heads))
        if not sets:
            return range(len(heads.ids))
        sets.sort(key=len)
        return frozenset(sets[0]).intersection(*sets[1:])

    def _named(self, heads: Heads) -> list[int]:
        lines = []
        for line, id in enumerate(heads.ids):
            if id in self._missing:
                self._missing.discard(id)
                lines.append(line)
        return lines

    def _load(self, hits: list[_Hit]) -> list[StoredEvent]:
        """The events of hits, in their order; each block is opened once."""
        wanted: defaultdict[int, list[_Hit]] = defaultdict(list)
        for hit in hits:
            wanted[hit.block].append(hit)
        found: dict[_Hit, StoredEvent] = {}
        for block, here in wanted.items():
            found.update(self._load_block(block, here))
        return [found[hit] for hit in hits if hit in found]

    def _load_block(self, block: int, hits: list[_Hit]) -> dict[_Hit, StoredEvent]:
        names = (ADDITIONS, LINES)
        try:
            additions, lines = (
                decode_lines(block, name, column)
                for name, column in zip(names, read_columns(self._connection, block, *names), strict=True)
            )
            newer = read_additions(self._connection, block, self._report)
        except ImpetusError as error:
            self._report(error)
            return {}
        return {
            hit: StoredEvent(hit.id, hit.time, lines[hit.line], newer.get(hit.line, additions[hit.line]), block)
            for hit in hits
        }


def bounds(span: Span) -> tuple[int, int]:
    """The times of a span, from (included) to (excluded), within what SQLite can compare."""
    start = _LEAST if span.start is None else max(_LEAST, min(span.start, _MOST))
    end = _MOST if span.end is None else max(_LEAST, min(span.end, _MOST))
    return start, end

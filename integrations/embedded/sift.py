"""Sifting the log: block by block, newest first, the events that a query may ask for, for others to look at closely."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence

from impetus.domain.entity import fold_key
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Sieve, Sifted
from integrations.embedded.block import ADDITIONS, HEADS, LINES, Heads, decode_heads, decode_lines
from integrations.embedded.filter import Filters
from integrations.embedded.keys import KeyIndex
from integrations.embedded.log import Report, is_there, read_columns
from integrations.embedded.revision import read_additions, read_block_keys
from integrations.embedded.search import bounds

Turn = tuple[int, int]
"""A block, and the time of its newest event."""


def read_turns(connection: sqlite3.Connection, sieve: Sieve) -> list[Turn]:
    """The blocks with an event within the span of a sieve, by the time of their newest event, newest first."""
    statement = "SELECT number, last FROM block_index WHERE last >= ? AND first < ? ORDER BY last DESC, number DESC"
    return connection.execute(statement, bounds(sieve.span)).fetchall()


def read_candidates(
    connection: sqlite3.Connection, turns: Sequence[Turn], sieve: Sieve, filters: Filters
) -> list[Turn]:
    """Of some turns those whose block may hold an event that passes, by the index alone."""
    index = KeyIndex(connection, filters, sieve.clauses)
    # A revision may have given keys to an event of a block whose filter does not know them.
    revised = {block for (block,) in connection.execute("SELECT DISTINCT block FROM revision_key")}
    return [turn for turn in turns if turn[0] in revised or index.may_hold(turn[0])]


def sift_block(
    connection: sqlite3.Connection, number: int, sieve: Sieve, rest: int | None, report: Report
) -> Sifted | None:
    """What of a block passes; None if nothing does. Damaged blocks are reported and pass nothing."""
    try:
        if not is_there(connection, number):
            return None  # dropped since the turns were read
        heads = decode_heads(number, *read_columns(connection, number, HEADS))
        keys = _keys(heads, read_block_keys(connection, number), sieve)
        passing = _passing(heads, keys, sieve)
        return _load(connection, number, heads, passing, keys, rest) if passing else None
    except ImpetusError as error:
        report(error)
        return None


def _keys(heads: Heads, later: Mapping[str, Collection[int]], sieve: Sieve) -> dict[str, set[int]]:
    """The lines that have each key that a sieve names."""
    wanted = sieve.keys.union(*sieve.clauses)
    found: dict[str, set[int]] = {key: set() for key in wanted}
    for lines in (heads.lines, later) if wanted else ():
        for key, here in lines.items():
            folded = fold_key(key)
            if folded in found:
                found[folded].update(here)
    return found


def _passing(heads: Heads, keys: Mapping[str, set[int]], sieve: Sieve) -> list[int]:
    start, end = bounds(sieve.span)
    lines: Collection[int] = range(len(heads.times))
    for clause in sieve.clauses:
        lines = set(lines).intersection(set[int]().union(*(keys[key] for key in clause)))
    return [line for line in sorted(lines) if start <= heads.times[line] < end]


def _load(  # noqa: PLR0913, PLR0917 - the parts of one answer
    connection: sqlite3.Connection,
    number: int,
    heads: Heads,
    passing: Sequence[int],
    keys: Mapping[str, set[int]],
    rest: int | None,
) -> Sifted:
    names = (ADDITIONS, LINES)
    additions, lines = (
        decode_lines(number, name, column)
        for name, column in zip(names, read_columns(connection, number, *names), strict=True)
    )
    for line, addition in read_additions(connection, number).items():
        additions[line] = addition
    places = {line: place for place, line in enumerate(passing)}
    return Sifted(
        ids=[heads.ids[line] for line in passing],
        times=[heads.times[line] for line in passing],
        lines=[lines[line] for line in passing],
        additions=[additions[line] for line in passing],
        keys={key: frozenset(places[line] for line in here if line in places) for key, here in keys.items()},
        rest=rest,
    )

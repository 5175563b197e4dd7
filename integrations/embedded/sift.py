"""Sifting the log: block by block, newest first, the events that a query may ask for, for others to look at closely."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence

from impetus.domain.entity import fold_key
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Sieve, Sifted
from integrations.embedded.block import ADDITIONS, HEADS, LINES, KeyedHeads, decode_keyed_heads, pick_lines
from integrations.embedded.filter import Filters
from integrations.embedded.keys import KeyIndex
from integrations.embedded.log import is_there, read_columns
from integrations.embedded.revision import read_additions, read_block_keys, read_revised
from integrations.embedded.salvage import Report
from integrations.embedded.search import bounds
from integrations.embedded.turns import Turn


def read_candidates(
    connection: sqlite3.Connection, turns: Sequence[Turn], sieve: Sieve, filters: Filters, report: Report
) -> list[Turn]:
    """Of some turns those whose block may hold an event that passes, by the index alone."""
    index = KeyIndex(connection, filters, sieve.clauses, report)
    # A revision may have given keys to an event of a block whose filter does not know them.
    revised = read_revised(connection, report)
    return [turn for turn in turns if turn[0] in revised or index.may_hold(turn[0])]


def sift_block(
    connection: sqlite3.Connection, number: int, sieve: Sieve, rest: int | None, report: Report
) -> Sifted | None:
    """What of a block passes; None if nothing does. Damaged blocks are reported and pass nothing."""
    try:
        if not is_there(connection, number):
            return None  # dropped since the turns were read
        heads = decode_keyed_heads(number, *read_columns(connection, number, HEADS))
        keys = _keys(heads, read_block_keys(connection, number, report), sieve)
        times = heads.read_times()
        passing = _passing(times, keys, sieve)
        if not passing:
            return None
        ids, places = heads.read_ids(), {line: place for place, line in enumerate(passing)}
        lines, additions = _load(connection, number, passing, report)
        return Sifted(
            ids=[ids[line] for line in passing],
            times=[times[line] for line in passing],
            lines=lines,
            additions=additions,
            keys={key: frozenset(places[line] for line in here if line in places) for key, here in keys.items()},
            rest=rest,
        )
    except ImpetusError as error:
        report(error)
        return None


def _keys(heads: KeyedHeads, later: Mapping[str, Collection[int]], sieve: Sieve) -> dict[str, set[int]]:
    """The lines that have each key that a sieve names."""
    wanted = sieve.keys.union(*sieve.clauses)
    found: dict[str, set[int]] = {key: set() for key in wanted}
    for key in _meeting(heads.lines, wanted):
        found[fold_key(key)].update(heads.read_lines(key))
    for key, here in later.items():
        if (folded := fold_key(key)) in found:
            found[folded].update(here)
    return found


def _meeting(keys: Collection[str], wanted: Collection[str]) -> Iterator[str]:
    """The keys that are among the wanted ones when folded. A block has thousands, so all are folded in one text."""
    text = fold_key("\n".join(["", *keys, ""]))
    if text.count("\n") != len(keys) + 1:  # a break within a key
        yield from (key for key in keys if fold_key(key) in wanted)
        return
    listed = list(keys)
    for key in (key for key in wanted if "\n" not in key):
        place = -1
        while (place := text.find(f"\n{key}\n", place + 1)) >= 0:
            yield listed[text.count("\n", 0, place)]


def _passing(times: Sequence[int], keys: Mapping[str, set[int]], sieve: Sieve) -> list[int]:
    start, end = bounds(sieve.span)
    lines: Collection[int] = range(len(times))
    for clause in sieve.clauses:
        lines = set(lines).intersection(set[int]().union(*(keys[key] for key in clause)))
    return [line for line in sorted(lines) if start <= times[line] < end]


def _load(
    connection: sqlite3.Connection, number: int, passing: Sequence[int], report: Report
) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Some lines of a block and their additions, in their newest revision."""
    additions_column, lines_column = read_columns(connection, number, ADDITIONS, LINES)
    newer = read_additions(connection, number, report)
    additions = pick_lines(number, ADDITIONS, additions_column, passing)
    revised = [newer.get(line, addition) for line, addition in zip(passing, additions, strict=True)]
    return pick_lines(number, LINES, lines_column, passing), revised

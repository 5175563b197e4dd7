"""Writing a block anew under its number, with fewer events or without their personal values.

What revisions said of its events becomes part of it; the index of keys forgets what is no longer found by them.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from impetus.domain.batch import Commit, Head
from impetus.domain.erasure import KINDS, erase
from integrations.embedded.block import ADDITIONS, COLUMNS, HEADS, LINES, decode_heads, decode_lines, encode
from integrations.embedded.filter import Filters
from integrations.embedded.keys import exchange_keys
from integrations.embedded.log import read_columns
from integrations.embedded.revision import read_additions, read_block_keys
from integrations.embedded.salvage import refuse


class Event(NamedTuple):
    """An event of a block, in its newest revision."""

    head: Head
    line: bytes
    addition: bytes


class Content(NamedTuple):
    """The events of a block, and what they were read from: a block may change until it is written anew."""

    number: int
    events: tuple[Event, ...]
    heads: bytes
    indexed: frozenset[str]
    revised: int
    """What tells one set of revisions from another."""


def read_content(connection: sqlite3.Connection, number: int) -> Content:
    """The events of a block. Raises ``ImpetusError`` ``store.damaged``."""
    columns = read_columns(connection, number, *COLUMNS)
    heads = decode_heads(number, columns[0])
    additions, lines = decode_lines(number, ADDITIONS, columns[1]), decode_lines(number, LINES, columns[2])
    newer, later = read_additions(connection, number, refuse), read_block_keys(connection, number, refuse)
    keys: defaultdict[int, list[str]] = defaultdict(list)
    for found in (heads.lines, later):
        for key, places in found.items():
            for place in places:
                keys[place].append(key)
    events = tuple(
        Event(Head(id, time, tuple(keys[place])), line, newer.get(place, addition))
        for place, (id, time, line, addition) in enumerate(zip(heads.ids, heads.times, lines, additions, strict=True))
    )
    return Content(number, events, columns[0], frozenset(heads.lines), _revised(connection, number))


def thin(content: Content, needed: Collection[str]) -> tuple[Event, ...]:
    """The events of a block that are still needed, by id."""
    return tuple(event for event in content.events if event.head.id in needed)


def erase_all(content: Content, needed: Collection[str]) -> tuple[tuple[Event, ...], int]:
    """The events of a block, those that are not needed as they are without personal values; and how many had some."""
    found = [event if event.head.id in needed else _erase(event) for event in content.events]
    changed = sum(new is not old for new, old in zip(found, content.events, strict=True))
    return tuple(found), changed


def _erase(event: Event) -> Event:
    erased = erase(event.line, event.addition)
    keys = tuple(key for key in event.head.keys if not _tells(key, erased.names if erased else frozenset()))
    if erased is None and len(keys) == len(event.head.keys):
        return event
    line, addition = (erased.line, erased.addition) if erased else (event.line, event.addition)
    return Event(Head(event.head.id, event.head.time, keys), line, addition)


def _tells(key: str, names: Collection[str]) -> bool:
    """Whether a key is that of a person."""
    kind, _, value = key.partition(":")
    return kind in KINDS or value.casefold() in names


def write_content(
    connection: sqlite3.Connection,
    content: Content,
    events: Iterable[Event],
    compress: Callable[[bytes], bytes],
    filters: Filters,
) -> bool:
    """Put other events, at least one, in the place of a block's; False if it changed since it was read."""
    events = tuple(events)
    commit = Commit(
        lines=tuple(event.line for event in events),
        additions=tuple(event.addition for event in events),
        heads=tuple(event.head for event in events),
    )
    block, number = encode(commit, compress), content.number
    if (*read_columns(connection, number, HEADS), _revised(connection, number)) != (content.heads, content.revised):
        return False
    ids, times, lines = block.heads
    connection.execute(
        "UPDATE block SET heads = ?, additions = ?, lines = ? WHERE number = ?", (*block.seal(number), number)
    )
    connection.execute(
        "UPDATE block_index SET first = ?, last = ?, events = ?, ids = ? WHERE number = ?",
        (min(times), max(times), len(times), filters.pack(ids), number),
    )
    exchange_keys(connection, number, content.indexed, lines, filters)
    connection.execute("DELETE FROM revision WHERE block = ?", (number,))
    connection.execute("DELETE FROM revision_key WHERE block = ?", (number,))
    return True


def _revised(connection: sqlite3.Connection, number: int) -> int:
    """A number that is another one once a revision changed."""
    return hash(tuple(sorted(read_additions(connection, number, refuse).items())))

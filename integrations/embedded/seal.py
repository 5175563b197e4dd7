"""Seals: checksums of the values that are kept as rows, so that none is served that is not as it was written.

SQLite's pages have no checksums of their own: of a flipped bit within a value it tells nothing. A sealed value is
``MARK``, the CRC-32 of its place and its content, and the content. What an older version wrote has no mark and is
taken as it is in a store that such a version made; the values of the windows have seals of the engine.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from impetus.domain.errors import ImpetusError, Where

MARK = b"\xc1SL1"
"""No msgpack begins so, and no JSON."""
_HEAD = len(MARK) + 4


def seal(table: str, key: str | bytes, content: bytes) -> bytes:
    """The content with its seal, for the row of a table with a key."""
    return MARK + _sum(table, key, content).to_bytes(4, "little") + content


class Seals(NamedTuple):
    """How the values of one store are opened. ``whole``: all have seals, as in every store made since there are any."""

    report: Callable[[ImpetusError], None]
    whole: bool
    records: bool = False
    """Whether the rows of ledger, rejected records and control records all have theirs, too."""

    def open(self, table: str, key: str | bytes, value: object) -> bytes:
        """The content of a value. Raises ``ImpetusError`` ``store.damaged``."""
        if not isinstance(value, bytes):
            raise damaged_row(table, key)
        if value.startswith(MARK):
            content = value[_HEAD:]
            if int.from_bytes(value[len(MARK) : _HEAD], "little") == _sum(table, key, content):
                return content
        elif not self.whole:
            return value
        raise damaged_row(table, key)

    def open_row(self, table: str, row: Sequence[object]) -> None:
        """Check a row by the seal in its last column. Raises ``ImpetusError`` ``store.damaged``."""
        *values, found = row
        if found != seal_row(table, *values) and (found is not None or self.records):
            raise damaged_row(table, " ".join(str(value)[:20] for value in values[:3]))

    def sound(self, table: str, rows: Iterable[Sequence[object]]) -> Iterator[Any]:
        """Those of some rows that pass ``open_row``, without their seals; the others are reported."""
        for row in rows:
            try:
                self.open_row(table, row)
                yield row[:-1]
            except ImpetusError as error:
                self.report(error)


def seal_row(table: str, *values: object) -> int:
    """The seal of a row that has no single value: the CRC-32 of all, for a column of its own."""
    return crc32(msgspec.msgpack.encode(values), crc32(table.encode()))


def damaged_row(table: str, key: object) -> ImpetusError:
    """The error that names a row whose value fails its check."""
    name = key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key)
    hint = "The rest is served without it; restore the file from a backup to have it again."
    return ImpetusError("store.damaged", f"a row of {table} fails its check", Where(key=f"{table} {name[:100]}"), hint)


def _sum(table: str, key: str | bytes, content: bytes) -> int:
    name = key.encode() if isinstance(key, str) else key
    return crc32(content, crc32(name, crc32(table.encode())))

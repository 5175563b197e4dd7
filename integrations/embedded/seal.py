"""Seals: checksums of the values that are kept as rows, so that none is served that is not as it was written.

SQLite's pages have no checksums of their own: of a flipped bit within a value it tells nothing. A sealed value is
``MARK``, the CRC-32 of its place and its content, and the content. What an older version wrote has no mark and is
taken as it is in a store that such a version made; the values of the windows have seals of the engine.
"""

from collections.abc import Callable
from typing import NamedTuple
from zlib import crc32

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


def damaged_row(table: str, key: object) -> ImpetusError:
    """The error that names a row whose value fails its check."""
    name = key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key)
    hint = "The rest is served without it; restore the file from a backup to have it again."
    return ImpetusError("store.damaged", f"a row of {table} fails its check", Where(key=f"{table} {name[:100]}"), hint)


def _sum(table: str, key: str | bytes, content: bytes) -> int:
    name = key.encode() if isinstance(key, str) else key
    return crc32(content, crc32(name, crc32(table.encode())))

"""Rows: where the lane keeps its state, and rows in memory."""

from collections.abc import Iterator
from typing import Protocol


class Rows(Protocol):
    """Bytes under bytes, in the order of the keys. What was put is read at once; somebody else makes it durable."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set the value of a key; None removes it."""

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All rows whose key begins with a prefix."""


class MemoryRows:
    """Rows in a dictionary, durable nowhere: for tests and measurements."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""
        return self._rows.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set the value of a key; None removes it."""
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All rows whose key begins with a prefix, as they are now."""
        return iter(sorted(pair for pair in self._rows.items() if pair[0].startswith(prefix)))

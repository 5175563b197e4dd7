"""Rows: pieces of state that are read only when they are asked for, and so take no memory while they are not."""

from collections.abc import Iterator

from impetus.domain.batch import Key
from impetus.domain.ports import Store

END = b"\x00"
"""Behind every key, so that to ask for one never reads all that begin with it."""

Changed = dict[str, dict[bytes, bytes | None]]
"""Rows by space and key; None removes one."""


class Rows:
    """Rows of a store, as they are after what is not durable yet."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._unsaved: Changed = {}
        self._given: Changed = {}
        """What a commit was given that may not be durable yet."""

    def open(self, store: Store) -> None:
        """Read from a store from now on."""
        self._store = store

    @property
    def is_open(self) -> bool:
        """Whether there is a store to read from."""
        return self._store is not None

    def put(self, space: str, key: str, value: bytes | None) -> None:
        """Set a row, or remove it."""
        self._unsaved.setdefault(space, {})[key.encode() + END] = value

    def get(self, space: str, key: str) -> bytes | None:
        """A row, if there is one."""
        name = key.encode() + END
        for newest in (self._unsaved.get(space, {}), self._given.get(space, {})):
            if name in newest:
                return newest[name]
        found = self._store.state(space, name) if self._store is not None else iter(())
        return next((value for _, value in found), None)

    def all(self, space: str) -> dict[str, bytes]:
        """Every row of a space, by key."""
        found: dict[bytes, bytes | None] = dict(self._store.state(space)) if self._store is not None else {}
        found |= self._given.get(space, {})
        found |= self._unsaved.get(space, {})
        return {key[:-1].decode(): value for key, value in found.items() if value is not None}

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """What changed since the last call, for a commit."""
        given, self._unsaved = self._unsaved, {}
        for space, rows in given.items():
            self._given.setdefault(space, {}).update(rows)
            for key, value in rows.items():
                yield Key(space, key), value

    def committed(self) -> None:
        """All that was given is durable."""
        self._given.clear()

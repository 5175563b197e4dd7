"""Pieces of state that a start leaves in the store: looked up when they are asked for, and the rest read bit by bit."""

from collections.abc import Iterable
from typing import TypeVar

from correlator.memory import Kept
from impetus.domain.keyrange import only
from impetus.domain.ports import Store

V = TypeVar("V")


class Recalled(Kept[V]):
    """A dictionary like ``Kept``, of which a part may still be unread.

    A value is found by its key wherever it is; ``values``, ``items``, ``drop_where`` and so on see what is in memory.
    """

    def __init__(self, space: str, kind: type[V]) -> None:
        super().__init__(space, kind)
        self._store: Store | None = None
        """Where the rest is; None once all is in memory."""
        self._behind = b""
        """All keys before it were read."""

    @property
    def is_whole(self) -> bool:
        """Whether all is in memory."""
        return self._store is None

    def resume(self, store: Store) -> None:
        """Go on from what a store holds, without reading it."""
        self._values.clear()
        self._dirty.clear()
        self._store, self._behind = store, b""

    def read_ahead(self, most: int) -> bool:
        """Read so many pieces more; whether anything is left."""
        if self._store is not None and most > 0:
            found = self._store.pieces(self._space, [(self._behind, None)], most)
            self._take(found)
            if found:
                self._behind = found[-1][0] + b"\0"
            else:
                self._store = None
        return self._store is not None

    def fetch(self, keys: Iterable[str]) -> None:
        """Read the pieces of some keys at once, those that are not in memory."""
        if self._store is None:
            return
        wanted = {key.encode() for key in keys if key not in self._values and key not in self._dirty}
        found = self._store.pieces(self._space, [only(key) for key in sorted(wanted) if key >= self._behind])
        self._take(found)

    def __getitem__(self, key: str) -> V:
        self.fetch((key,))
        return super().__getitem__(key)

    def __contains__(self, key: str) -> bool:
        return key in self._values or self.get(key) is not None

    def get(self, key: str) -> V | None:
        """The value of a key, or None."""
        self.fetch((key,))
        return super().get(key)

    def drop(self, key: str) -> None:
        """Forget a key; one that is not there is fine."""
        super().drop(key)
        if self._store is not None:
            self._dirty.add(key)

    def restore(self, store: Store) -> None:
        """Load all that a store holds of this space."""
        super().restore(store)
        self._store = None

    def _take(self, found: Iterable[tuple[bytes, bytes]]) -> None:
        """What was written since is newer than what the store had."""
        for key, value in found:
            name = key.decode()
            if name not in self._values and name not in self._dirty:
                self._values[name] = self._decoder.decode(value)

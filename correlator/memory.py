"""What the correlator keeps between steps, as pieces of state that a commit writes when they change."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from impetus.domain.batch import Key
from impetus.domain.ports import Store

V = TypeVar("V")


class Kept(Generic[V]):
    """A dictionary whose changes since the last commit are known. Values are written as msgpack."""

    def __init__(self, space: str, kind: type[V]) -> None:
        self._space = space
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._values: dict[str, V] = {}
        self._dirty: set[str] = set()

    def __getitem__(self, key: str) -> V:
        return self._values[key]

    def __setitem__(self, key: str, value: V) -> None:
        self._values[key] = value
        self._dirty.add(key)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def get(self, key: str) -> V | None:
        """The value of a key, or None."""
        return self._values.get(key)

    def values(self) -> Iterator[V]:
        """All values."""
        return iter(list(self._values.values()))

    def items(self) -> Iterator[tuple[str, V]]:
        """All keys with their values."""
        return iter(list(self._values.items()))

    def oldest(self) -> tuple[str, V]:
        """The key that was put in first, with its value; there must be one."""
        return next(iter(self._values.items()))

    def drop(self, key: str) -> None:
        """Forget a key; one that is not there is fine."""
        if self._values.pop(key, None) is not None:
            self._dirty.add(key)

    def drop_where(self, condition: Callable[[V], bool]) -> None:
        """Forget every value of which a condition holds."""
        for key in [key for key, value in self._values.items() if condition(value)]:
            self.drop(key)

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """What changed since the last call, in order of the keys, for a commit."""
        for key in sorted(self._dirty):
            value = self._values.get(key)
            yield Key(self._space, key.encode()), None if value is None else msgspec.msgpack.encode(value)
        self._dirty.clear()

    def restore(self, store: Store) -> None:
        """Load what a store holds of this space."""
        self._values = {key.decode(): self._decoder.decode(value) for key, value in store.state(self._space)}
        self._dirty.clear()

"""Room for what cannot wait: bounded; what finds none is shed, and counted, so that it is never lost in silence."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Overflow(Generic[T]):
    """What came and is not taken yet, in order. Of one thread."""

    def __init__(self, room: int) -> None:
        """``room`` is in the unit of the sizes that ``offer`` is told."""
        self._room, self._used = room, 0
        self._waiting: deque[tuple[T, int]] = deque()
        self._shed = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, item: T, size: int) -> None:
        """Take something of a size, or shed it."""
        if self._used + size > self._room:
            self._shed += 1
            return
        self._used += size
        self._waiting.append((item, size))

    def take(self, most: int) -> list[T]:
        """The oldest, so many at most."""
        some = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._used -= sum(size for _, size in some)
        return [item for item, _ in some]

    def lose(self, count: int) -> None:
        """Note that something was lost before it came here."""
        self._shed += count

    def shed(self) -> int:
        """How much was shed since the last call."""
        shed, self._shed = self._shed, 0
        return shed

"""The order of arrival, put together again from the partitions of the log: a watermark of wall clocks.

Each partition is in the order of its log. Its rounds carry the clock of who brought them, and every sender writes to
every partition, if only to say how far its clock is. So a clock is passed when all partitions are at it or beyond:
what comes later is later. A worker that lags or was killed holds this back, and changes nothing else.
"""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Standing(msgspec.Struct, array_like=True):
    """How far a partition is: the clock (µs) and the place in the log of its newest round."""

    clock: int = -1
    offset: int = -1


class Merge(Generic[T]):
    """Rounds of several partitions, given out by clock. The order follows from the logs alone."""

    def __init__(self, partitions: int) -> None:
        self.standings = [Standing() for _ in range(partitions)]
        self._waiting: list[deque[tuple[int, T]]] = [deque() for _ in range(partitions)]

    def put(self, partition: int, offset: int, heard: int, one: T) -> int | None:
        """Take in the next round of a partition; its clock in the merge, None if it was taken in before.

        A clock that went back stands still: each round of a partition has one of its own.
        """
        standing = self.standings[partition]
        if offset <= standing.offset:
            return None
        clock = max(heard, standing.clock + 1)
        self.standings[partition] = Standing(clock, offset)
        self._waiting[partition].append((clock, one))
        return clock

    def restore(self, partition: int, clock: int, one: T) -> None:
        """A round that waited when the state was kept, in order."""
        self._waiting[partition].append((clock, one))

    def ready(self) -> Iterator[tuple[int, list[T]]]:
        """The rounds whose time has come: by clock, those of the same clock together in the order of partitions."""
        passed = min(standing.clock for standing in self.standings)
        while True:
            heads = [waiting[0][0] for waiting in self._waiting if waiting]
            if not heads or min(heads) > passed:
                return
            clock = min(heads)
            yield clock, [waiting.popleft()[1] for waiting in self._waiting if waiting and waiting[0][0] == clock]

    @property
    def waiting(self) -> int:
        """How many rounds wait for other partitions."""
        return sum(map(len, self._waiting))

    def holder(self) -> int:
        """The partition that holds the others back."""
        return min(range(len(self.standings)), key=lambda partition: self.standings[partition].clock)

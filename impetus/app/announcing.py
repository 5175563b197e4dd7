"""Who follows the store learns that it moved."""

import asyncio
from collections.abc import AsyncIterator, Callable


class Announcer:
    """Tells those who wait that something changed. ``cursor`` gives how far the store is. Of one event loop."""

    def __init__(self, cursor: Callable[[], int]) -> None:
        self._cursor, self._moved = cursor, asyncio.Condition()

    async def announce(self) -> None:
        """Something changed: whoever waits looks again."""
        async with self._moved:
            self._moved.notify_all()

    async def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until a condition holds; it is looked at whenever something changed."""
        async with self._moved:
            await self._moved.wait_for(holds)

    async def changed(self) -> AsyncIterator[int]:
        """Yields the newest cursor whenever it moved."""
        seen = -1
        while True:
            await self.wait_for(lambda: self._cursor() != seen)  # noqa: B023 - waited for right here
            seen = self._cursor()
            yield seen

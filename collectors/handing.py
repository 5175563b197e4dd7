"""Batches on their way to the disk, while the next ones are made."""

import asyncio
from collections import deque

from impetus.domain.batch import Batch
from impetus.domain.ports import Intake

AHEAD = 2
"""So many batches of a source are on their way while the next one is made."""


class Handing:
    """Hands over batches of one source in order; leaving the context lets go of what is under way.

    Then the intake has it, or has counted it as shed if it is fleeting.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._under_way: deque[asyncio.Future[None]] = deque()

    async def hand_over(self, batch: Batch) -> None:
        """Hand a batch over; waits while too many are under way. Raises what the intake raises."""
        self._under_way.append(asyncio.ensure_future(self._intake.accept(batch)))
        await asyncio.sleep(0)  # the intake has it from here on, whatever happens to us
        await self.settle(AHEAD)

    async def give_up(self, count: Batch) -> None:
        """Say how much was shed at the end; it waits for no room, and nobody waits for it."""
        if count.shed:
            self._under_way.append(asyncio.ensure_future(self._intake.accept(count)))
            await asyncio.sleep(0)

    async def settle(self, left: int = 0) -> None:
        """Wait until no more than so many are under way."""
        while len(self._under_way) > left:
            await asyncio.shield(self._under_way[0])
            self._under_way.popleft()

    async def __aenter__(self) -> "Handing":
        return self

    async def __aexit__(self, *_: object) -> None:
        for left in self._under_way:
            left.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

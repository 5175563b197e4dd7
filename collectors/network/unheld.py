"""What a live capture says, read at once however slow its reader: held back, it would miss packets without a word."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from collectors.lines import Line
from collectors.overflow import Overflow

AT_ONCE = 2_000
"""Lines that are given out at once."""
FLOW = b'{"flow"'
"""What the line of a flow begins with; other lines are never shed."""


class Unheld:
    """Reads lines as they come; flows that find no room are shed and counted."""

    def __init__(self, source: AsyncIterator[list[Line]], room: int) -> None:
        """``room``: so many flows may wait."""
        self._source = source
        self._waiting: Overflow[Line] = Overflow(room)
        self._arrived = asyncio.Event()

    async def lines(self) -> AsyncGenerator[list[Line], None]:
        """The lines, some at a time, until the source ends. Raises what reading raises."""
        reading = asyncio.create_task(self._read())
        try:
            while self._waiting or not reading.done():
                await self._arrived.wait()
                self._arrived.clear()
                while some := self._waiting.take(AT_ONCE):
                    yield some
            reading.result()
        finally:
            reading.cancel()

    def shed(self) -> int:
        """How many flows were shed since the last call."""
        return self._waiting.shed()

    def give_up(self) -> int:
        """How many flows wait: they are lost when nobody takes them any more."""
        while some := self._waiting.take(AT_ONCE):
            self._waiting.lose(sum(line.raw.startswith(FLOW) for line in some))
        return self.shed()

    async def _read(self) -> None:
        try:
            async for lines in self._source:
                for line in lines:
                    self._waiting.offer(line, int(line.raw.startswith(FLOW)))
                self._arrived.set()
        finally:
            self._arrived.set()

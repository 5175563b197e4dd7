"""What waits to be taken in: a queue for each source, bounded, from which each step takes a fair part.

So a source that floods waits for itself: what another one brings is in the next step, whatever waits before it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from impetus.domain.batch import Batch

MAX_WAITING = 10_000
"""While so many events of a source are not durable yet, ``put`` of another batch of it waits."""


class Portion(NamedTuple):
    """A batch, or a part of one; ``done`` is what waits for it, at the last part."""

    batch: Batch
    done: "asyncio.Future[None] | None"


class _Entry(msgspec.Struct):
    batch: Batch
    done: "asyncio.Future[None]"
    at: int = 0
    """So many of its events are taken."""

    @property
    def size(self) -> int:
        """How much of it waits; one without events is as much as one event."""
        return max(1, len(self.batch.lines) - self.at)

    def take(self, most: int) -> Portion:
        """The next part. Position, rejects and what was shed come with the last one: they are true only then."""
        source, lines, fleeting = self.batch.source, self.batch.lines, self.batch.fleeting
        start, self.at = self.at, self.at + most
        if self.at < len(lines):
            return Portion(Batch(source, lines[start : self.at], fleeting=fleeting), None)
        rest = msgspec.structs.replace(self.batch, lines=lines[start:]) if start else self.batch
        return Portion(rest, self.done)


class _Lane:
    """The batches of one source, in order."""

    def __init__(self) -> None:
        self.entries: deque[_Entry] = deque()
        self.held = 0
        """Events that wait, and those that were taken and are not durable yet."""
        self.door = asyncio.Lock()
        self.room = asyncio.Event()

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)

    async def enter(self, batch: Batch) -> "asyncio.Future[None]":
        if _is_count(batch):
            return self._append(batch)
        try:
            async with self.door:
                while self.held >= MAX_WAITING:
                    self.room.clear()
                    await self.room.wait()
                return self._append(batch)
        except asyncio.CancelledError:
            if batch.fleeting:
                self._append(abandoned(batch))
            raise

    def _append(self, batch: Batch) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.entries.append(_Entry(batch, done))
        self.held += len(batch.lines)
        return done

    def take(self, most: int) -> list[Portion]:
        portions: list[Portion] = []
        while self.entries and most > 0:
            entry = self.entries[0]
            size = min(most, entry.size)
            most -= size
            portions.append(entry.take(size))
            if portions[-1].done is not None:
                self.entries.popleft()
        return portions

    def release(self, lines: int) -> None:
        self.held -= lines
        if self.held < MAX_WAITING:
            self.room.set()


class FairQueue:
    """Batches that wait, by source. Of one event loop."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._arrived = asyncio.Event()

    async def put(self, batch: Batch) -> "asyncio.Future[None]":
        """Queue a batch; gives what tells that it is durable. Waits while much of its source waits.

        Batches of one source are queued in the order of the calls.
        """
        done = await self._lanes.setdefault(batch.source, _Lane()).enter(batch)
        self.wake()
        return done

    def wake(self) -> None:
        """Let who waits for an arrival go on."""
        self._arrived.set()

    async def arrival(self, seconds: float) -> None:
        """Wait until something waits here or ``wake`` was called since all was taken, but no longer than that."""
        # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with what is waited for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived.wait()

    def take(self, most: int) -> list[Portion]:
        """About so many events, as much of each source as is fair; of one source in order."""
        waiting = {source: lane.size for source, lane in self._lanes.items() if lane.entries}
        shares = fair_shares(waiting, most)
        portions = [portion for source, share in shares.items() for portion in self._lanes[source].take(share)]
        if not self:
            self._arrived.clear()
        return portions

    def release(self, batches: Sequence[Batch]) -> None:
        """Note that what was taken is durable: there is room for more of its sources."""
        for batch in batches:
            if batch.source in self._lanes:
                self._lanes[batch.source].release(len(batch.lines))

    def rest(self) -> list[Portion]:
        """All that waits; nothing does any more."""
        return [portion for lane in self._lanes.values() for portion in lane.take(lane.size)]

    def __len__(self) -> int:
        """How many batches wait."""
        return sum(len(lane.entries) for lane in self._lanes.values())

    @property
    def events(self) -> int:
        """How many events are not durable yet."""
        return sum(lane.held for lane in list(self._lanes.values()))


def abandoned(batch: Batch) -> Batch:
    """What is left to say of a batch that is not taken in and cannot come again: its events are lost."""
    return Batch(batch.source, (), rejects=batch.rejects, shed=batch.shed + len(batch.lines))


def _is_count(batch: Batch) -> bool:
    """Whether a batch only says how much was shed: it has no weight, and is said even when nothing else fits."""
    return not (batch.lines or batch.rejects or batch.position)


def fair_shares(waiting: Mapping[str, int], most: int) -> dict[str, int]:
    """How much each source gets of ``most``: who has little gets it all, the others the same (max-min fairness).

    Each gets at least one, so nobody waits for ever.
    """
    shares: dict[str, int] = {}
    left = most
    for number, (source, size) in enumerate(sorted(waiting.items(), key=lambda one: (one[1], one[0]))):
        shares[source] = min(size, max(1, left // (len(waiting) - number)))
        left -= shares[source]
    return shares

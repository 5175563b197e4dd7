"""Following incident changes from a cursor: without polling, and at the speed of whoever follows."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.ports import Feed

Read = Callable[[int], Awaitable[Sequence[pb.IncidentChange]]]
"""Reads a bounded page of the changes behind a cursor; empty at the end."""


async def follow(cursor: int, read: Read, feed: Feed, closing: asyncio.Event) -> AsyncGenerator[pb.IncidentChange]:
    """Every change behind a cursor, until ``closing`` is set or the feed ends.

    Only one page is held at a time: the store keeps what a slow follower has not taken yet.
    """
    news = feed.changed()
    moved, closed = _next(news), asyncio.ensure_future(closing.wait())
    try:
        while True:
            # The feed is listened to before the store is read: a change between the two cannot be missed.
            await asyncio.sleep(0)
            while page := await read(cursor):
                for change in page:
                    yield change
                cursor = page[-1].cursor
            ends: set[asyncio.Future[Any]] = {moved, closed}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if closed.done() or moved.result() is None:
                return
            moved = _next(news)
    finally:
        moved.cancel()
        closed.cancel()
        await asyncio.gather(moved, closed, return_exceptions=True)


def _next(news: AsyncIterator[int]) -> asyncio.Future[int | None]:
    return asyncio.ensure_future(anext(news, None))

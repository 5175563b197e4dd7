"""An event loop on a thread of its own, for callers on any thread."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as TooLong
from contextlib import suppress
from typing import Any, TypeVar

from impetus.domain.errors import ImpetusError

T = TypeVar("T")
_CLOSED = "the store is closed"


class Loop:
    """Runs coroutines until it is stopped."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._ended = False
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Let something run."""
        if self._ended or not self._thread.is_alive():
            work.close()
            raise ImpetusError("store.unavailable", _CLOSED)
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Wait for something; not from the loop itself. Raises ``ImpetusError`` (store.unavailable) after that."""
        future = self.begin(work)
        try:
            return future.result(seconds)
        except TooLong:
            future.cancel()
            raise ImpetusError("store.unavailable", f"no answer within {seconds} seconds") from None
        except CancelledError:
            raise ImpetusError("store.unavailable", _CLOSED) from None

    def each(self, items: AsyncIterator[T], seconds: float) -> Iterator[T]:
        """The items of an asynchronous iterator, each waited for so long."""

        async def step() -> T | None:
            return await anext(items, None)

        try:
            while (item := self.run(step(), seconds)) is not None:
                yield item
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                with suppress(ImpetusError):
                    self.run(close(), seconds)

    def call_soon(self, call: Callable[[], None]) -> None:
        """Call something in the loop; nothing happens once it is stopped."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    def stop(self) -> None:
        """Cancel what still runs, and end the thread."""
        if self._ended or not self._thread.is_alive():
            return
        self._ended = True  # what came in from now on would never be answered
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

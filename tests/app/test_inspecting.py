"""A store that was not closed is looked through beside the running service; what is found is told as any damage is."""

import asyncio
from collections.abc import Iterator

from structlog.testing import capture_logs

from impetus.app.inspecting import Inspecting
from impetus.domain.errors import ImpetusError


class Pieces:
    """A store of three pieces; the last one may fail."""

    unclean = True

    def __init__(self, error: Exception | None = None) -> None:
        self.done, self._error = 0, error

    def inspect(self) -> Iterator[None]:
        for _ in range(3):
            self.done += 1
            yield
        if self._error is not None:
            raise self._error


def test_it_looks_through_all_of_it() -> None:
    store = Pieces()
    with capture_logs() as said:
        asyncio.run(Inspecting(store, 0).run())
    assert store.done == 3
    assert [(one["event"], one.get("pieces")) for one in said] == [("inspection.done", 3)]


def test_what_fails_ends_it_and_nothing_else() -> None:
    for error in (ImpetusError("store.unavailable", "closed"), RuntimeError("a defect")):
        with capture_logs() as said:
            asyncio.run(Inspecting(Pieces(error), 0).run())
        assert [one["event"] for one in said] == ["inspection.failed"]

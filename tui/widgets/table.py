"""Tables of our own: rows are made when they come on screen, and the cursor is a thing, not a position."""

from collections.abc import Callable, Iterable

from textual.events import Click
from textual.message import Message

from tui.line import Line
from tui.model.queue import Queue
from tui.widgets.lines import Lines

RowLine = Callable[[int, int], Line]
"""The line of a row: its position and the width."""


class Table(Lines, can_focus=False):
    """Rows by position; a subclass or an owner says where the cursor is."""

    class Pressed(Message):
        """A row was clicked; ``again`` if it was clicked twice."""

        def __init__(self, position: int, *, again: bool) -> None:
            super().__init__()
            self.position = position
            self.again = again

    def __init__(self, row: RowLine, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._row = row
        self._count = 0

    def resize_to(self, count: int, cursor: int) -> None:
        """There are ``count`` rows now, with the cursor on one; paints everything."""
        self._count = count
        self._width = self.scrollable_content_region.width
        self._extend_to(count)
        if count:
            self.keep_in_view(cursor)
        self.refresh()

    def redraw(self) -> None:
        """Paint everything again, for another width."""
        self._width = self.scrollable_content_region.width
        self._extend_to(self._count)
        self.refresh()

    @property
    def line_count(self) -> int:
        """Rows in all."""
        return self._count

    def line_at(self, y: int) -> Line | None:
        """The row at a position."""
        return self._row(y, self.scrollable_content_region.width) if 0 <= y < self._count else None

    def on_click(self, event: Click) -> None:
        """Tell which row was clicked."""
        position = event.y + round(self.scroll_offset.y)
        if 0 <= position < self._count:
            self.post_message(self.Pressed(position, again=event.chain > 1))


class QueueTable(Table, can_focus=False):
    """The rows of a ``Queue``."""

    def __init__(self, queue: Queue, row: RowLine, *, id: str | None = None) -> None:
        super().__init__(row, id=id)
        self._queue = queue

    def reorder(self) -> None:
        """The order changed."""
        self.resize_to(len(self._queue.order), self._queue.position)

    def moved(self, before: int) -> None:
        """The cursor moved from a position: paint both rows."""
        self.keep_in_view(self._queue.position)
        self.refresh_lines_at([before, self._queue.position])

    def changed(self, ids: Iterable[str]) -> None:
        """Incidents changed: paint their rows."""
        places = [self._queue.place(id) for id in ids]
        self.refresh_lines_at([place for place in places if place is not None])

"""Pages to read: a raw record, the keys."""

from textual.app import ComposeResult

from tui.actions import HELP, RECORD, bar
from tui.backend import Record
from tui.screens.place import Place
from tui.views.chrome import bar as bar_line
from tui.views.chrome import help_page
from tui.views.record import record
from tui.widgets.lines import Draw, Lines


class ReadingPage(Place):
    """Lines that can be scrolled."""

    def page(self) -> Draw:
        """What there is to read."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The text and the keys."""
        yield Lines(self.page(), id="text")
        yield Lines(lambda width: [bar_line(bar(self.place), width, self.look)], id="bar")

    @property
    def _text(self) -> Lines:
        return self.query_one("#text", Lines)

    def do_back(self) -> None:
        """Return to where this was opened."""
        self.dismiss()

    def do_down(self) -> None:
        """Scroll down a line."""
        self._text.scroll_lines(1)

    def do_up(self) -> None:
        """Scroll up a line."""
        self._text.scroll_lines(-1)

    def do_page_down(self) -> None:
        """Scroll down half a page."""
        self._text.scroll_lines(self._text.size.height // 2)

    def do_page_up(self) -> None:
        """Scroll up half a page."""
        self._text.scroll_lines(-(self._text.size.height // 2))

    def do_top(self) -> None:
        """Scroll to the top."""
        self._text.scroll_lines(-self._text.line_count)

    def do_bottom(self) -> None:
        """Scroll to the end."""
        self._text.scroll_lines(self._text.line_count)


class RecordPage(ReadingPage, place=RECORD):
    """A raw record."""

    def __init__(self, shown: Record) -> None:
        super().__init__()
        self._shown = shown

    def page(self) -> Draw:
        """The record as JSON and as its source sent it."""
        return lambda width: record(self._shown, width, self.look)


class HelpPage(ReadingPage, place=HELP):
    """What the keys do in a place."""

    def __init__(self, about: str) -> None:
        super().__init__()
        self._about = about

    def page(self) -> Draw:
        """The keys of the place."""
        return lambda width: help_page(self._about, width, self.look)

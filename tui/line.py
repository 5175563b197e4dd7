"""A line of the screen: the only way that any text becomes a Segment.

Views build lines out of texts and *roles* (``critical``, ``dim`` …), widgets turn them into strips with the colours of
the theme. Markup is never parsed: a text is a text.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.untrusted import LIMIT, fit, visible

ROLES = (
    "plain", "dim", "strong", "heading", "key", "good", "bad", "accent", "cursor",
    "critical", "high", "medium", "low", "informational",
)  # fmt: skip
"""What a text is; ``console.tcss`` says how each looks."""

# Our own glyphs and what stands for them on a terminal that only has ASCII, one cell each.
_ASCII = str.maketrans("■▲●○·▸✓✗◐⇑✔…─│┊◆├└→↳⋯±×≥≤–█↓↑", "#^*o.>+x%!x~-|:$||>>~+x>>-#v^")


class Span(NamedTuple):
    """A run of text in one role; ``click`` is an action of the screen, of our own making."""

    text: str
    role: str
    click: str


class Line:
    """Spans one after another. Every text is made visible as it is added."""

    __slots__ = ("_ascii", "spans")

    def __init__(self, *, ascii_only: bool = False) -> None:
        self._ascii = ascii_only
        self.spans: list[Span] = []

    def add(self, text: str, role: str = "plain", *, limit: int = LIMIT, click: str = "") -> Self:
        """Append a text of any length and content."""
        self.spans.append(Span(self._visible(text, limit), role, click))
        return self

    def cell(self, text: str, width: int, role: str = "plain", *, right: bool = False) -> Self:
        """Append a text cut or padded to ``width`` cells."""
        shown = self._visible(text, 4 * width + 4)
        missing = width - cell_len(shown)
        shown = " " * missing + shown if right and missing > 0 else fit(shown, width, "~" if self._ascii else "…")
        self.spans.append(Span(shown, role, ""))
        return self

    def gap(self, column: int) -> Self:
        """Append spaces up to ``column``, at least one."""
        return self.add(" " * max(column - self.width, 1))

    @property
    def width(self) -> int:
        """Cells that the line takes."""
        return sum(cell_len(span.text) for span in self.spans)

    @property
    def text(self) -> str:
        """The line without roles."""
        return "".join(span.text for span in self.spans)

    def wrap(self, width: int) -> "Iterator[Line]":
        """This line as lines of at most ``width`` cells."""
        line, used = Line(ascii_only=self._ascii), 0
        for span in self.spans:
            for piece in _pieces(span.text, width, used):
                if used + cell_len(piece) > width:
                    yield line
                    line, used = Line(ascii_only=self._ascii), 0
                line.spans.append(span._replace(text=piece))
                used += cell_len(piece)
        yield line

    def strip(self, width: int, style: Callable[[str], Style]) -> Strip:
        """The line as Textual wants it: ``width`` cells, ``style`` giving the look of a role."""
        segments = [Segment(span.text, _clickable(style(span.role), span.click)) for span in self.spans]
        return Strip(segments).adjust_cell_length(width, style("plain"))

    def _visible(self, text: str, limit: int) -> str:
        if self._ascii:
            return visible(text.translate(_ASCII), limit, ascii_only=True)
        return visible(text, limit)


def _pieces(text: str, width: int, used: int) -> Iterator[str]:
    """``text`` cut so that the first piece fits behind ``used`` cells and the others into ``width``."""
    start, room = 0, max(width - used, 0)
    for position, character in enumerate(text):
        cells = cell_len(character)
        if cells > room:
            if position > start:
                yield text[start:position]
            start, room = position, max(width, 1)
        room -= cells
    if start < len(text):
        yield text[start:]


def _clickable(style: Style, action: str) -> Style:
    return style + Style.from_meta({"@click": action}) if action else style

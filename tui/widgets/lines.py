"""A widget that shows lines; every other one of ours is one of these."""

from collections.abc import Callable, Sequence

from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.line import Line

Draw = Callable[[int], Sequence[Line]]
"""Lines for a width."""


class Lines(ScrollView, can_focus=False):
    """Shows what ``draw`` gives for its width, and draws anew when the width changes."""

    def __init__(self, draw: Draw | None = None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._draw = draw
        self._lines: Sequence[Line] = ()
        self._width = 0
        self._role_styles: dict[str, Style] = {}
        """Role → style, since adding up styles costs more than all the rest of a line."""

    def show(self, draw: Draw, *, home: bool = False) -> None:
        """Show something else; ``home`` scrolls to its top."""
        self._draw = draw
        if home:
            self.scroll_to(0, 0, animate=False)
        self.redraw()

    def redraw(self) -> None:
        """Draw anew, because what the lines tell has changed."""
        self._width = self.scrollable_content_region.width
        if self._width <= 0 or self._draw is None:
            return
        self._lines = self._draw(self._width)
        self._extend_to(self.line_count)
        self.refresh()

    @property
    def line_count(self) -> int:
        """Lines in all, on screen or not."""
        return len(self._lines)

    def line_at(self, y: int) -> Line | None:
        """The line at a position from the top of the content; None behind the end."""
        return self._lines[y] if 0 <= y < len(self._lines) else None

    def render_line(self, y: int) -> Strip:
        """One line of the screen, as Textual asks for it."""
        line = self.line_at(y + round(self.scroll_offset.y))
        width = self.size.width
        return Strip.blank(width, self.rich_style) if line is None else line.strip(width, self.style_of)

    def style_of(self, role: str) -> Style:
        """How a role looks in the theme."""
        style = self._role_styles.get(role)
        if style is None:
            style = self.rich_style + self.screen.get_component_rich_style(f"role--{role}", partial=True)
            self._role_styles[role] = style
        return style

    def notify_style_update(self) -> None:
        """The theme or a class changed: styles are asked for anew."""
        self._role_styles.clear()
        super().notify_style_update()

    def scroll_lines(self, lines: int) -> None:
        """Scroll down, or up below 0."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def keep_in_view(self, y: int) -> None:
        """Scroll no further than needed for a line to be on screen."""
        top, height = round(self.scroll_offset.y), max(self.size.height, 1)
        if y < top:
            self.scroll_to(y=y, animate=False)
        elif y >= top + height:
            self.scroll_to(y=y - height + 1, animate=False)

    def refresh_lines_at(self, positions: Sequence[int]) -> None:
        """Paint single lines anew, those of them that are on screen."""
        top = round(self.scroll_offset.y)
        for y in positions:
            if top <= y < top + self.size.height:
                self.refresh_line(y)

    def _extend_to(self, lines: int) -> None:
        """Say how much there is to scroll. Textual lays out the screen anew when that changes: as seldom as can be."""
        height = self.styles.height
        if height is None or not height.is_auto:
            lines = max(lines, self.scrollable_content_region.height)
        self.virtual_size = Size(self._width, lines)

    def on_resize(self) -> None:
        """Draw for the new width."""
        if self.scrollable_content_region.width != self._width:
            self.redraw()

"""A picture of characters: dots of braille, eight to a cell, with texts over them."""

from math import ceil, cos, pi, sin

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell by row and column of the dot."""
_BLANK = 0x2800
COLUMNS, ROWS = 2, 4
"""Dots of one cell; about square ones, since a cell is twice as high as wide."""


class Canvas:
    """``width`` by ``height`` cells. What lies beyond the edges is left out."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots: dict[tuple[int, int], int] = {}
        self._texts: dict[tuple[int, int], str] = {}

    def dot(self, x: float, y: float) -> None:
        """Set one dot; ``x`` to the right and ``y`` downwards, in dots."""
        column, row = int(x // 1), int(y // 1)
        if 0 <= column < self.width * COLUMNS and 0 <= row < self.height * ROWS:
            cell = (column // COLUMNS, row // ROWS)
            self._dots[cell] = self._dots.get(cell, 0) | _DOTS[row % ROWS][column % COLUMNS]

    def circle(self, x: float, y: float, radius: float, spacing: float = 1.0) -> None:
        """A circle of dots, so many dots apart; none that is far larger than the canvas."""
        if not 1.0 <= radius <= 4 * (self.width * COLUMNS + self.height * ROWS):
            return
        steps = max(8, ceil(2 * pi * radius / spacing))
        for step in range(steps):
            angle = 2 * pi * step / steps
            self.dot(x + radius * cos(angle), y + radius * sin(angle))

    def mark(self, x: float, y: float, sign: str) -> None:
        """One character at a dot, or in the nearest free cell to its right."""
        column, row = int(x // COLUMNS), int(y // ROWS)
        while (column, row) in self._texts and column < self.width - 1:
            column += 1
        self._put(column, row, sign)

    def label(self, x: float, y: float, text: str) -> None:
        """A text that begins at a dot, cut at the edge; a row or two off where another is in its way, else left out."""
        column, row = int(x // COLUMNS), int(y // ROWS)
        room = text[: max(self.width - column, 0)]
        if column < 0 or not 0 <= row < self.height:
            return
        for near in (row, row + 1, row - 1, row + 2, row - 2):
            if not any((column + at, near) in self._texts for at in range(-1, len(room) + 1)):
                for at, character in enumerate(room):
                    self._put(column + at, near, character)
                return

    def lines(self, *, dots: bool = True) -> list[str]:
        """The picture; without ``dots`` of braille a full stop stands for any."""
        return [
            "".join(self._cell(column, row, dots) for column in range(self.width)).rstrip()
            for row in range(self.height)
        ]

    def _put(self, column: int, row: int, character: str) -> None:
        if 0 <= column < self.width and 0 <= row < self.height:
            self._texts[column, row] = character

    def _cell(self, column: int, row: int, dots: bool) -> str:
        text = self._texts.get((column, row))
        if text is not None:
            return text
        bits = self._dots.get((column, row), 0)
        return (chr(_BLANK + bits) if dots else ".") if bits else " "

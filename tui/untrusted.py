"""Data text made safe to show: the first half of the one way from an event to the analyst's terminal.

A log field may hold escape sequences, bidirectional overrides or characters without width. A terminal obeys them, and
Textual passes them on, so an attacker who writes a log line could write the analyst's clipboard or turn a title around.
``visible`` lets through what can be seen and replaces the rest by glyphs that name it. ``tui.line`` is the other half:
every text on screen passes through here, our own too, so that nothing can be forgotten.
"""

import unicodedata

from rich.cells import cell_len, set_cell_size

LIMIT = 2_000
"""Characters of one text that are shown at most, where the caller names no other bound."""
MARKS = 2
"""Combining marks that one letter may carry; more would climb over the lines above."""

_PICTURES = 0x2400
_DELETE, _DELETE_PICTURE = "\x7f", "␡"
# Characters that Unicode counts as letters or marks, and that nevertheless draw nothing (Default_Ignorable).
_UNSEEN = frozenset(
    chr(point)
    for start, end in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0x1D159, 0x1D159),
        (0xE0100, 0xE01EF),
    )
    for point in range(start, end + 1)
)


def visible(text: str, limit: int = LIMIT, *, ascii_only: bool = False) -> str:
    """``text`` with at most ``limit`` characters, each of them visible; the same text if it was harmless.

    Controls become their pictures (``␛``), what else cannot be seen becomes its number (``⟨202E⟩``), every kind of
    space a space. With ``ascii_only`` all that is not ASCII becomes a backslash escape. Linear in ``limit``.
    """
    cut = text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"
    if not (cut.isascii() and cut.isprintable()):
        cut = "".join(_shown(cut))
        if ascii_only and not cut.isascii():
            cut = "".join(_spelled(character) for character in cut)
    return cut if len(cut) <= limit else cut[:limit]


def escaped(json: str) -> str:
    """The same JSON with every character that ``visible`` would replace written as ``\\uXXXX``.

    For machines: what is parsed stays the same text, and still no terminal obeys it. A tab or a new line can only
    stand between values, and becomes a blank.
    """
    if json.isascii() and json.isprintable():
        return json
    pairs = zip(json, _shown(json), strict=True)
    return "".join(character if shown == character else _unit(character) for character, shown in pairs)


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """A visible text cut or padded to exactly ``width`` cells; a cut one ends in ``ellipsis``."""
    if cell_len(text) <= width or width < 2:
        return set_cell_size(text, max(width, 0))
    return set_cell_size(text, width - 1) + ellipsis


def _shown(text: str) -> list[str]:
    shown: list[str] = []
    marks = MARKS  # a mark with no letter before it would sit on whatever stands left of the text
    for character in text:
        if unicodedata.category(character) in {"Mn", "Me"} and character not in _UNSEEN:
            marks += 1
            shown.append(character if marks <= MARKS else _named(character))
        else:
            glyph = _glyph(character)
            marks = 0 if glyph == character else MARKS
            shown.append(glyph)
    return shown


def _glyph(character: str) -> str:
    if character.isprintable() and character not in _UNSEEN:
        return character
    if character < " ":
        return chr(_PICTURES + ord(character))
    if character == _DELETE:
        return _DELETE_PICTURE
    return " " if unicodedata.category(character) == "Zs" else _named(character)


def _unit(character: str) -> str:
    """A character as JSON escapes it: its UTF-16 units."""
    if character in "\t\r\n":
        return " "
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _named(character: str) -> str:
    return f"⟨{ord(character):04X}⟩"


_SPELLED = {"…": "~", "⟨": "<", "⟩": ">", _DELETE_PICTURE: "^?"}


def _spelled(character: str) -> str:
    if character.isascii():
        return character
    if _PICTURES <= ord(character) < _PICTURES + 32:
        return "^" + chr(ord(character) - _PICTURES + 64)
    return _SPELLED.get(character) or character.encode("ascii", "backslashreplace").decode()

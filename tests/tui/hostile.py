"""Texts that attack a terminal, and what must never be on a screen."""

import re

from hypothesis import strategies as st

PIECES = (
    "\x1b]52;c;ZXZpbA==\x07", "\x1b[2J", "\x9b31m", "\x1bP+q\x1b\\", "\u202egnp.exe", "\u2066x\u2069",
    "\u200b\u200d\ufeff",
    "\u2028", "\u2029", "\r\n", "\x00", "\x7f", "\ud800", "\udfff", "[@click=app.quit]quit[/]", "[red]x[/red]",
    "\\[bold]", "e\u0301\u0301\u0301\u0301\u0301", "\u115f\u3164", "\ufe0f", "\U000e0041", "\u061c", "東京",
    "🚲", "a b",
)  # fmt: skip
HOSTILE = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(max_size=8), st.characters(codec=None)), max_size=8
).map("".join)  # fmt: skip

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def unsafe(text: str) -> str:
    """The characters of a text that control a terminal, reorder it, or hide."""
    return "".join(_UNSAFE.findall(text))

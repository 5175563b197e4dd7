"""What a log may hold, and what of it reaches the screen."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.hostile import HOSTILE, unsafe
from tui.line import Line
from tui.untrusted import escaped, fit, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, as it is", "plain text, as it is"),
        ("Grønland – Tøyen, Đà Nẵng, 東京, 🚲", "Grønland – Tøyen, Đà Nẵng, 東京, 🚲"),
        ("\x1b]52;c;eA==\x07", "␛]52;c;eA==␇"),
        ("\x9b31m", "⟨009B⟩31m"),
        ("a\u202egpj.exe", "a⟨202E⟩gpj.exe"),
        ("zero\u200bwidth\ufeff", "zero⟨200B⟩width⟨FEFF⟩"),
        ("line\u2028paragraph\u2029", "line⟨2028⟩paragraph⟨2029⟩"),
        ("half \ud800 pair", "half ⟨D800⟩ pair"),
        ("a\tb\r\nc", "a␉b␍␊c"),
        ("no\xa0break", "no break"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("tag \U000e0041", "tag ⟨E0041⟩"),
        ("e\u0301", "e\u0301"),
        ("z\u0301\u0302\u0303\u0304", "z\u0301\u0302⟨0303⟩⟨0304⟩"),
        ("\u0301first", "⟨0301⟩first"),
    ],
)
def test_shows(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_character_of_unicode_gets_through_that_does_not_show() -> None:
    """Every code point, by its category: controls, formats, surrogates, separators, and those not assigned yet."""
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn"}:
            assert unsafe(visible(character)) == "", hex(point)


@settings(max_examples=1_000, deadline=None)
@given(HOSTILE, st.integers(0, 60))
def test_what_is_shown_is_safe_bounded_and_encodable(text: str, limit: int) -> None:
    for ascii_only in (False, True):
        shown = visible(text, limit, ascii_only=ascii_only)
        assert unsafe(shown) == ""
        assert len(shown) <= limit
        shown.encode("ascii" if ascii_only else "utf-8")


@settings(max_examples=500, deadline=None)
@given(HOSTILE, st.integers(0, 40))
def test_a_cell_has_its_width_and_wrapped_lines_fit(text: str, width: int) -> None:
    assert cell_len(fit(visible(text), width)) == width
    assert Line().cell(text, width).width == width
    wide = max(width, 2)
    wrapped = list(Line().add(text, "bad").add(text).wrap(wide))
    assert all(line.width <= wide for line in wrapped)
    assert "".join(line.text for line in wrapped) == visible(text) * 2


# Two halves of a pair side by side are one character to whoever reads JSON.
TEXTS = HOSTILE.map(lambda text: text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"))


@settings(max_examples=1_000, deadline=None)
@given(st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS, max_size=2), max_size=3), st.sampled_from([None, 1, "\t"]))
def test_escaped_json_is_the_same_value_and_harmless(value: dict[str, object], indent: int | str | None) -> None:
    line = escaped(json.dumps(value, ensure_ascii=False, indent=indent))
    assert json.loads(line) == value
    assert visible(line, sys.maxsize) == line


def test_what_can_be_seen_is_not_escaped() -> None:
    assert escaped('["Grønland 🚲 \u200b\u202e\x7f\xa0\U000e0041"]') == (
        '["Grønland 🚲 \\u200b\\u202e\\u007f\\u00a0\\udb40\\udc41"]'
    )


def test_showing_a_text_again_changes_nothing() -> None:
    once = visible("\x1b[31m\u202e\ud800")
    assert visible(once) == once

"""Printing for people and pipes: text from data is made visible before it reaches a terminal."""

import sys
import unicodedata

SPARED = {"\n", "\t"}


def say(text: str) -> None:
    """One line on standard output; control and format characters of data are shown, never sent."""
    sys.stdout.write(visible(text) + "\n")


def visible(text: str) -> str:
    """The text with each control, format, surrogate or private character as ``\\u{…}``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one in SPARED or _harmless(one) else f"\\u{{{ord(one):x}}}" for one in text)


def _harmless(one: str) -> bool:
    return unicodedata.category(one) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

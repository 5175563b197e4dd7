"""Printing for people and pipes: text from data is made visible before it reaches a terminal."""

import sys

from tui.untrusted import visible


def say(text: str) -> None:
    """One line on standard output; control and format characters of data are shown, never sent."""
    sys.stdout.write(visible(text, len(text)) + "\n")

"""What is said on standard error. A file of its own, so that a command that fails at once need load little."""

import sys
from contextlib import suppress

from tui.untrusted import visible

LIMIT = 2_000
"""Characters of one line at most."""


def warn(text: str) -> None:
    """One line under the name of the program; control and format characters of data are shown, never sent."""
    if sys.stderr is None:  # the process was started with it closed: there is nobody to tell
        return
    with suppress(OSError):
        sys.stderr.write(visible(f"impetus: {text}", LIMIT) + "\n")

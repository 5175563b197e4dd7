"""What the output can show."""

import sys


def shows_unicode() -> bool:
    """Whether standard output takes signs and braille; where it has no encoding of its own, it does."""
    encoding: str | None = sys.stdout.encoding
    return encoding is None or encoding.lower().replace("-", "").startswith("utf")

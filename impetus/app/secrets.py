"""Secrets as settings name them: looked up where the reference says, and written nowhere."""

import os
from pathlib import Path

from impetus.domain.errors import ImpetusError, Where


def read_secret(reference: str, folder: Path, where: Where) -> str:
    """The secret of a reference: ``env:NAME``, or ``file:PATH`` with a path relative to a folder.

    Raises ``settings.invalid`` with the place that names it.
    """
    kind, _, place = reference.partition(":")
    try:
        found = os.environ[place] if kind == "env" else (folder / place).read_text(encoding="utf-8").strip()
    except KeyError:
        raise ImpetusError("settings.invalid", f"the environment has no {place}", where) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ImpetusError("settings.invalid", f"the secret cannot be read: {error}", where) from None
    if not found:
        raise ImpetusError("settings.invalid", "the secret is empty", where)
    return found

"""What a check of something that people write found: problems in order, each with file, line and remedy."""

import difflib
from collections.abc import Collection
from typing import Literal

import msgspec

from impetus.domain.errors import ImpetusError, Where, nearest

FEW = 20
"""So many known names can be listed in a hint."""
MOST_HINTS = 100
"""So many unknown names are compared with the known ones; more would take long, and the first say enough."""


class Finding(msgspec.Struct, frozen=True):
    """One thing found. With an error Impetus does not start; with a warning it sees less, or other things."""

    severity: Literal["error", "warning"]
    problem: ImpetusError

    def __str__(self) -> str:
        place = str(self.problem.where)
        text = f"{place}: {self.severity}: {self.problem.what}" if place else f"{self.severity}: {self.problem.what}"
        return f"{text}. {self.problem.hint}" if self.problem.hint else text


def invalid(area: str, what: str, where: Where, hint: str = "") -> Finding:
    """An error of a document of an area (``city``, ``plan``)."""
    return Finding("error", ImpetusError(f"{area}.invalid", what, where, hint))


def unwise(area: str, what: str, where: Where, hint: str = "") -> Finding:
    """A warning about a document of an area."""
    return Finding("warning", ImpetusError(f"{area}.unwise", what, where, hint))


class Names:
    """The names that are known somewhere, and the hint for one that is not."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self._hints = 0

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def hint(self, name: str) -> str:
        """The nearest known name, or all if they are few; bounded however many names are asked for."""
        if self._known and len(self._known) <= FEW:
            return nearest(name, self._known)
        return self.nearest(name)

    def nearest(self, name: str) -> str:
        """A hint only where a known name is near."""
        self._hints += 1
        if self._hints > MOST_HINTS:
            return ""
        close = difflib.get_close_matches(name, self._known, n=1)
        return f"Did you mean {close[0]!r}?" if close else ""

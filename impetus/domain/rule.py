"""What a compiled rule set is to the rest: metadata by index, and the intermediate form for the engine."""

from typing import Literal

import msgspec

Level = Literal["informational", "low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = ("informational", "low", "medium", "high", "critical")
"""Sigma levels, least first."""


_RANKS: dict[str, int] = {level: position for position, level in enumerate(LEVELS)}


def rank(level: str) -> int:
    """Position of a level, for comparing; an unknown one counts as medium."""
    return _RANKS.get(level, 2)


class Rule(msgspec.Struct, frozen=True):
    """What incidents and people need of a rule; its ``index`` is that of the intermediate form."""

    index: int
    id: str
    title: str
    level: Level
    description: str = ""
    tags: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    file: str = ""
    author: str = ""
    """Who wrote it; shown with what it matches, as the Detection Rule License asks."""
    correlation: bool = False
    refers: tuple[int, ...] = ()
    """Indices of the rules that a correlation refers to."""
    alerts: bool = True
    """Whether it alerts on its own (Sigma's ``generate``, where a correlation refers to it)."""


class RuleSet(msgspec.Struct, frozen=True):
    """Rules as loaded: ``rules`` by index, ``form`` for the engine, and the ``version`` (a digest of the form)."""

    rules: tuple[Rule, ...]
    form: bytes
    version: str

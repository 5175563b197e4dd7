"""Normalisers: from a record of some source to events of ``docs/events.md``, one file per form of record."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import cast

from impetus.domain.errors import ImpetusError, Where, nearest
from impetus.domain.ports import Normalise, NormaliseLines

GROUP = "impetus.normalisers"
LINES_GROUP = "impetus.line_normalisers"
"""Makers of the fast ways, by the name of the normaliser; one need not be there."""


def load_normaliser(name: str) -> Normalise:
    """The normaliser of a name, and only that one. Raises ``plugin.unknown`` or ``plugin.missing-extra``."""
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if name not in installed:
        raise ImpetusError(
            "plugin.unknown", f"no normaliser is called {name!r}", Where(key="format"), nearest(name, installed)
        )
    try:
        return cast("Normalise", installed[name].load())
    except ImportError as error:
        raise ImpetusError("plugin.missing-extra", f"normaliser {name!r} cannot be loaded: {error}") from error


def load_line_normaliser(name: str) -> NormaliseLines | None:
    """The fast way of the normaliser of a name, if it has one."""
    for point in entry_points(group=LINES_GROUP, name=name):
        make: Callable[[], NormaliseLines] = point.load()
        return make()
    return None

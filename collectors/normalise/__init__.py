"""Normalisers: from a record of some source to events of ``docs/events.md``, one file per form of record."""

from importlib.metadata import entry_points
from typing import cast

from impetus.domain.errors import ImpetusError, Where, nearest
from impetus.domain.ports import Normalise

GROUP = "impetus.normalisers"


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

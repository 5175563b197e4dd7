"""The fast ways of normalisers that the engine has: here, because neither side knows of the other."""

from collectors.normalise.windows_tables import windows_tables
from correlator._engine import WindowsNormaliser
from impetus.domain.ports import NormaliseLines


def windows_lines() -> NormaliseLines:
    """The fast way of ``windows``."""
    return WindowsNormaliser(windows_tables())

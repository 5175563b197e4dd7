"""What a reload of the settings and of what they name changed in the running system."""

import msgspec


class Version(msgspec.Struct, frozen=True):
    """One of the things that detection depends on (``rules``, ``city``, ``plan``), in the version in force."""

    kind: str
    version: str
    """A digest; empty where there is none."""


class Reloaded(msgspec.Struct, frozen=True):
    """What is in force from the next event on."""

    versions: tuple[Version, ...]
    changed: tuple[str, ...] = ()
    """Kinds whose version is another than before."""
    restarted: tuple[str, ...] = ()
    """Titles of correlations that mean something else now: their windows start empty."""
    gone: tuple[str, ...] = ()
    """Ids of correlations that are no more; their windows went, their alerts stay."""
    problems: tuple[str, ...] = ()
    """Single rules that cannot be used, with file and line."""
    settings: tuple[str, ...] = ()
    """Other tables of the settings that changed and are in force now."""
    restart: tuple[str, ...] = ()
    """What of the settings is another than in force and needs a restart: tables, and ``source NAME``."""

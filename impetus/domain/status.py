"""How the running system is: what flows, and what is wrong."""

import msgspec

from impetus.domain.reload import Version


class SourceStatus(msgspec.Struct, frozen=True):
    """One source: ``state`` is ``waiting``, ``running``, ``finished`` or ``failed`` (then with the ``problem``)."""

    name: str
    state: str
    events: int = 0
    rejected: int = 0
    newest: int | None = None
    problem: str = ""


class Status(msgspec.Struct, frozen=True):
    """The whole: totals, rate (events/s over the last seconds), watermark (µs) and sources."""

    version: str
    events: int
    rejected: int
    rate: float
    watermark: int | None
    sources: tuple[SourceStatus, ...]
    open_incidents: int
    explained: int
    versions: tuple[Version, ...] = ()
    """Rules, city model and plan in force."""

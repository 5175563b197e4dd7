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
    shed: int = 0
    """Records that found no room and are lost, since the store was made."""


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """Something that makes the picture less than whole, about one rule or source; ``at``: newest (event time, µs)."""

    code: str
    about: str
    what: str
    hint: str
    count: int = 1
    at: int | None = None

    def __str__(self) -> str:
        return f"{self.about}: {self.what} [{self.code}]. {self.hint}"


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
    notices: tuple[Notice, ...] = ()
    """What people have to know: events too late, clocks that are off, sources that are down, waits in doubt."""
    versions: tuple[Version, ...] = ()
    """Rules, city model and plan in force."""

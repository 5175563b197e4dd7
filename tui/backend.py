"""What the console needs of a server, as a Protocol: the API behind it, or a fake in a test."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from impetus.domain.action import Action, Undo
from impetus.domain.alert import Alert
from impetus.domain.cascade import Cascade
from impetus.domain.incident import Incident
from impetus.domain.status import Status


class Record(msgspec.Struct, frozen=True):
    """An event as the API shows it: personal values masked. ``json`` is the event, ``original`` the raw record."""

    id: str
    time: int
    json: str
    original: str = ""


class Backend(Protocol):
    """Every call raises ``ImpetusError``: ``api.unavailable`` when the server does not answer, others as they are."""

    async def list_incidents(self, statuses: Sequence[str], limit: int) -> tuple[list[Incident], int]:
        """Incidents of these statuses (all if none), highest risk first, and the cursor to watch from."""

    def watch(self, cursor: int) -> AsyncIterator[tuple[int, Incident]]:
        """Every change behind a cursor, with the cursor to go on from; ends or raises when the connection does."""

    async def incident(self, id: str) -> tuple[Incident, list[Alert], Cascade]:
        """An incident with its alerts, and what else fails with its devices."""

    async def search_events(self, ids: Sequence[str]) -> list[Record]:
        """Events by id, in any order; unknown ones are left out."""

    async def act(self, action: Action) -> Incident:
        """Carry out an action; the same id again changes nothing."""

    async def undo(self, undo: Undo) -> Incident:
        """Take an action back."""

    async def status(self) -> Status:
        """What flows and what is wrong."""

    async def close(self) -> None:
        """Release the connection."""

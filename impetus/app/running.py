"""The seam between the service and what runs the correlator: in this process, or behind Kafka."""

from collections.abc import AsyncIterator
from typing import Protocol

from correlator.city import CityModel
from correlator.setup import Setup
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.batch import Batch
from impetus.domain.condition import Condition
from impetus.domain.incident import Incident


class InForce(Protocol):
    """What the service asks of the correlator that is in force."""

    @property
    def city(self) -> CityModel:
        """The city model."""

    @property
    def settled(self) -> int | None:
        """The event time (µs) before which nothing can change any more."""

    @property
    def restarted(self) -> tuple[str, ...]:
        """Titles of correlations whose windows began anew with the set-up in force."""

    @property
    def gone(self) -> tuple[str, ...]:
        """Ids of correlations that are no more since the set-up in force."""


class Running(Protocol):
    """The ``Intake`` of the collectors, the ``Desk`` and the ``Feed`` of the API, and what watches and reloads it."""

    async def accept(self, batch: Batch) -> None:
        """Take a batch; returns when it is durable."""

    def position(self, source: str) -> bytes | None:
        """The position that was last made durable for a source."""

    async def report(self, source: str, down: bool, reason: str) -> None:
        """Put it on record that the collector of a source is down, or up again."""

    @property
    def waiting(self) -> int:
        """How many records were handed over and are not durable yet."""

    def conditions(self) -> dict[tuple[str, str], int]:
        """Kind and subject of the conditions that hold, with since when (µs)."""

    async def tell(self, condition: Condition, holds: bool) -> None:
        """Put it on record that a condition was raised or cleared."""

    async def act(self, action: Action) -> Incident:
        """Carry out an action."""

    async def undo(self, undo: Undo) -> Incident:
        """Take an action back."""

    async def promote(self, promotion: Promotion) -> Incident | None:
        """Take an explanation of the plan back."""

    async def reload(self, setup: Setup) -> InForce:
        """Go on with another set-up."""

    def changed(self) -> AsyncIterator[int]:
        """Yields the newest cursor whenever it moved."""

    @property
    def correlator(self) -> InForce:
        """The correlator in force."""

    async def run(self) -> None:
        """Run until cancelled."""

    def close(self) -> None:
        """Stop the threads."""

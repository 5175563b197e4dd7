"""Sinks: other systems that are told of incidents, each change of them."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import msgspec


class Parcel(msgspec.Struct, frozen=True):
    """What a sink is told of one incident, masked."""

    incident: str
    """Its id. A sink that keeps an order keeps that of the parcels of one incident."""
    body: bytes
    """One line of JSON, as ``impetus incidents export`` writes it."""


class Sink(Protocol):
    """Where incidents are delivered. ``Settings`` declares its keys in ``impetus.toml``; unknown keys are refused.

    Who is told may be told the same again after a kill, or a later revision, never an earlier one.
    """

    Settings: ClassVar[type[msgspec.Struct]]

    def __init__(self, name: str, settings: Any) -> None: ...

    async def deliver(self, parcels: Sequence[Parcel]) -> None:
        """Returns when all are durable there. Raises ``ImpetusError`` (sink.unreachable): all are tried again."""

    async def close(self) -> None:
        """Release what is held; it may be used again afterwards."""

"""Entities: what an event is about, and by which alerts join one incident."""

import msgspec

IDENTIFYING: dict[str, str] = {
    "user.name": "user",
    "user.target.name": "user",
    "user.effective.name": "user",
    "badge.id": "badge",
    "device.id": "device",
    "source.ip": "address",
    "destination.ip": "address",
}
"""Field → kind of the entities that identify. Indicators in ``threat.enrichments`` identify too."""

WEAK: dict[str, str] = {"source.sample": "address"}
"""Fields whose values link incidents and never join them: one value of a sample, an address that a flood can forge."""


class Entity(msgspec.Struct, frozen=True, order=True):
    """One thing: ``kind`` (user, badge, device, address, indicator …), its ``value``, and whether it only links."""

    kind: str
    value: str
    weak: bool = False

    @property
    def key(self) -> str:
        """``kind:value``, as joins and searches name it."""
        return f"{self.kind}:{self.value}"

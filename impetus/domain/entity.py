"""Entities: what an event is about, and by which alerts join one incident."""

from functools import lru_cache

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

SEARCHED: dict[str, str] = {"vehicle.plate": "plate"}
"""Fields whose values events are found by, as entities are, and which join nothing."""

NOBODY = frozenset({"", "-", "?", "n/a", "none", "null", "(null)", "unknown", "anonymous", "0.0.0.0", "::"})  # noqa: S104
"""Values (folded) by which records say that they know none: no entity at all."""

EVERYWHERE = frozenset(
    {"system", "local system", "localsystem", "local service", "network service", "root", "administrator", "admin"}
    | {"anonymous logon", "guest", "127.0.0.1", "::1", "localhost"}
)
"""Values (folded) that every host has: they link and never join. In a domain of its own an account is one account."""

AUTHORITIES = frozenset({"", ".", "nt authority", "nt service", "builtin", "font driver host", "window manager"})
"""Domains (folded) that every Windows host has."""


class Entity(msgspec.Struct, frozen=True, gc=False, order=True):
    """One thing: ``kind`` (user, badge, device, address, indicator …), its ``value``, and whether it only links."""

    kind: str
    value: str
    weak: bool = False

    @classmethod
    def of(cls, kind: str, value: str) -> "Entity | None":
        """The entity of a value as records write it; accounts and addresses fold case. None for nobody."""
        folded = value.strip().casefold()
        if folded in NOBODY:
            return None
        domain, _, bare = folded.rpartition("\\")
        everywhere = kind in {"user", "address"} and bare in EVERYWHERE and domain in AUTHORITIES
        return cls(kind, folded if kind in {"user", "address"} else value, weak=everywhere)

    @property
    def key(self) -> str:
        """``kind:value``, as joins and searches name it."""
        return _key(self.kind, self.value)


@lru_cache(maxsize=1 << 16)
def _key(kind: str, value: str) -> str:
    """One string for all that are the same entity: it is asked for, and kept, very often."""
    return f"{kind}:{value}"


def fold_key(key: str) -> str:
    """A key as searches compare it: whatever the case. What the engine holds equal is equal here too.

    The dot above (U+0307) goes: the engine lowers ``İ`` to ``i``, where full case folding keeps a dot.
    """
    return key.casefold().replace("\u0307", "")

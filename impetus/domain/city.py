"""The city model: zones, devices and accounts, as a city team writes them in ``city.yml``.

Pure values; ``correlator.city`` reads the file and checks it.
"""

from typing import Any, Literal

import msgspec

from impetus.domain.place import Location


class Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a device says something, and after how long it counts as silent (durations such as ``90s``)."""

    every: str
    silent_after: str


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the city: within another, adjacent to some, and how far it extends.

    That is its ``geometry``, a Polygon or MultiPolygon of RFC 7946 (degrees), or else the ``radius`` (metres) around
    its ``location``.
    """

    id: str
    name: str = ""
    within: str | None = None
    adjacent: tuple[str, ...] = ()
    location: Location | None = None
    radius: float | None = None
    geometry: dict[str, Any] | None = None


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A thing that observes or is acted on: a door, camera, controller, sensor, server."""

    id: str
    kind: str
    zone: str | None = None
    location: Location | None = None
    radius: float = 0.0
    addresses: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    heartbeat: Heartbeat | None = None
    shared: bool = False
    criticality: Literal["low", "medium", "high"] | None = None


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account that the city knows, of a person or of a service."""

    name: str
    kind: Literal["person", "service"] = "person"


class City(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the model of a city. ``geometry`` names a GeoJSON file beside it, with a feature per zone id."""

    city: str
    timezone: str = "UTC"
    geometry: str | None = None
    zones: tuple[Zone, ...] = ()
    devices: tuple[Device, ...] = ()
    accounts: tuple[Account, ...] = ()

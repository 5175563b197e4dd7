"""Where: zones and locations on the earth (WGS 84 degrees), and distance in metres."""

from math import asin, cos, radians, sin, sqrt

import msgspec

EARTH_RADIUS = 6_371_008.8
"""Mean radius of the earth in metres (IUGG); great-circle distances are on a sphere of this radius."""


class Location(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A point: latitude and longitude in degrees."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError("a latitude is within ±90, a longitude within ±180 degrees")


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where something happened: a zone of the city model, a location, and how far off it may be (metres)."""

    zone: str | None = None
    location: Location | None = None
    radius: float = 0.0


def distance(a: Location, b: Location) -> float:
    """Great-circle distance in metres (haversine)."""
    phi, psi = radians(a.lat), radians(b.lat)
    h = sin((psi - phi) / 2) ** 2 + cos(phi) * cos(psi) * sin(radians(b.lon - a.lon) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(h)))

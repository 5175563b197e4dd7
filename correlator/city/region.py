"""How far a zone extends, whether a location is in it, and how far apart regions are, anywhere on the earth.

Whether a location is within is decided in degrees (polygons, as RFC 7946 defines their edges) or by great-circle
distance (circles): both are right at any latitude. Gaps are measured in a plane that touches the earth there, which is
right to a part in a thousand over a city.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import asin, cos, degrees, pi, radians, sin

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Point
from shapely.geometry.base import BaseGeometry

from correlator.city.ring import polygon_of
from impetus.domain.city import Zone
from impetus.domain.place import EARTH_RADIUS, Location, distance

TURNS = (0, 360, -360)
"""A location has a longitude in each turn; a region across ±180° has only one of them."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Region:
    """The extent of a zone: ``shape`` in degrees (of a circle: a box around it) and ``area`` in square metres."""

    shape: BaseGeometry
    area: float
    centre: Location
    radius: float | None = None
    """Metres, of a circle; None for a polygon."""

    def covers(self, location: Location) -> bool:
        """Whether a location is in it, the border included."""
        if self.radius is not None:
            return distance(self.centre, location) <= self.radius
        return any(shapely.intersects_xy(self.shape, location.lon + turn, location.lat) for turn in TURNS)

    def gap_to(self, location: Location) -> float:
        """Metres from a location to the nearest point of the region; 0 within."""
        if self.covers(location):
            return 0.0
        if self.radius is not None:
            return distance(self.centre, location) - self.radius
        return float(self.outline(location).distance(Point(0, 0)))

    def gap_between(self, other: "Region") -> float:
        """Metres between the nearest points of two regions; 0 if they touch."""
        return float(self.outline(self.centre).distance(other.outline(self.centre)))

    def reach(self, metres: float) -> list[BaseGeometry]:
        """Boxes in degrees, one a turn, that hold whatever is so near."""
        west, south, east, north = self.shape.bounds
        up = degrees(metres / EARTH_RADIUS) + 1e-9
        wide = up / max(1e-3, cos(radians(min(89.9, max(abs(south), abs(north))))))
        return [shapely.box(west - wide + turn, south - up, east + wide + turn, north + up) for turn in TURNS]

    def outline(self, origin: Location) -> BaseGeometry:
        """The region in metres east and north of an origin that is near it."""
        project = _plane(origin)
        if self.radius is not None:
            return Point(*project(np.array([[self.centre.lon, self.centre.lat]]))[0]).buffer(self.radius)
        return shapely.transform(self.shape, project)


def region_of(zone: Zone) -> Region | None:
    """The extent of a zone; None if the model does not say. Raises ``ValueError``."""
    if zone.geometry is not None:
        shape = polygon_of(zone.geometry)
        middle = shape.representative_point()
        return Region(shape, shapely.transform(shape, _equal_area).area, _location(middle.x, middle.y))
    if zone.radius is None:
        return None
    if zone.location is None:
        raise ValueError("a radius needs a location around which it is")
    if not 0 < zone.radius <= pi / 2 * EARTH_RADIUS:
        raise ValueError(f"{zone.radius} is no radius in metres")
    cap = 2 * pi * EARTH_RADIUS**2 * (1 - cos(zone.radius / EARTH_RADIUS))
    return Region(_box(zone.location, zone.radius), cap, zone.location, zone.radius)


def _box(centre: Location, radius: float) -> BaseGeometry:
    """Degrees around a circle; all longitudes where it holds a pole."""
    angle = radius / EARTH_RADIUS
    south, north = centre.lat - degrees(angle), centre.lat + degrees(angle)
    holds_pole = south <= -90 or north >= 90
    wide = 180.0 if holds_pole else degrees(asin(min(1.0, sin(angle) / cos(radians(centre.lat)))))
    # A little more than it is: what the box lets in is measured.
    return shapely.box(centre.lon - wide - 1e-9, south - 1e-9, centre.lon + wide + 1e-9, north + 1e-9)


def _location(lon: float, lat: float) -> Location:
    return Location(lat, (lon + 180) % 360 - 180)


def _plane(origin: Location) -> Callable[[Numbers], Numbers]:
    """Degrees to metres east and north of an origin, the short way around the earth."""
    scale = EARTH_RADIUS * cos(radians(origin.lat))

    def project(positions: Numbers) -> Numbers:
        east = (positions[:, 0] - origin.lon + 180) % 360 - 180
        north = positions[:, 1] - origin.lat
        return np.column_stack((np.radians(east) * scale, np.radians(north) * EARTH_RADIUS))

    return project


def _equal_area(positions: Numbers) -> Numbers:
    """Degrees to a plane in which areas are those on the earth (Lambert's cylinder), in metres."""
    return np.column_stack((np.radians(positions[:, 0]), np.sin(np.radians(positions[:, 1])))) * EARTH_RADIUS

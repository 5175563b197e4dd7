"""Polygons of GeoJSON (RFC 7946) as shapes in degrees: bounded, checked, in one piece across ±180°."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import floor
from typing import Any

import shapely
from shapely import MultiPolygon, Polygon

MAX_POSITIONS = 100_000
"""A geometry of more positions is refused: the coast of a whole country has fewer."""

Ring = list[tuple[float, float]]


def polygon_of(geometry: Mapping[str, Any]) -> Polygon | MultiPolygon:
    """The shape of a Polygon or MultiPolygon, (longitude, latitude) in degrees. Raises ``ValueError``.

    Edges are straight between longitude and latitude, as RFC 7946 says. Where one jumps by more than 180° of longitude
    it is taken to cross ±180°; longitudes then run on beyond 180.
    """
    kind, parts = geometry.get("type"), geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"a zone extends over a Polygon or MultiPolygon, not over {kind!r}")
    polygons = [parts] if kind == "Polygon" else _list(parts, "coordinates")
    _bound(polygons)
    shapes = [_polygon(_list(part, "a polygon")) for part in polygons]
    shape = shapes[0] if len(shapes) == 1 else MultiPolygon(shapes)
    if not shapely.is_valid(shape):
        raise ValueError(f"the geometry is not valid: {shapely.is_valid_reason(shape)}")
    if shape.is_empty or shape.area == 0:
        raise ValueError("the geometry has no area")
    return shape


def _bound(polygons: Sequence[Any]) -> None:
    rings = [ring for part in polygons if isinstance(part, list) for ring in part if isinstance(ring, list)]
    if sum(map(len, rings)) > MAX_POSITIONS:
        raise ValueError(f"a geometry of over {MAX_POSITIONS} positions")


def _polygon(rings: list[Any]) -> Polygon:
    shell, *holes = [_unwrap([_position(each) for each in _list(ring, "a ring")]) for ring in rings]
    for ring in (shell, *holes):
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise ValueError("a ring has four positions or more, and its last is its first")
    west = min(lon for lon, _ in shell)
    return Polygon(shell, [_turn_to(hole, west) for hole in holes])


def _position(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) < 2 or not all(_is_number(each) for each in value[:2]):
        raise ValueError("a position is [longitude, latitude]")
    lon, lat = float(value[0]), float(value[1])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError(f"[{lon}, {lat}] is no [longitude, latitude] in degrees")
    return lon, lat


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 360


def _unwrap(ring: Ring) -> Ring:
    """The ring without jumps at ±180°. A line all along a parallel (from -180 to 180) is none."""
    turns, found = 0.0, ring[:1]
    for (before, _), (lon, lat) in pairwise(ring):
        if 180 < abs(lon - before) < 360:
            turns += 360 if lon < before else -360
        found.append((lon + turns, lat))
    return found


def _turn_to(hole: Ring, west: float) -> Ring:
    """A hole on the same side of ±180° as its shell, which begins at ``west``."""
    turns = floor((min(lon for lon, _ in hole) - west + 1e-9) / 360)
    return [(lon - 360 * turns, lat) for lon, lat in hole]


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{what} is a list that is not empty")
    return value

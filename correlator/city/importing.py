"""Zones and devices from a GeoJSON file: polygons become zones, points devices; what cannot is named and left out."""

from collections.abc import Iterable
from typing import Any

import msgspec

from correlator.city.geojson import Feature, point_of
from correlator.city.neighbours import holders_of, neighbours_of
from correlator.city.region import Region, region_of
from correlator.city.zones import ZoneMap
from impetus.domain.city import City, Device, Zone
from impetus.domain.errors import ImpetusError
from impetus.domain.place import Location

DIGITS = 7
"""Decimals of a degree that are kept: a centimetre."""
NEAR = 5.0
"""Zones with a gap of at most so many metres are neighbours: a strip that nobody drew lies between."""


class Imported(msgspec.Struct):
    """What a file gave, and what was left out."""

    zones: list[Zone] = []
    devices: list[Device] = []
    problems: list[ImpetusError] = []


def import_features(features: Iterable[Feature], near: float = NEAR, into: City | None = None) -> Imported:
    """Zones and devices of features, with neighbours and the tree derived from the geometry.

    Of a zone: ``id`` (else ``name``), ``name``, ``within``. Of a device: ``id``, ``kind``, ``zone`` and ``radius``, and
    the lists ``addresses``, ``watches`` and ``depends_on``; names that are neither in the file nor in the model
    ``into`` are left out of these.
    """
    found = Imported([], [], [])
    regions: dict[str, Region] = {}
    taken: set[str] = set()
    for feature in features:
        try:
            id = _id_of(feature, taken)
            if feature.geometry.get("type") == "Point":
                found.devices.append(_device(feature, id))
            else:
                zone, regions[id] = _zone(feature, id)
                found.zones.append(zone)
            taken.add(id)
        except ValueError as error:
            found.problems.append(ImpetusError("city.invalid", str(error), feature.where))
    found.zones = _arranged(found.zones, regions, near)
    found.devices = _placed(found.devices, found.zones, regions, into or City(city=""))
    return found


def _id_of(feature: Feature, taken: set[str]) -> str:
    id = feature.id or feature.text("zone", "name", "NAME", "navn")
    if id is None:
        raise ValueError("it has no id and no name")
    if id in taken:
        raise ValueError(f"{id!r} is there twice")
    return id


def _zone(feature: Feature, id: str) -> tuple[Zone, Region]:
    zone = Zone(
        id,
        name=feature.text("name", "NAME", "navn") or "",
        within=feature.text("within"),
        geometry={"type": feature.geometry.get("type"), "coordinates": _short(feature.geometry.get("coordinates"), 0)},
    )
    region = region_of(zone)
    assert region is not None  # noqa: S101 - it has a geometry
    return zone, region


def _short(value: Any, depth: int) -> Any:
    """Coordinates with as many decimals as they need, and no heights."""
    if not isinstance(value, list) or depth > 4:
        return value
    if value and not isinstance(value[0], list):
        return [round(each, DIGITS) if isinstance(each, float) else each for each in value[:2]]
    return [_short(each, depth + 1) for each in value]


def _device(feature: Feature, id: str) -> Device:
    kind = feature.text("kind", "type")
    if kind is None:
        raise ValueError("a point is a device, and has no kind")
    lat, lon = point_of(feature)
    radius: object = feature.properties.get("radius")
    return Device(
        id,
        kind,
        zone=feature.text("zone"),
        location=Location(round(lat, DIGITS), round(lon, DIGITS)),
        radius=float(radius) if isinstance(radius, int | float) and 0 <= radius < 1e6 else 0.0,
        addresses=feature.texts("addresses"),
        depends_on=feature.texts("depends_on"),
        watches=feature.texts("watches"),
    )


def _arranged(zones: list[Zone], regions: dict[str, Region], near: float) -> list[Zone]:
    """The zones with what each is within (unless the file says) and its neighbours."""
    holders = holders_of(regions)
    tree = {zone.id: msgspec.structs.replace(zone, within=zone.within or holders.get(zone.id)) for zone in zones}
    neighbours = neighbours_of(regions, tree, near)
    return [msgspec.structs.replace(zone, adjacent=neighbours[id]) for id, zone in tree.items()]


def _placed(devices: list[Device], zones: list[Zone], regions: dict[str, Region], into: City) -> list[Device]:
    """The devices, each in the zone that holds it if it names none; without the names of what is not there."""
    places = ZoneMap({zone.id: zone for zone in zones}, regions)
    known = {zone.id for zone in (*zones, *into.zones)}
    others = {device.id for device in (*devices, *into.devices)}
    return [
        msgspec.structs.replace(
            device,
            zone=device.zone if device.zone in known else _zone_at(places, device.location),
            depends_on=tuple(id for id in device.depends_on if id in others),
            watches=tuple(id for id in device.watches if id in known),
        )
        for device in devices
    ]


def _zone_at(places: ZoneMap, at: Location | None) -> str | None:
    return places.zone_at(at.lat, at.lon) if at is not None else None

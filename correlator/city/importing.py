"""Zones and devices from a GeoJSON file: polygons become zones, points devices; what cannot is named and left out."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from correlator.city.device import DIGITS, device_of
from correlator.city.geojson import Feature
from correlator.city.neighbours import holders_of, neighbours_of
from correlator.city.region import Region, region_of
from correlator.city.zones import ZoneMap
from correlator.finding import Names
from impetus.domain.city import City, Device, Zone
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.place import Location

NEAR = 5.0
"""Zones with a gap of at most so many metres are neighbours: a strip that nobody drew lies between."""
LATER = "Add it to the model, or take the name out: impetus city check refuses the model until then"


class Imported(msgspec.Struct):
    """What a file gave, what was left out, and which names are of nothing that is there."""

    zones: list[Zone] = []
    devices: list[Device] = []
    problems: list[ImpetusError] = []
    unmet: list[ImpetusError] = []
    """Names that stay in the devices all the same: what they are of may be added later, and a check asks for it."""
    unwatching: set[str] = set()
    """Ids of the devices that say that they watch nothing."""


def import_features(features: Iterable[Feature], near: float = NEAR, into: City | None = None) -> Imported:
    """Zones and devices of features, with neighbours and the tree derived from the geometry.

    Of a zone: ``id`` (else ``name``), ``name``, ``within``. Of a device: ``id``, ``kind`` and all that a device of a
    model has. Names that are neither in the file nor in the model ``into`` stay, and are in ``unmet``.
    """
    found = Imported()
    regions: dict[str, Region] = {}
    taken: dict[str, Where] = {}
    for feature in features:
        try:
            id = _id_of(feature, taken)
            if feature.geometry.get("type") == "Point":
                _take_device(found, feature, id)
            else:
                zone, regions[id] = _zone(feature, id)
                found.zones.append(zone)
            taken[id] = feature.where
        except ValueError as error:
            found.problems.append(ImpetusError("city.invalid", str(error), feature.where))
    found.zones = _arranged(found.zones, regions, near)
    found.devices = _placed(found.devices, found.zones, regions)
    found.unmet = list(_unmet(found, taken, into or City(city="")))
    return found


def _id_of(feature: Feature, taken: Container[str]) -> str:
    is_device = feature.geometry.get("type") == "Point"  # its zone is where it is, not what it is
    id = feature.id or feature.text(*(() if is_device else ("zone",)), "name", "NAME", "navn")
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


def _take_device(found: Imported, feature: Feature, id: str) -> None:
    made = device_of(feature, id)
    found.devices.append(made.device)
    found.problems += [ImpetusError("city.invalid", what, feature.where) for what in made.left_out]
    if made.denies_watching:
        found.unwatching.add(id)


def _arranged(zones: list[Zone], regions: dict[str, Region], near: float) -> list[Zone]:
    """The zones with what each is within (unless the file says) and its neighbours."""
    holders = holders_of(regions)
    tree = {zone.id: msgspec.structs.replace(zone, within=zone.within or holders.get(zone.id)) for zone in zones}
    neighbours = neighbours_of(regions, tree, near)
    return [msgspec.structs.replace(zone, adjacent=neighbours[id]) for id, zone in tree.items()]


def _placed(devices: list[Device], zones: list[Zone], regions: dict[str, Region]) -> list[Device]:
    """The devices, each in the zone that holds it if it names none."""
    places = ZoneMap({zone.id: zone for zone in zones}, regions)
    return [
        msgspec.structs.replace(device, zone=device.zone or _zone_at(places, device.location)) for device in devices
    ]


def _unmet(found: Imported, wheres: Mapping[str, Where], into: City) -> Iterator[ImpetusError]:
    """Each name of a new device that is of nothing there."""
    old = {device.id for device in into.devices}
    zones = Names({zone.id for zone in (*found.zones, *into.zones)})
    others = Names({device.id for device in found.devices} | old)
    for device in (device for device in found.devices if device.id not in old):
        named = {"zone": filter(None, [device.zone]), "watches": device.watches, "depends_on": device.depends_on}
        for key, names in named.items():
            known = others if key == "depends_on" else zones
            for name in (name for name in names if name not in known):
                what = f"{key} of device {device.id} names {name!r}, which is not there, and stays"
                yield ImpetusError("city.invalid", what, wheres[device.id], f"{known.nearest(name)} {LATER}".lstrip())


def _zone_at(places: ZoneMap, at: Location | None) -> str | None:
    return places.zone_at(at.lat, at.lon) if at is not None else None

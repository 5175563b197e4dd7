"""Reading a city model: the document, the GeoJSON file that it may name, and the form in which it enters the log."""

from pathlib import Path

import msgspec
import yaml

from correlator.city.geojson import Feature, by_id, read_features
from correlator.document import Lines, locate_document
from correlator.finding import Finding, Names, unwise
from impetus.domain.city import City, Zone
from impetus.domain.errors import ImpetusError


class Reading(msgspec.Struct, frozen=True):
    """A model as it was read: whole, with the lines of its parts, as bytes for the log, and what its GeoJSON lacks."""

    city: City
    lines: Lines
    document: bytes
    """Whole in itself: a geometry that stood in a file beside it is in it."""
    findings: tuple[Finding, ...] = ()


def read_city(text: bytes, file: str) -> Reading:
    """The model in the bytes of a file; a GeoJSON file that it names lies beside it. Raises ``ImpetusError``."""
    located = locate_document(text, City, "city", file)
    city, lines = located.value, located.lines
    if city.geometry is None:
        return Reading(city, lines, text)
    features, problems = _features(city.geometry, lines, file)
    if problems:
        raise problems[0]
    shapes = dict(by_id(features))
    zones = tuple(_with_geometry(zone, shapes.get(zone.id)) for zone in city.zones)
    whole = msgspec.structs.replace(city, zones=zones, geometry=None)
    return Reading(whole, lines, _written(whole), tuple(_unmet(shapes, city)))


def _features(name: str, lines: Lines, file: str) -> tuple[list[Feature], list[ImpetusError]]:
    if Path(name).name != name or name.startswith("."):
        what = f"{name!r} is no name of a file beside the model"
        raise ImpetusError("city.invalid", what, lines.where("geometry"), "Such as zones.geojson, without a folder")
    return read_features(Path(file).parent / name)


def _with_geometry(zone: Zone, feature: Feature | None) -> Zone:
    """A zone with its shape of the file; what the model says itself stands."""
    if feature is None or zone.geometry is not None:
        return zone
    return msgspec.structs.replace(zone, geometry=dict(feature.geometry))


def _unmet(shapes: dict[str, Feature], city: City) -> list[Finding]:
    """A warning for each feature that is of no zone; the devices in a file give no zone its shape, and are in order."""
    zones = Names({zone.id for zone in city.zones})
    return [
        unwise("city", f"a feature is of zone {id!r}, which is not in the model", feature.where, zones.hint(id))
        for id, feature in shapes.items()
        if id not in zones and feature.kind is None
    ]


def _written(city: City) -> bytes:
    value = {key: each for key, each in msgspec.to_builtins(city).items() if each is not None}
    return yaml.dump(value, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False).encode()

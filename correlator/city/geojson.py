"""GeoJSON files (RFC 7946): features, bounded and checked as far as everything that is done with them needs."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from correlator.document import read_file
from impetus.domain.errors import ImpetusError, Where

MAX_FEATURES = 50_000
"""A file of more features is refused: no city has so many zones and devices."""
MAX_TEXT = 200
"""An id or a name is cut here."""


class Feature(msgspec.Struct, frozen=True):
    """One feature: its geometry as it stands, its properties, and where it stands in the file."""

    geometry: Mapping[str, Any]
    properties: Mapping[str, Any]
    where: Where
    id: str | None

    def text(self, *names: str) -> str | None:
        """The first of some properties that is a text or a whole number, without what does not print."""
        return next((text for name in names if (text := readable(self.properties.get(name)))), None)

    @property
    def kind(self) -> str | None:
        """What makes a Point a device."""
        return self.text("kind", "type") if self.geometry.get("type") == "Point" else None


def readable(value: object) -> str | None:
    """A text or whole number from a file of others, as one may print it."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return "".join(char for char in str(value) if char.isprintable())[:MAX_TEXT].strip() or None


def read_features(path: Path) -> tuple[list[Feature], list[ImpetusError]]:
    """The features of a FeatureCollection (or one Feature alone), and what is wrong with the others."""
    return parse_features(read_file(path, "city"), str(path))


def parse_features(text: bytes, file: str) -> tuple[list[Feature], list[ImpetusError]]:
    """The same for the bytes of a file. Raises ``ImpetusError`` if it holds no features at all."""
    try:
        document = msgspec.json.decode(text.removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ImpetusError("city.unreadable", str(error), Where(file)) from None
    features: list[Feature] = []
    problems: list[ImpetusError] = []
    for number, value in enumerate(_values(document, file)):
        where = Where(file, None, f"features[{number}]")
        try:
            features.append(_feature(value, where))
        except ValueError as error:
            problems.append(ImpetusError("city.invalid", str(error), where))
    return features, problems


def _values(document: Any, file: str) -> list[Any]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "Feature":
        return [document]
    values = document.get("features") if kind == "FeatureCollection" else None
    if not isinstance(values, list):
        what = f"it is no FeatureCollection of GeoJSON, but {kind!r}"
        raise ImpetusError("city.unreadable", what, Where(file), "Export the layer as GeoJSON (RFC 7946)")
    if len(values) > MAX_FEATURES:
        raise ImpetusError("city.unreadable", f"over {MAX_FEATURES} features", Where(file))
    return values


def _feature(value: Any, where: Where) -> Feature:
    if not isinstance(value, dict) or value.get("type") != "Feature":
        raise ValueError("it is no Feature")
    geometry, properties = value.get("geometry"), value.get("properties")
    if not isinstance(geometry, dict):
        raise ValueError("it has no geometry")  # noqa: TRY004 - the text is what is wrong with the feature
    properties = properties if isinstance(properties, dict) else {}
    id = readable(properties.get("id")) or readable(value.get("id"))
    return Feature(geometry, properties, where, id)


def point_of(feature: Feature) -> tuple[float, float]:
    """Latitude and longitude of a feature that is a Point. Raises ``ValueError``."""
    match feature.geometry:
        case {"type": "Point", "coordinates": [int() | float() as lon, int() | float() as lat, *_]}:
            if -180 <= lon <= 180 and -90 <= lat <= 90:
                return float(lat), float(lon)
    raise ValueError("a point has [longitude, latitude] in degrees")


def by_id(features: list[Feature]) -> Iterator[tuple[str, Feature]]:
    """Each feature that names itself, with its id; of several with one id the first."""
    seen: set[str] = set()
    for feature in features:
        if feature.id is not None and feature.id not in seen:
            seen.add(feature.id)
            yield feature.id, feature

"""An observation: what the correlator keeps of a matched event, read once from its JSON."""

from collections.abc import Iterator, Mapping

import msgspec

from correlator._engine import Item
from correlator.city import CityModel
from impetus.domain.entity import IDENTIFYING, WEAK, Entity
from impetus.domain.event import Fields, Json, first_text, read, text
from impetus.domain.instant import read_instant
from impetus.domain.place import Location, Place

INDICATOR = "threat.enrichments.indicator.name"
"""The field of the indicators that an event met."""


class Observation(msgspec.Struct, frozen=True, array_like=True):
    """An event as alerts and incidents need it; small, because it is kept as long as a window may need it."""

    id: str
    time: int
    place: Place
    entities: tuple[Entity, ...]
    domain: str
    device: str | None
    target_time: int | None
    exercise: bool
    block: int = 0
    """The block of the log that it came in, or one before that since which no rule began."""


def observe(event: Mapping[str, Json], id: str, time: int, city: CityModel, block: int = 0) -> Observation:
    """The observation of an event with what enrichment added."""
    target = first_text(event, "post.target.time")
    return Observation(
        id=id,
        time=time,
        place=place_of(event),
        entities=tuple(dict.fromkeys(entities_of(event, city))),
        domain=first_text(event, "city.domain") or "",
        device=_device(event, city),
        target_time=read_instant(target),
        exercise=first_text(event, "exercise") == "true",
        block=block,
    )


def place_of(event: Mapping[str, Json]) -> Place:
    """``place.*`` of an event; a location that is none counts as absent, a negative radius as 0."""
    lat, lon = _number(event, "place.location.lat"), _number(event, "place.location.lon")
    radius = _number(event, "place.radius") or 0.0
    return Place(first_text(event, "place.zone"), _location(lat, lon), max(0.0, radius))


def entities_of(event: Mapping[str, Json], city: CityModel) -> Iterator[Entity]:
    """The entities of an event: identifying ones, weak ones, and indicators that it met.

    Addresses of the city model count as their device; a device that the model marks shared only links.
    """
    for field, kind in IDENTIFYING.items():
        yield from field_entities(event, field, kind, city)
    for field, kind in WEAK.items():
        for entity in field_entities(event, field, kind, city):
            yield Entity(entity.kind, entity.value, weak=True)
    yield from field_entities(event, INDICATOR, "indicator", city)


def field_entities(event: Mapping[str, Json], field: str, kind: str, city: CityModel) -> Iterator[Entity]:
    """The entities that a field names as a kind."""
    for value in read(event, field) if field in event or type(event) is not Fields else ():
        device = city.device(text(value)) if kind in {"device", "address"} else None
        entity = Entity.of(kind, text(value)) if device is None else Entity("device", device.id, weak=device.shared)
        if entity is not None:
            yield entity


def _device(event: Mapping[str, Json], city: CityModel) -> str | None:
    name = first_text(event, "device.id")
    device = city.device(name) if name else None
    return device.id if device else name


def _location(lat: float | None, lon: float | None) -> Location | None:
    if lat is None or lon is None:
        return None
    try:
        return Location(lat, lon)
    except ValueError:
        return None


def _number(event: Mapping[str, Json], path: str) -> float | None:
    for value in read(event, path):
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                return None
    return None


class Hit(msgspec.Struct, frozen=True, array_like=True):
    """A matched event: what was observed, the indices of the rules that hold, and the line that the engine read."""

    seen: Observation
    rules: tuple[int, ...]
    line: bytes


def item_of(seen: Observation, rule: int, fields: list[tuple[str, str]], explained: bool) -> Item:
    """A match of a rule as the windows see it: the event, what they read of it, and whether the plan explains it."""
    at, location = seen.place, seen.place.location
    lat, lon = (location.lat, location.lon) if location else (None, None)
    return Item(rule, seen.id, seen.time, at.zone, lat, lon, at.radius, fields, explained)

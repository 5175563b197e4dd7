"""What an event is found by in the store: its entities, its zone, and the values that indicators look for."""

from collections.abc import Iterator, Mapping

import msgspec

from correlator.arrival import Arrival
from correlator.city import CityModel
from correlator.enrich import MET
from correlator.intelligence import LOOKUPS, fold, search_key
from correlator.observation import INDICATOR, entities_of, field_entities
from impetus.domain.batch import Head
from impetus.domain.entity import IDENTIFYING, SEARCHED, WEAK
from impetus.domain.event import Fields, Json, first_text

MAX_VALUES = 20_000
"""So many values of a field have their keys remembered; then they are found anew."""
MAX_LENGTH = 256
"""Keys of longer values are not remembered (characters)."""


class _Field(msgspec.Struct):
    """A field with keys: the kinds of what it names and of what it is looked up as, and the keys of common values."""

    entity: str | None
    lookup: str | None
    known: dict[str, tuple[str, ...]] = {}


class HeadMaker:
    """Makes the heads of events. The keys of a value follow from its field and the city model: the common ones are
    remembered."""

    def __init__(self, city: CityModel) -> None:
        self._city = city
        entities = {**IDENTIFYING, **WEAK, **SEARCHED, INDICATOR: "indicator"}
        self._fields = {field: _Field(entities.get(field), LOOKUPS.get(field)) for field in (*entities, *LOOKUPS)}

    def head(self, arrival: Arrival, added: Mapping[str, Json]) -> Head:
        """The head of an event with what enrichment added."""
        brief = arrival.brief
        if brief is not None and not added:
            return Head(arrival.id, arrival.time, brief[1])
        keys = self._keys_of(arrival.event) if brief is None else list(brief[1])
        if MET in added:
            keys += [entity.key for entity in entities_of(added, self._city)]
        zone = added.get("place.zone") if brief else first_text(arrival.event, "place.zone") or added.get("place.zone")
        if zone and type(zone) is str:
            keys.append(f"zone:{zone}")
        return Head(arrival.id, arrival.time, tuple(dict.fromkeys(keys)))

    def find(self, name: str, value: str) -> tuple[str, ...]:
        """The keys by which an event is found that has a value in a field."""
        return tuple(dict.fromkeys(self._keys(Fields({name: value}), name, self._fields[name])))

    def _keys_of(self, event: Fields) -> list[str]:
        keys: list[str] = []
        fields = self._fields
        for name, value in event.items():
            field = fields.get(name)
            if field is not None:
                known = field.known.get(value) if type(value) is str else None
                keys += self._find(name, value, field) if known is None else known
        return keys

    def _find(self, name: str, value: Json, field: _Field) -> tuple[str, ...]:
        found = tuple(self._keys(Fields({name: value}), name, field))
        if type(value) is str and len(value) <= MAX_LENGTH:
            if len(field.known) >= MAX_VALUES:
                field.known.clear()
            field.known[value] = found
        return found

    def _keys(self, event: Fields, name: str, field: _Field) -> Iterator[str]:
        if field.entity is not None:
            for entity in field_entities(event, name, field.entity, self._city):
                yield entity.key
        if field.lookup is not None:
            for value in map(fold, event.scalars(name)):
                if value:
                    yield search_key(field.lookup, value)

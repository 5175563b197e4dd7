"""Enrichment: what is added to an event before it is matched (place, plan, indicators); the event stays as it is.

The additions are one flat JSON object; ``splice`` puts them behind the fields of the event, so that the engine reads
one object and no event is encoded anew.
"""

from collections.abc import Mapping

import msgspec

from correlator.arrival import Arrival
from correlator.city import CityModel
from correlator.intelligence import Intelligence
from correlator.plan.day import DayPlan
from impetus.domain.city import Device
from impetus.domain.event import Fields, Json, Scalar, first_text, flatten, read

MET = "threat.enrichments"
"""The field of the indicators that an event meets."""

_NOTHING = Fields()
_encode = msgspec.json.Encoder().encode


class Enriched(msgspec.Struct):
    """An arrival with its additions: the line that the engine reads."""

    arrival: Arrival
    line: bytes
    added: dict[str, Json]
    late: bool
    """Too late for windows: single-event rules alone see it."""
    block: int | None = None
    """The block of the log that it came in, if that was in an earlier step."""
    rules: tuple[int, ...] | None = None
    """The rules that it meets, where it was matched already."""

    @property
    def fields(self) -> Fields:
        """The fields of the event that are asked for, with what was added."""
        if not self.added:
            return self.arrival.event
        merged = Fields(self.arrival.event)
        for path, values in flatten(self.added).items():
            merged[path] = [*merged.scalars(path), *values]
        return merged


class Enricher:
    """Adds what city model, plan and indicator table say of an event."""

    def __init__(self, city: CityModel, plan: DayPlan | None, intelligence: Intelligence) -> None:
        self._city, self._plan, self._intelligence = city, plan, intelligence

    def additions(self, event: Mapping[str, Json], instant: int) -> dict[str, Json]:
        """The fields to add to an event of an event time (µs)."""
        added = self._place(event)
        if self._plan is not None:
            zone = first_text(event, "place.zone") or added.get("place.zone")
            added |= self._plan.fields(event, zone if isinstance(zone, str) else None, instant)
        return self.renew(event, instant, added)

    def common(self, instant: int) -> dict[str, Json]:
        """The same for a common event of an event time (µs) that meets no indicator: see ``Brief``."""
        return self._plan.fields(_NOTHING, None, instant) if self._plan is not None else {}

    def renew(self, event: Mapping[str, Json], instant: int, added: Mapping[str, Json]) -> dict[str, Json]:
        """The same additions with what the table of indicators says now."""
        met = self._intelligence.enrichments(event, instant)
        kept = {name: value for name, value in added.items() if name != MET} if added else {}
        return {**kept, MET: met} if met else kept

    def _place(self, event: Mapping[str, Json]) -> dict[str, Json]:
        """What is missing of the event's place: the zone of its location, else the place of its device.

        Never against a zone or a location that the event says itself.
        """
        if type(event) is Fields and "device.id" not in event and "place.location.lat" not in event:
            return {}
        zone, name = first_text(event, "place.zone"), first_text(event, "device.id")
        lat = read(event, "place.location.lat")
        added: dict[str, Json] = {}
        own = self._zone_of(lat, read(event, "place.location.lon")) if zone is None and lat else None
        if own is not None:
            added["place.zone"] = own
        device = self._city.device(name) if name else None
        return added if device is None else added | self._from_device(device, zone or own, bool(lat))

    def _zone_of(self, lat: list[Scalar], lon: list[Scalar]) -> str | None:
        if lon and type(lat[0]) in (int, float) and type(lon[0]) in (int, float):
            return self._city.map.zone_at(lat[0], lon[0])  # type: ignore[arg-type]
        return None

    def _from_device(self, device: Device, zone: str | None, is_located: bool) -> dict[str, Json]:
        place, added = self._city.place_of(device), dict[str, Json]()
        # An event with a location outside all zones of a known extent is not in that of its device.
        if zone is None and place.zone is not None and not (is_located and place.zone in self._city.map.regions):
            added["place.zone"] = place.zone
        if place.location is not None and zone in (None, place.zone) and not is_located:
            added["place.location"] = {"lat": place.location.lat, "lon": place.location.lon}
            added["place.radius"] = place.radius
        return added


def splice(line: bytes, added: Mapping[str, Json]) -> bytes:
    """An event's line with additions behind its own fields."""
    return join(line, _encode(added)) if added else line


def join(line: bytes, addition: bytes) -> bytes:
    """The same for additions that are encoded already; empty ones change nothing."""
    if len(addition) <= 2:
        return line
    head = line.strip()[:-1].rstrip()
    return head + (b"" if head == b"{" else b",") + addition[1:]

"""Enrichment: what is added to an event before it is matched (place, plan, indicators); the event stays as it is.

The additions are one flat JSON object; ``splice`` puts them behind the fields of the event, so that the engine reads
one object and no event is encoded anew.
"""

from collections.abc import Mapping

import msgspec

from correlator.city import CityModel
from correlator.intelligence import Intelligence
from correlator.plan.day import DayPlan
from impetus.domain.event import Json, first_text, read

MET = "threat.enrichments"
"""The field of the indicators that an event meets."""

_encode = msgspec.json.Encoder().encode


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

    def renew(self, event: Mapping[str, Json], instant: int, added: Mapping[str, Json]) -> dict[str, Json]:
        """The same additions with what the table of indicators says now."""
        kept = {name: value for name, value in added.items() if name != MET}
        met = self._intelligence.enrichments(event, instant)
        return {**kept, MET: met} if met else kept

    def _place(self, event: Mapping[str, Json]) -> dict[str, Json]:
        """What is missing of the event's place, from its device; never against a zone that the event says itself."""
        name = first_text(event, "device.id")
        device = self._city.device(name) if name else None
        if device is None:
            return {}
        place, added = self._city.place_of(device), dict[str, Json]()
        zone = first_text(event, "place.zone")
        if zone is None and place.zone is not None:
            added["place.zone"] = place.zone
        if place.location is not None and zone in (None, place.zone) and not read(event, "place.location.lat"):
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

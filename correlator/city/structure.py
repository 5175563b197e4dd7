"""What types cannot say of a city model: the errors with which Impetus does not start."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from correlator.bounds import Bounds
from correlator.city.zones import ancestors
from correlator.document import Lines
from correlator.finding import Finding, Names, invalid
from impetus.domain.city import City, Device, Zone

if TYPE_CHECKING:
    from correlator.city.region import Region


class Structure:
    """The checks of a model: every name that is used is there, no zone is within itself, values can be read.

    ``regions`` are those of the zones whose extent can be read; whole once ``errors`` is at its end.
    """

    def __init__(self, city: City, lines: Lines) -> None:
        self.regions: dict[str, Region] = {}
        self._city, self._lines, self._bounds = city, lines, Bounds("city", lines)
        self._zones = {zone.id: zone for zone in city.zones}
        self._zone_names = Names(self._zones)
        self._device_names = Names({device.id for device in city.devices})

    def errors(self) -> Iterator[Finding]:
        """Everything for which the model is refused."""
        yield from self._ids("zones", [zone.id for zone in self._city.zones])
        yield from self._ids("devices", [device.id for device in self._city.devices])
        for number, zone in enumerate(self._city.zones):
            yield from self._zone(zone, number)
        for number, device in enumerate(self._city.devices):
            yield from self._device(device, number)

    def _zone(self, zone: Zone, number: int) -> Iterator[Finding]:
        # A name that is only a parent ("centre") need not be a zone of its own.
        yield from self._unknown(zone.adjacent, self._zone_names, f"zone {zone.id}", ("zones", number, "adjacent"))
        highest = [zone.id, *ancestors(self._zones, zone.id)][-1]
        if highest in self._zones and self._zones[highest].within == zone.id:
            where = self._lines.where("zones", number, "within")
            yield invalid("city", f"zone {zone.id!r} is within itself", where, "The tree of zones has no circles")
        yield from self._extent(zone, number)

    def _extent(self, zone: Zone, number: int) -> Iterator[Finding]:
        if zone.geometry is None and zone.radius is None:
            return
        if zone.geometry is not None:  # which counts before a radius: that one is looked at by nobody else
            yield from self._bounds.metres(zone.radius, f"zone {zone.id}", ("zones", number, "radius"))
        from correlator.city.region import region_of  # noqa: PLC0415 - takes long to import, and few models need it

        try:
            region = region_of(zone)
        except ValueError as error:
            key = "geometry" if zone.geometry is not None else "radius"
            yield invalid("city", f"zone {zone.id}: {error}", self._lines.where("zones", number, key))
            return
        if region is not None:
            self.regions[zone.id] = region

    def _device(self, device: Device, number: int) -> Iterator[Finding]:
        owner, steps = f"device {device.id}", ("devices", number)
        if device.zone is not None and device.zone not in self._zone_names:
            yield self._missing(device.zone, self._zone_names, owner, (*steps, "zone"))
        yield from self._unknown(device.watches, self._zone_names, owner, (*steps, "watches"))
        yield from self._unknown(device.depends_on, self._device_names, owner, (*steps, "depends_on"))
        yield from self._bounds.metres(device.radius, owner, (*steps, "radius"))
        for key in ("every", "silent_after") if device.heartbeat is not None else ():
            yield from self._bounds.span(getattr(device.heartbeat, key), owner, (*steps, "heartbeat", key))

    def _unknown(
        self, names: Iterable[str], known: Names, owner: str, steps: tuple[str | int, ...]
    ) -> Iterator[Finding]:
        for number, name in enumerate(names):
            if name not in known:
                yield self._missing(name, known, owner, (*steps, number))

    def _missing(self, name: str, known: Names, owner: str, steps: tuple[str | int, ...]) -> Finding:
        what = f"{owner} names {name!r}, which is not there"
        return invalid("city", what, self._lines.where(*steps), known.hint(name))

    def _ids(self, kind: str, ids: Sequence[str]) -> Iterator[Finding]:
        first: dict[str, int] = {}
        for number, id in enumerate(ids):
            if not id.strip():
                what = f"the id of a {kind.removesuffix('s')} is empty"
                yield invalid("city", what, self._lines.where(kind, number, "id"), "What its events call it")
            elif id in first:
                line = self._lines.where(kind, first[id]).line
                hint = f"The other stands in line {line}" if line is not None else ""
                what = f"{kind.removesuffix('s')} {id!r} is there twice"
                yield invalid("city", what, self._lines.where(kind, number, "id"), hint)
            first.setdefault(id, number)

"""The city model as the correlator asks it: which device, which zone, what depends on what."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from correlator.city.reading import Reading, read_city
from correlator.city.structure import Structure
from correlator.city.zones import ZoneMap
from correlator.document import Lines, read_file
from impetus.domain.city import City, Device, Zone
from impetus.domain.place import Place


class CityModel:
    """One version of a city model, checked, with what look-ups need."""

    def __init__(self, city: City, lines: Lines | None = None, document: bytes = b"") -> None:
        structure = Structure(city, lines or Lines())
        for error in structure.errors():
            raise error.problem
        self.city = city
        self.document = document
        """The model as it enters the log, whole in itself; empty for one made in code."""
        self.zones: dict[str, Zone] = {zone.id: zone for zone in city.zones}
        self.devices: dict[str, Device] = {device.id: device for device in city.devices}
        self.map = ZoneMap(self.zones, structure.regions)
        self._by_address = {address: device for device in city.devices for address in device.addresses}
        self._dependents = _dependents(city.devices)
        self._places = {device.id: self._place(device) for device in city.devices}

    @classmethod
    def empty(cls) -> "CityModel":
        """No model: events keep the places they bring."""
        return cls(City(city=""))

    @classmethod
    def read(cls, path: Path) -> "CityModel":
        """The model in a file; raises ``ImpetusError`` with file, line and hint."""
        return cls.parse(read_file(path, "city"), str(path))

    @classmethod
    def parse(cls, text: bytes, file: str) -> "CityModel":
        """The model in the bytes of a file; a GeoJSON file that it names is read beside that."""
        return cls.of(read_city(text, file))

    @classmethod
    def of(cls, reading: Reading) -> "CityModel":
        """The model that was read; raises ``ImpetusError`` for the first error in it."""
        return cls(reading.city, reading.lines, reading.document)

    def device(self, name: str) -> Device | None:
        """The device of an id or of one of the addresses of the model."""
        return self.devices.get(name) or self._by_address.get(name)

    def place_of(self, device: Device) -> Place:
        """Where a device is: its own location, else none; its zone, else the one that its location is in."""
        return self._places[device.id]

    def dependents(self, devices: Iterable[str]) -> set[str]:
        """All devices that depend, directly or not, on one of these."""
        found: set[str] = set()
        todo = [inner for device in devices for inner in self._dependents.get(device, ())]
        while todo:
            device = todo.pop()
            if device not in found:
                found.add(device)
                todo.extend(self._dependents.get(device, ()))
        return found

    def direct_dependents(self, device: str) -> tuple[str, ...]:
        """The devices that name this one in ``depends_on``, in the order of the model."""
        return tuple(self._dependents.get(device, ()))

    def geometry(self) -> bytes:
        """What the windows need of the model, as JSON: the tree and the neighbours of the zones."""
        zones = {zone.id: {"within": zone.within, "adjacent": zone.adjacent} for zone in self.city.zones}
        return msgspec.json.encode({"zones": zones})

    def _place(self, device: Device) -> Place:
        zone, at = device.zone, device.location
        if zone is None and at is not None:
            zone = self.map.zone_at(at.lat, at.lon)
        return Place(zone, at, device.radius)


def _dependents(devices: Iterable[Device]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for device in devices:
        for needed in device.depends_on:
            found.setdefault(needed, []).append(device.id)
    return found

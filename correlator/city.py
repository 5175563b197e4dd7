"""The city model as the correlator asks it: which device, which zone, what depends on what."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from correlator.document import parse_document, read_document
from impetus.domain.city import City, Device, Zone
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import parse_span
from impetus.domain.place import Place


class CityModel:
    """One version of a city model, checked, with what look-ups need."""

    def __init__(self, city: City, file: str = "") -> None:
        self.city = city
        self.zones: dict[str, Zone] = {zone.id: zone for zone in city.zones}
        self.devices: dict[str, Device] = {device.id: device for device in city.devices}
        self._by_address = {address: device for device in city.devices for address in device.addresses}
        self._dependents = _dependents(city.devices)
        _check(self, file)

    @classmethod
    def empty(cls) -> "CityModel":
        """No model: events keep the places they bring."""
        return cls(City(city=""))

    @classmethod
    def read(cls, path: Path) -> "CityModel":
        """The model in a file; raises ``ImpetusError`` with file, line and hint."""
        return cls(read_document(path, City, "city"), str(path))

    @classmethod
    def parse(cls, text: bytes, file: str) -> "CityModel":
        """The model in the bytes of a file."""
        return cls(parse_document(text, City, "city", file), file)

    def device(self, name: str) -> Device | None:
        """The device of an id or of one of the addresses of the model."""
        return self.devices.get(name) or self._by_address.get(name)

    def place_of(self, device: Device) -> Place:
        """Where a device is: its own location, else none; its zone."""
        return Place(device.zone, device.location, device.radius)

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

    def geometry(self) -> bytes:
        """What the windows need of the model, as JSON: the tree and the neighbours of the zones."""
        zones = {zone.id: {"within": zone.within, "adjacent": zone.adjacent} for zone in self.city.zones}
        return msgspec.json.encode({"zones": zones})


def _dependents(devices: Iterable[Device]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for device in devices:
        for needed in device.depends_on:
            found.setdefault(needed, []).append(device.id)
    return found


def _check(model: CityModel, file: str) -> None:
    """What types cannot say: every name that is used is there, no zone within itself, durations readable."""
    city = model.city
    _unique("zone", [zone.id for zone in city.zones], file)
    _unique("device", [device.id for device in city.devices], file)
    for zone in city.zones:
        # A name that is only a parent ("centre") need not be a zone of its own.
        _known(zone.adjacent, model.zones, f"zone {zone.id}", "adjacent", file)
        _acyclic(zone, model.zones, file)
    for device in city.devices:
        _known([device.zone] if device.zone else [], model.zones, f"device {device.id}", "zone", file)
        _known(device.watches, model.zones, f"device {device.id}", "watches", file)
        _known(device.depends_on, model.devices, f"device {device.id}", "depends_on", file)
        _heartbeat(device, file)


def _unique(kind: str, ids: list[str], file: str) -> None:
    twice = sorted({id for id in ids if ids.count(id) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise ImpetusError("city.invalid", f"{kind} {twice[0]!r} is there twice", Where(file or None))


def _known(names: Iterable[str], known: Iterable[str], owner: str, key: str, file: str) -> None:
    missing = sorted(set(names) - set(known))
    if missing:
        raise ImpetusError(
            "city.invalid", f"{owner} names {missing[0]!r}, which is not there", Where(file or None, None, key)
        )


def _acyclic(zone: Zone, zones: dict[str, Zone], file: str) -> None:
    seen = {zone.id}
    parent = zone.within
    while parent is not None and parent in zones:
        if parent in seen:
            raise ImpetusError(
                "city.invalid", f"zone {zone.id!r} is within itself", Where(file or None, None, "within")
            )
        seen.add(parent)
        parent = zones[parent].within


def _heartbeat(device: Device, file: str) -> None:
    if device.heartbeat is None:
        return
    try:
        parse_span(device.heartbeat.every)
        parse_span(device.heartbeat.silent_after)
    except ValueError as error:
        where = Where(file or None, None, f"device {device.id} heartbeat")
        raise ImpetusError("city.invalid", str(error), where) from None

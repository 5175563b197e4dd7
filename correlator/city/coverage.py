"""Coverage: which kinds of sensors cover a zone, and which do not at present."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from correlator.city.model import CityModel
from correlator.city.zones import ancestors
from impetus.domain.city import Device

NOT_SENSING = frozenset(
    {
        *("vms", "server", "gateway", "hub", "router", "switch", "proxy", "controller", "plc", "traffic_signal"),
        *("bollard", "sign", "display", "siren", "ventilation", "building_controller"),
    }
)
"""Kinds of devices that act, compute or carry and see nothing of a place. Every other kind counts as a sensor."""


class Named(msgspec.Struct, frozen=True):
    """A device of which there is something to say: ``silent since …``, ``contested by …``, ``in …`` (an incident)."""

    device: str
    kind: str
    why: str


class Coverage(msgspec.Struct, frozen=True):
    """What covers a zone: kinds of sensors, each with the devices that count; and the devices that do not."""

    zone: str
    name: str
    kinds: dict[str, tuple[str, ...]]
    lost: tuple[Named, ...] = ()
    held: tuple[Named, ...] = ()
    """Devices that count, and that an incident holds."""

    @property
    def blind(self) -> tuple[str, ...]:
        """Kinds of which every device is lost."""
        return tuple(sorted({lost.kind for lost in self.lost} - self.kinds.keys()))


def senses(device: Device) -> bool:
    """Whether a device observes a place."""
    return device.kind not in NOT_SENSING


def zones_of(model: CityModel, device: Device) -> tuple[str, ...]:
    """The zones that a sensor covers: its own, those that it watches, and those that these are within."""
    own = model.place_of(device).zone
    direct = [*([own] if own is not None else []), *device.watches]
    above = [parent for zone in direct for parent in ancestors(model.zones, zone) if parent in model.zones]
    return tuple(dict.fromkeys([*direct, *above]))


def cover(
    model: CityModel, unsound: Mapping[str, str] | None = None, held: Mapping[str, str] | None = None
) -> list[Coverage]:
    """The coverage of every zone, blind spots first.

    ``unsound``: devices that do not count now, and why; ``held``: devices that count and are in an incident.
    """
    found: dict[str, list[Device]] = {id: [] for id in model.zones}
    for device in model.city.devices:
        for zone in zones_of(model, device) if senses(device) else ():
            found[zone].append(device)
    zones = [_covered(id, model.zones[id].name, devices, unsound or {}, held or {}) for id, devices in found.items()]
    return sorted(zones, key=_sight)


def _covered(
    id: str, name: str, devices: Sequence[Device], unsound: Mapping[str, str], held: Mapping[str, str]
) -> Coverage:
    sound = [device for device in devices if device.id not in unsound]
    kinds = {
        kind: tuple(device.id for device in sound if device.kind == kind)
        for kind in sorted({device.kind for device in sound})
    }
    return Coverage(id, name, kinds, _named(devices, unsound), _named(sound, held))


def _named(devices: Iterable[Device], why: Mapping[str, str]) -> tuple[Named, ...]:
    return tuple(Named(device.id, device.kind, why[device.id]) for device in devices if device.id in why)


def _sight(zone: Coverage) -> tuple[bool, int, int, str]:
    """Zones that nothing covers come first, then those that lost most kinds, then those with fewest."""
    return bool(zone.kinds), -len(zone.blind), len(zone.kinds), zone.zone


def narrowed(zones: Sequence[Coverage], model: CityModel, id: str) -> list[Coverage]:
    """A zone and those within it."""
    return [zone for zone in zones if zone.zone == id or id in ancestors(model.zones, zone.zone)]

"""The cascade: what else goes blind or fails with the devices of an incident, and by which path."""

from collections import deque
from collections.abc import Iterable, Iterator

from correlator.city.coverage import senses, zones_of
from correlator.city.model import CityModel
from impetus.domain.cascade import Cascade, Consequence, SightLoss
from impetus.domain.city import Device
from impetus.domain.incident import Incident

MAX_HOPS = 32
"""What fails by a longer path is not followed: nobody acts on the thirty-third link of a chain."""


def devices_of(incident: Incident) -> list[str]:
    """The devices that an incident holds; one that many share only links, so nothing fails with it."""
    return [entity.value for entity in incident.entities if entity.kind == "device" and not entity.weak]


def cascade(model: CityModel, devices: Iterable[str]) -> Cascade:
    """What follows if these devices cannot be relied on; a device that the model does not know has no consequences."""
    held = [device for device in dict.fromkeys(devices) if device in model.devices]
    paths = _paths(model, held)
    fallen = [Consequence(path[-1], model.devices[path[-1]].kind, path) for path in paths.values() if len(path) > 1]
    losses = sorted(_losses(model, paths), key=lambda loss: (bool(loss.left), loss.zone, loss.kind))
    return Cascade(tuple(fallen), tuple(losses))


def _paths(model: CityModel, held: list[str]) -> dict[str, tuple[str, ...]]:
    """The shortest way from a held device to each that depends on it, held ones first."""
    paths: dict[str, tuple[str, ...]] = {device: (device,) for device in held}
    todo = deque(held)
    while todo:
        device = todo.popleft()
        for dependent in model.direct_dependents(device):
            if dependent not in paths and len(paths[device]) <= MAX_HOPS:
                paths[dependent] = (*paths[device], dependent)
                todo.append(dependent)
    return paths


def _losses(model: CityModel, fallen: Iterable[str]) -> Iterator[SightLoss]:
    gone = dict.fromkeys(fallen)
    sensors = _by_zone_and_kind(model)
    hit = {(zone, device.kind) for id in gone for device in [model.devices[id]] for zone in _seen_by(model, device)}
    for zone, kind in hit:
        devices = sensors[zone, kind]
        lost, left = ([id for id in devices if (id in gone) is is_gone] for is_gone in (True, False))
        yield SightLoss(zone, kind, tuple(lost), tuple(left))


def _by_zone_and_kind(model: CityModel) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for device in model.city.devices:
        for zone in _seen_by(model, device):
            found.setdefault((zone, device.kind), []).append(device.id)
    return found


def _seen_by(model: CityModel, device: Device) -> tuple[str, ...]:
    return zones_of(model, device) if senses(device) else ()

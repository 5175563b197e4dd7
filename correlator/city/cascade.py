"""The cascade: what else goes blind or fails with the devices of an incident, and by which path."""

from collections import deque
from collections.abc import Container, Iterable, Iterator

from correlator.city.coverage import senses, zones_of
from correlator.city.model import CityModel
from impetus.domain.cascade import Cascade, Consequence, SightLoss
from impetus.domain.incident import Incident

MAX_HOPS = 32
"""What fails by a longer path is not followed: nobody acts on the thirty-third link of a chain."""


def devices_of(incident: Incident) -> list[str]:
    """The devices that an incident holds; one that many share only links, so nothing fails with it."""
    return [entity.value for entity in incident.entities if entity.kind == "device" and not entity.weak]


def cascade(model: CityModel, devices: Iterable[str]) -> Cascade:
    """What follows if these devices cannot be relied on; a device that the model does not know has no consequences.

    Of the devices themselves those are in it that depend on another: a camera that saw something is not lost by that,
    but what it says is in doubt when its server is held, too.
    """
    held = [device for device in dict.fromkeys(devices) if device in model.devices]
    paths = _paths(model, held)
    fallen = [Consequence(device, model.devices[device].kind, path) for device, path in paths.items()]
    losses = sorted(_losses(model, paths, held), key=lambda loss: (bool(loss.left), loss.zone, loss.kind))
    return Cascade(tuple(fallen), tuple(losses))


def _paths(model: CityModel, held: list[str]) -> dict[str, tuple[str, ...]]:
    """The shortest way from a held device to each that depends on it, nearest first."""
    paths: dict[str, tuple[str, ...]] = {}
    todo: deque[tuple[str, ...]] = deque((device,) for device in held)
    while todo:
        path = todo.popleft()
        for dependent in model.direct_dependents(path[-1]) if len(path) <= MAX_HOPS else ():
            if dependent not in paths:
                paths[dependent] = (*path, dependent)
                todo.append(paths[dependent])
    return paths


def _losses(model: CityModel, fallen: Container[str], held: Container[str]) -> Iterator[SightLoss]:
    """What zones lose; of the devices that the incident holds none counts as left."""
    for (zone, kind), devices in _by_zone_and_kind(model).items():
        lost = tuple(id for id in devices if id in fallen)
        if lost:
            yield SightLoss(zone, kind, lost, tuple(id for id in devices if id not in fallen and id not in held))


def _by_zone_and_kind(model: CityModel) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for device in model.city.devices:
        for zone in zones_of(model, device) if senses(device) else ():
            found.setdefault((zone, device.kind), []).append(device.id)
    return found

"""What is unwise in a city model: Impetus takes it, and rules see less with it than its author may think.

What an author denies (``adjacent: []``, ``watches: []``) is not asked for again.
"""

from collections import Counter
from collections.abc import Collection, Iterator

from correlator.city.circles import in_circles
from correlator.city.coverage import senses
from correlator.city.model import CityModel
from correlator.city.values import accounts, addresses, time_zone
from correlator.document import Lines
from correlator.finding import Finding, Names, unwise
from impetus.domain.city import Device, Zone
from impetus.domain.instant import parse_span

NAMED = 5
"""So many of what one finding is about are named."""


def advise(model: CityModel, lines: Lines, *, by_distance: Collection[str] = ()) -> Iterator[Finding]:
    """Everything unwise. ``by_distance``: titles of the rules that ask for a distance, if any do."""
    yield from time_zone(model.city, lines)
    yield from accounts(model.city, lines)
    yield from _zones(model, lines)
    for number, device in enumerate(model.city.devices):
        yield from _device(model, device, lines, number)
    yield from addresses(model.city, lines)
    yield from _circles(model, lines)
    if by_distance:
        yield from _distances(model, lines, sorted(by_distance)[0])


def _zones(model: CityModel, lines: Lines) -> Iterator[Finding]:
    zones = model.city.zones
    reached = {name for zone in zones for name in (*zone.adjacent, zone.within)}
    parents = Counter(zone.within for zone in zones if zone.within is not None)
    named = Names({name for name, children in parents.items() if children > 1 or name in model.zones})
    are_joined = any(zone.adjacent for zone in zones)
    for number, zone in enumerate(zones):
        is_apart = are_joined and not zone.adjacent and zone.id not in reached
        if is_apart and not lines.says("zones", number, "adjacent"):
            what = f"zone {zone.id} is adjacent to none, while others have neighbours"
            yield unwise("city", what, lines.where("zones", number), "Name its neighbours, or say adjacent: []")
        if zone.within is not None and zone.within not in named and (near := named.nearest(zone.within)):
            what = f"zone {zone.id} alone is within {zone.within!r}"
            yield unwise("city", what, lines.where("zones", number, "within"), near)
        yield from _middle(model, zone, lines, number)


def _middle(model: CityModel, zone: Zone, lines: Lines, number: int) -> Iterator[Finding]:
    region = model.map.regions.get(zone.id)
    gap = region.gap_to(zone.location) if region is not None and zone.location is not None else 0.0
    if gap > 0:
        what = f"the location of zone {zone.id} is {gap:.0f} m outside its geometry"
        yield unwise("city", what, lines.where("zones", number, "location"))


def _device(model: CityModel, device: Device, lines: Lines, number: int) -> Iterator[Finding]:
    place, steps = model.place_of(device), ("devices", number)
    if place.zone is None:
        why = "its location is in none" if device.location is not None else "it has no location either"
        yield unwise("city", f"device {device.id} has no zone, and {why}", lines.where(*steps), "Name its zone")
    yield from _outside(model, device, lines, number)
    if "camera" in device.kind and not device.watches and not lines.says(*steps, "watches"):
        hint = "Name the zones that it sees; with watches: [] it covers its own alone"
        yield unwise("city", f"camera {device.id} watches nothing", lines.where(*steps), hint)
    if device.heartbeat is not None:
        every, silent = parse_span(device.heartbeat.every), parse_span(device.heartbeat.silent_after)
        if silent <= every:
            what = f"device {device.id} counts as silent after {device.heartbeat.silent_after}, before its next beat"
            hint = f"It beats every {device.heartbeat.every}: two or three times that is usual"
            yield unwise("city", what, lines.where(*steps, "heartbeat", "silent_after"), hint)


def _outside(model: CityModel, device: Device, lines: Lines, number: int) -> Iterator[Finding]:
    region = model.map.regions.get(device.zone or "")
    if region is None or device.location is None:
        return
    gap = region.gap_to(device.location) - device.radius
    if gap > 0:
        found = model.map.zone_at(device.location.lat, device.location.lon)
        hint = f"Its location is in {found}" if found else "Its location is in no zone"
        what = f"device {device.id} is {gap:.0f} m outside its zone {device.zone}"
        yield unwise("city", what, lines.where("devices", number, "location"), hint)


def _circles(model: CityModel, lines: Lines) -> Iterator[Finding]:
    circles = in_circles({device.id: device.depends_on for device in model.city.devices})
    for number, device in enumerate(model.city.devices):
        if device.id in circles:
            what = f"device {device.id} depends on itself, through {', '.join(device.depends_on[:NAMED])}"
            yield unwise("city", what, lines.where("devices", number, "depends_on"), "Which of them fails first?")


def _distances(model: CityModel, lines: Lines, rule: str) -> Iterator[Finding]:
    """What has no location, while a rule asks for a distance: it can never stand in one."""
    zones = [n for n, zone in enumerate(model.city.zones) if zone.location is None and zone.id not in model.map.regions]
    devices = [n for n, device in enumerate(model.city.devices) if device.location is None and senses(device)]
    hint = f"Events there that bring no location stand in no distance, such as that of the rule {rule!r}"
    if zones:
        what = f"{_count('zone', [model.city.zones[n].id for n in zones])} no location and no geometry"
        yield unwise("city", what, lines.where("zones", zones[0]), hint)
    if devices:
        what = f"{_count('sensor', [model.city.devices[n].id for n in devices])} no location"
        yield unwise("city", what, lines.where("devices", devices[0]), hint)


def _count(what: str, names: list[str]) -> str:
    if len(names) == 1:
        return f"1 {what} ({names[0]}) has"
    more = ", …" if len(names) > NAMED else ""
    return f"{len(names)} {what}s ({', '.join(names[:NAMED])}{more}) have"

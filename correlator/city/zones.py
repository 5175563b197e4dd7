"""Which zone a location is in."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from impetus.domain.city import Zone
from impetus.domain.place import Location

if TYPE_CHECKING:
    from correlator.city.region import Region
    from correlator.city.tree import RegionTree

REMEMBERED = 65_536
"""So many locations are remembered with their zone; devices that do not move have one each."""


class ZoneMap:
    """Locations to zones. Of several zones that hold a location, the one deepest in the tree wins; of those that are
    not within each other, the smallest."""

    def __init__(self, zones: Mapping[str, Zone], regions: "Mapping[str, Region]") -> None:
        self._zones = zones
        self.regions = regions
        self._tree = _tree_of(regions) if regions else None
        self._known: dict[tuple[float, float], str | None] = {}

    def zone_at(self, lat: float, lon: float) -> str | None:
        """The id of the zone at a latitude and longitude (degrees); None outside all, and for what is no location."""
        if self._tree is None:
            return None
        key = (lat, lon)
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = self._find(lat, lon)
        return self._known[key]

    def _find(self, lat: float, lon: float) -> str | None:
        try:
            location = Location(lat, lon)
        except ValueError:
            return None
        assert self._tree is not None  # noqa: S101 - asked by zone_at
        holding = {id for id in self._tree.near(location) if self.regions[id].covers(location)}
        outer = {above for id in holding for above in ancestors(self._zones, id)}
        return min(holding - outer, key=lambda id: (self.regions[id].area, id), default=None)


def _tree_of(regions: "Mapping[str, Region]") -> "RegionTree":
    from correlator.city.tree import RegionTree  # noqa: PLC0415 - takes long to import, and few models need it

    return RegionTree(regions)


def ancestors(zones: Mapping[str, Zone], id: str) -> Iterator[str]:
    """The zones that a zone is within, from the nearest up; a parent may be a name alone. Ends in a circle, too."""
    seen = {id}
    parent = zones[id].within if id in zones else None
    while parent is not None and parent not in seen:
        yield parent
        seen.add(parent)
        parent = zones[parent].within if parent in zones else None

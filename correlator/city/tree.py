"""Which of many regions may hold a location."""

from collections.abc import Iterator, Mapping

import shapely

from correlator.city.region import TURNS, Region
from impetus.domain.place import Location


class RegionTree:
    """Regions by where they are."""

    def __init__(self, regions: Mapping[str, Region]) -> None:
        self._ids = list(regions)
        self._tree = shapely.STRtree([regions[id].shape for id in self._ids])

    def near(self, location: Location) -> Iterator[str]:
        """The ids of the regions whose surroundings hold a location."""
        points = shapely.points([[location.lon + turn, location.lat] for turn in TURNS])
        yield from {self._ids[index] for index in self._tree.query(points)[1]}

"""Neighbours and the tree of zones, from how far they extend."""

from collections.abc import Iterator, Mapping

import shapely

from correlator.city.region import Region
from correlator.city.zones import ancestors
from impetus.domain.city import Zone

INSIDE = 0.98
"""A zone with at least this part of its area in another is within it; borders are seldom drawn twice the same."""


def neighbours_of(regions: Mapping[str, Region], tree: Mapping[str, Zone], near: float) -> dict[str, tuple[str, ...]]:
    """For each zone those that touch it or have a gap of at most ``near`` metres; not those that it is within."""
    found: dict[str, list[str]] = {id: [] for id in tree}
    for one, other in _pairs(regions, near):
        if one not in ancestors(tree, other) and other not in ancestors(tree, one):
            found[one].append(other)
            found[other].append(one)
    return {id: tuple(sorted(others)) for id, others in found.items()}


def holders_of(regions: Mapping[str, Region]) -> dict[str, str]:
    """For each zone that lies in larger ones the smallest of them."""
    found: dict[str, str] = {}
    for one, other in _pairs(regions, 0.0):
        inner, outer = sorted((one, other), key=lambda id: (regions[id].area, id))
        holder = found.get(inner)
        nearer = holder is None or regions[outer].area < regions[holder].area
        if nearer and regions[inner].area < regions[outer].area and _lies_in(regions[inner], regions[outer]):
            found[inner] = outer
    return found


def _lies_in(inner: Region, outer: Region) -> bool:
    mine = inner.outline(inner.centre)
    return float(mine.intersection(outer.outline(inner.centre)).area) >= INSIDE * float(mine.area)


def _pairs(regions: Mapping[str, Region], near: float) -> Iterator[tuple[str, str]]:
    """Pairs of zones that overlap, touch, or nearly."""
    ids = list(regions)
    tree = shapely.STRtree([regions[id].shape for id in ids])
    for number, id in enumerate(ids):
        for other in sorted({int(index) for index in tree.query(regions[id].reach(near))[1]}):
            if number < other and regions[id].gap_between(regions[ids[other]]) <= near:
                yield id, ids[other]

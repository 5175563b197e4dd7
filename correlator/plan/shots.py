"""Which of the events that an entry of the plan describes are the ones it expects: spacing and number.

Pure functions of the events in order of event time, so any order of arrival ends in the same.
"""

from collections.abc import Sequence

import msgspec

MAX_LINKS = 64
"""How many shots back a shot looks for the one before it: more in a row than this are not lost records."""


class Shot(msgspec.Struct, frozen=True, array_like=True):
    """An event that fits an entry by selection, time and place: event time (µs), id and reporting device."""

    time: int
    event: str
    device: str | None


def expected_shots(shots: Sequence[Shot], every: int | None, tolerance: int, at_most: int | None) -> set[str]:
    """The ids of the events that are explained.

    With ``every``: those of the longest chain in which each shot follows the one before it by a whole multiple of
    ``every``, give or take ``tolerance`` (µs); of several as long, the one that ends first. Reports of one shot by
    different devices within ``tolerance`` are one. Beyond ``at_most`` shots the surplus is not explained.
    """
    groups = _group(sorted(shots, key=lambda shot: (shot.time, shot.event)), tolerance if every is not None else 0)
    chain = groups if every is None else [groups[index] for index in _longest_chain(groups, every, tolerance)]
    kept = chain if at_most is None else chain[:at_most]
    return {shot.event for group in kept for shot in group}


def _group(shots: Sequence[Shot], tolerance: int) -> list[list[Shot]]:
    """Reports of one shot together: different devices, within the tolerance of the first report."""
    groups: list[list[Shot]] = []
    for shot in shots:
        if groups and _same_shot(groups[-1], shot, tolerance):
            groups[-1].append(shot)
        else:
            groups.append([shot])
    return groups


def _same_shot(group: list[Shot], shot: Shot, tolerance: int) -> bool:
    if shot.time - group[0].time > tolerance:
        return False
    return shot.device is not None and all(other.device is not None and other.device != shot.device for other in group)


def _longest_chain(groups: Sequence[list[Shot]], every: int, tolerance: int) -> list[int]:
    """Indices of the longest chain; each shot looks back over ``MAX_LINKS`` shots, so this is linear in the shots."""
    length = [1] * len(groups)
    before = [-1] * len(groups)
    for index, group in enumerate(groups):
        for earlier in range(index - 1, max(-1, index - 1 - MAX_LINKS), -1):
            on_beat = _is_multiple(group[0].time - groups[earlier][0].time, every, tolerance)
            # At equal length the nearest predecessor wins.
            if on_beat and length[earlier] + 1 > length[index]:
                length[index], before[index] = length[earlier] + 1, earlier
    chain: list[int] = []
    index = length.index(max(length)) if length else -1
    while index >= 0:
        chain.append(index)
        index = before[index]
    return chain[::-1]


def _is_multiple(gap: int, every: int, tolerance: int) -> bool:
    times = max(1, round(gap / every))
    return abs(gap - times * every) <= tolerance

"""The longest chains of ``temporal_ordered``: entries of different rules in the order of the list, times not falling.

Equal times fit either order, and an entry that several rules match may stand for each of them.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from correlator.why.sighting import Entry

Step = tuple[int, int]
"""Position of a rule in the list, and index of an entry that stands for it."""


@dataclass(frozen=True)
class Chain:
    """The longest chain through the newest entry: how long it is, and the indices of the entries on one as long."""

    length: int
    members: list[int]


@dataclass(frozen=True)
class _Track:
    """Times in order, and for each position of the list the indices of the entries that stand for its rule."""

    times: list[int]
    stands: list[list[int]]

    def mirrored(self) -> "_Track":
        """The same backwards, so that what leads on is found as what leads up."""
        last = len(self.times) - 1
        stands = [[last - index for index in reversed(indices)] for indices in reversed(self.stands)]
        return _Track([-time for time in reversed(self.times)], stands)

    def turned(self, step: Step) -> Step:
        """A step as the mirrored track has it, and back."""
        return len(self.stands) - 1 - step[0], len(self.times) - 1 - step[1]


def longest_chain(entries: Sequence[Entry], newest: int, rules: Sequence[int], wanted: Collection[int]) -> Chain:
    """The longest chains that contain the entry at ``newest``; ``entries`` are in order of time."""
    listed = [rule for rule in rules if rule in wanted]
    stands = [[index for index, entry in enumerate(entries) if rule in entry.rules] for rule in listed]
    track = _Track([entry.time for entry in entries], stands)
    back = track.mirrored()
    before, after = _lengths(track), _lengths(back)
    through = {step: length + after[track.turned(step)] - 1 for step, length in before.items() if step[1] == newest}
    length = max(through.values(), default=0)
    ends = [step for step, total in through.items() if total == length]
    members = {index for _, index in _leading(track, ends, before)}
    onward = _leading(back, [track.turned(step) for step in ends], after)
    members |= {track.turned(step)[1] for step in onward}
    return Chain(length, sorted(members))


def _lengths(track: _Track) -> dict[Step, int]:
    """For each step the number of entries on the longest chain that ends with it."""
    lengths: dict[Step, int] = {}
    best = [0] * len(track.times)
    for position, indices in enumerate(track.stands):
        so_far = list(accumulate(best, max))
        for index in indices:
            lengths[position, index] = 1 + so_far[bisect_right(track.times, track.times[index]) - 1]
        for index in indices:
            best[index] = max(best[index], lengths[position, index])
    return lengths


def _leading(track: _Track, ends: Iterable[Step], lengths: dict[Step, int]) -> set[Step]:
    """The steps on the longest chains that end with one of ``ends``, these among them."""
    levels: dict[int, set[Step]] = {}
    for step, length in lengths.items():
        levels.setdefault(length, set()).add(step)
    found = set(ends)
    for level in range(max((lengths[step] for step in found), default=0), 1, -1):
        latest: dict[int, int] = {}
        for position, index in found & levels[level]:
            latest[position] = max(latest.get(position, track.times[index]), track.times[index])
        found |= {
            (position, index)
            for position, index in levels.get(level - 1, ())
            if any(position < other and track.times[index] <= time for other, time in latest.items())
        }
    return found

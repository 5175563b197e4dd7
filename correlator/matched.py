"""Events that were read, enriched and matched elsewhere: what of a step depends on the event and the set-up alone.

Whoever steps them takes that as done. What depends on the events before them (duplicates, lateness, indicators) is
not in it.
"""

from collections.abc import Callable, Sequence

from correlator.arrival import Arrival
from correlator.enrich import Enriched
from impetus.domain.batch import Batch, Head
from impetus.domain.event import Json

Match = Callable[[Sequence[bytes]], Sequence[tuple[int, int]]]
"""Which line meets which rule, by their places."""


class Matched(Arrival):
    """An arrival with what follows from it: what city model and plan add, what it is found by, the rules that it meets.

    An event that meets an indicator has more additions, so what is said here holds no more: see ``matches``.
    """

    added: dict[str, Json]
    addition: bytes
    """``added`` as it is encoded; empty where nothing was added."""
    head: Head
    rules: tuple[int, ...]


class MatchedBatch(Batch, frozen=True):
    """A batch whose lines were read: each is among ``arrivals`` or ``rejects``, and ``lines`` is empty."""

    arrivals: tuple[Matched, ...] = ()


def matches(batch: Sequence[Enriched], match: Match) -> Sequence[tuple[int, int]]:
    """Which events of a batch meet which rules, by their places; only what is not known is matched."""
    unknown = [place for place, one in enumerate(batch) if one.rules is None]
    found = match([batch[place].line for place in unknown]) if unknown else []
    if len(unknown) == len(batch):
        return found
    known = [(place, rule) for place, one in enumerate(batch) for rule in one.rules or ()]
    # One line after the other, the rules of each in the order that the engine gives.
    return sorted([*known, *((unknown[line], rule) for line, rule in found)], key=lambda pair: pair[0])

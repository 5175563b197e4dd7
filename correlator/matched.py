"""Batches that were read, enriched and matched elsewhere: what of a step depends on the events and the set-up alone.

Whoever steps them takes that as done. What depends on the events before them (duplicates, lateness, indicators) is
not in it. Most events concern nobody: their lines are not here either, and what is to be known of them is told of the
batch as a whole, so that they cost next to nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from correlator.arrival import SAID, Arrival, Said
from correlator.enrich import Enriched, join
from correlator.watermark import Span
from impetus.domain.batch import Batch, Traits
from impetus.domain.event import Fields, Json
from impetus.domain.run import unpack

Match = Callable[[Sequence[bytes]], Sequence[tuple[int, int]]]
"""Which line meets which rule, by their places."""


class Matched(Arrival):
    """An event that somebody has to look at, with what follows from it: what city model and plan add, and its rules.

    An event that meets an indicator has more additions, so what is said here holds no more: see ``matches``.
    """

    place: int
    """Its place in the batch."""
    added: dict[str, Json]
    addition: bytes
    """``added`` as it is encoded; empty where nothing was added."""
    rules: tuple[int, ...]

    def enriched(self, late: bool) -> Enriched:
        """The event as rules see it, if it meets no indicator."""
        return Enriched(self, join(self.line, self.addition), self.added, late, rules=self.rules)


class Saying(msgspec.Struct, array_like=True):
    """What some events of a source say they are, of each field of ``SAID``, and the least of their times (µs)."""

    source: str
    said: Said
    first: int

    @property
    def fields(self) -> Fields:
        """The same as fields of an event."""
        told = zip(SAID, self.said, strict=True)
        return Fields({name: list(one) if isinstance(one, tuple) else one for name, one in told if one is not None})


class Sign(msgspec.Struct, frozen=True, array_like=True):
    """An event that is a sign of life of a device: its place in the batch, and the fields that say so."""

    place: int
    fields: dict[str, Any]


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """The events of a batch without their lines: as a whole, and packed for when they have to be taken one by one."""

    traits: Traits = Traits()
    arrived: bytes = b""
    """When each arrived (µs)."""
    says: bytes = b""
    """Which of ``sayings`` each has."""
    spans: tuple[Span, ...] = ()
    """Empty where some event has to be taken by itself."""
    sayings: tuple[Saying, ...] = ()
    signs: tuple[Sign, ...] = ()

    def __len__(self) -> int:
        return len(self.traits.ids)

    def arrivals(self) -> Iterator[Arrival]:
        """Each event with what has to be known of it, without its line."""
        signs = {sign.place: sign.fields for sign in self.signs}
        columns = zip(self.traits.ids, unpack(self.traits.times), unpack(self.arrived), unpack(self.says), strict=True)
        for place, (id, time, arrived, says) in enumerate(columns):
            saying = self.sayings[says]
            yield Arrival(b"", Fields(saying.fields | signs.get(place, {})), id, saying.source, time, arrived)


class MatchedBatch(Batch, frozen=True):
    """A batch whose lines were read, and lie elsewhere: ``lines`` is empty. What was no event is among ``rejects``."""

    packed: Packed = Packed()
    matched: tuple[Matched, ...] = ()
    """Those of its events that somebody has to look at, in order."""
    record: tuple[int, int, int] = (0, 0, 0)
    """Where the events lie: partition, offset, and which batch of that record."""
    recall: Callable[[], Sequence[bytes]] = tuple
    """Fetches all lines. Raises what ``run.Fetch`` raises."""


def matches(batch: Sequence[Enriched], match: Match) -> Sequence[tuple[int, int]]:
    """Which events of a batch meet which rules, by their places; only what is not known is matched."""
    unknown = [place for place, one in enumerate(batch) if one.rules is None]
    found = match([batch[place].line for place in unknown]) if unknown else []
    if len(unknown) == len(batch):
        return found
    known = [(place, rule) for place, one in enumerate(batch) for rule in one.rules or ()]
    # One line after the other, the rules of each in the order that the engine gives.
    return sorted([*known, *((unknown[line], rule) for line, rule in found)], key=lambda pair: pair[0])

"""The flow: what came of all that each collector handed over, since the store was made.

It is state of the correlator, so it moves in the same transaction as the events: whenever nothing is on its way,
what came in = stored + duplicates + rejected + shed, also across restarts.
"""

from collections.abc import Iterator, Mapping

import msgspec

from correlator.memory import Kept
from impetus.domain.batch import Key
from impetus.domain.condition import Passage
from impetus.domain.ports import Store


class Flow:
    """Counts by collector."""

    def __init__(self) -> None:
        self._kept: Kept[Passage] = Kept("health.flow", Passage)

    def count(self, collector: str, more: Passage) -> None:
        """Add to what a collector brought."""
        if more != Passage():
            known = self._kept.get(collector) or Passage()
            self._kept[collector] = Passage(*map(sum, zip(_parts(known), _parts(more), strict=True)))

    def passages(self) -> Mapping[str, Passage]:
        """What came of it, by collector."""
        return dict(self._kept.items())

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        return self._kept.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        self._kept.restore(store)


def _parts(passage: Passage) -> tuple[int, ...]:
    return msgspec.structs.astuple(passage)

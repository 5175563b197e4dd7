"""The ids of the newest events, to leave out what is delivered again."""

from collections.abc import Iterable, Sequence
from itertools import islice

from impetus.domain.ports import Past, Store

REMEMBERED = 1_000_000
"""So many event ids are remembered."""


class Recent:
    """The ids that came since the start, and those from before it: these are asked for in the log until they are read.

    Those from before are read newest first, bit by bit, so that a start waits for none of them.
    """

    def __init__(self, store: Store, most: int = REMEMBERED) -> None:
        self._most = most
        self._past: Past | None = store.past(most)
        self._since: dict[str, None] = {}
        """Oldest first."""
        self._before: dict[str, None] = {}
        """Newest first."""
        self._met: set[str] = set()
        """Those of the unread ones that came again."""

    def __contains__(self, id: str) -> bool:
        return id in self._since or id in self._before or id in self._met

    def add(self, id: str) -> None:
        """Remember an id."""
        self._since[id] = None

    def add_new(self, ids: Sequence[str]) -> bool:
        """Remember ids if each is new, and comes once; whether that is so."""
        new = dict.fromkeys(ids)
        known = (self._since.keys(), self._before.keys(), self._met)
        if len(new) < len(ids) or not all(some.isdisjoint(new.keys()) for some in known if some):
            return False
        self._since |= new
        return True

    def look_up(self, ids: Iterable[str]) -> None:
        """Find out which of these ids are among those that were not read yet: to be called before ``in``."""
        if self._past is not None:
            self._met |= self._past.known([id for id in ids if id not in self])

    def read_ahead(self, most: int) -> bool:
        """Read about so many ids more; whether anything is left."""
        if self._past is not None and most > 0:
            found = self._past.read(most)
            self._before |= dict.fromkeys(found)
            if not found or self._excess() >= 0:
                self._past = None
                self._met.clear()
        return self._past is not None

    def forget(self) -> None:
        """Forget the oldest ids, all that are too many at once: where they are is looked for once a step."""
        excess = max(0, self._excess())
        while excess and self._before:
            self._before.popitem()
            excess -= 1
        for id in list(islice(self._since, excess)):
            del self._since[id]

    def _excess(self) -> int:
        return len(self._since) + len(self._before) - self._most

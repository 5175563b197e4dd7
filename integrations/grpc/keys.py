"""Masked entity keys (``user:user#3fa9c2d1``) back to the keys by which the store finds events.

A mask cannot be computed back. So the server remembers, within bounds, the keys behind the masks that it has shown;
a mask from before its start is looked for in the entities of the incidents and in the newest events.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable

from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError, Where

REMEMBERED = 100_000
"""Keys kept; the one not shown for longest goes first. About 20 MB."""

_MASKED = re.compile(r"[a-z_]+:[a-z]+#[0-9a-f]{8}")


def search_key(kind: str, value: str) -> str:
    """The key of an entity as events are indexed by it: accounts and addresses in folded case."""
    return (Entity.of(kind, value) or Entity(kind, value)).key


def is_masked(key: str) -> bool:
    """Whether a key has the form of a masked one."""
    return _MASKED.fullmatch(key) is not None


class MaskedKeys:
    """A bounded memory of masked key → key. Every method may be called from any thread."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, masked: str, key: str) -> None:
        """Keep the key behind a masked one. Of two with one mask, which is rare, the first stays."""
        with self._lock:
            self._keys.setdefault(masked, key)
            self._keys.move_to_end(masked)
            if len(self._keys) > self._limit:
                self._keys.popitem(last=False)

    def get(self, masked: str) -> str | None:
        """The key behind a masked one, if it is remembered."""
        with self._lock:
            return self._keys.get(masked)

    def resolve(self, masked: str, look: Iterable[object]) -> str:
        """The key behind a masked one. Until it is known, goes on through ``look``, each step of which shows more.

        Raises ``ImpetusError`` (query.invalid) if it stays unknown.
        """
        key = self.get(masked)
        steps = iter(look)
        while key is None and next(steps, None) is not None:
            key = self.get(masked)
        if key is None:
            hint = "Masks are of one installation, and old ones are looked for in incidents and the newest events only."
            raise ImpetusError("query.invalid", f"nothing is known by the mask {masked!r}", Where(key="entities"), hint)
        return key

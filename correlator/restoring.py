"""What a start reads of the windows, and what of them it leaves in the store until it is needed."""

from collections.abc import Iterator

from correlator._engine import Windows
from impetus.domain.batch import Key
from impetus.domain.ports import Store

SPACE = "windows"
PINNED = "pinned"
"""Space of the names of the groups that a start has to read at once: they have something to do without an event."""
COMPLETE = b""
"""The key that says that all of those are there; a store of an earlier version has none."""
AT_ONCE = 1 << 20


class Resumption:
    """Windows that go on from a store of which they have read a part only."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._is_complete = False

    def resume(self, store: Store) -> None:
        """Go on from what a store holds. Raises ``ValueError`` for rows of another version."""
        pinned = [name for name, _ in store.state(PINNED)]
        self._windows.shelve(lambda ranges, most: store.pieces(SPACE, ranges, most))
        self._windows.resume([name for name in pinned if name != COMPLETE])
        self._is_complete = COMPLETE in pinned
        if not self._is_complete:
            self.read_all()

    def read_all(self) -> None:
        """Read everything now."""
        while self._windows.read_ahead(AT_ONCE):
            pass

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        yield from ((Key(SPACE, name), value) for name, value in self._windows.dirty())
        yield from ((Key(PINNED, name), b"" if pinned else None) for name, pinned in self._windows.pins())
        if not self._is_complete:
            self._is_complete = True
            yield Key(PINNED, COMPLETE), b""

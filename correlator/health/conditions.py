"""What ails Impetus itself, as it was put on record: which conditions hold, by the events that say so."""

from collections.abc import Iterator

from correlator.health.record import ConditionReport
from correlator.memory import Kept
from impetus.domain.batch import Key
from impetus.domain.ports import Store

MAX_HELD = 1_000
"""So many conditions are remembered at a time."""


class Conditions:
    """The conditions that hold, with since when (µs)."""

    def __init__(self) -> None:
        self._held: Kept[tuple[str, str, int]] = Kept("health.conditions", tuple[str, str, int])

    def take(self, report: ConditionReport) -> None:
        """Take in that a condition was raised or cleared."""
        key = f"{report.kind}|{report.subject}"
        if not report.holds:
            self._held.drop(key)
        elif key not in self._held and len(self._held) < MAX_HELD:
            self._held[key] = (report.kind, report.subject, report.time)

    def held(self) -> dict[tuple[str, str], int]:
        """Kind and subject of what holds, with since when (µs)."""
        return {(kind, subject): since for kind, subject, since in self._held.values()}

    def since(self, kind: str, subject: str) -> int | None:
        """Since when a condition holds (µs), if it does."""
        held = self._held.get(f"{kind}|{subject}")
        return held[2] if held is not None else None

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        return self._held.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        self._held.restore(store)

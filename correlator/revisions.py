"""Revisions of alerts: for one id they only rise, whoever changes the alert.

The windows count the revisions of their alerts themselves, and an alert of one event begins at 1. Where something else
changes an alert (what its members carry, the plan), that is kept here, so that what comes next counts on from it.
"""

from collections.abc import Callable, Iterator

import msgspec

from correlator.memory import Kept
from impetus.domain.alert import Alert
from impetus.domain.batch import Key
from impetus.domain.ports import Store


class Said(msgspec.Struct, frozen=True, array_like=True):
    """The newest revision of an alert that was given out, and the event time (µs) of the alert then."""

    revision: int
    at: int


class Revisions:
    """The alerts whose revisions are not those that come of themselves."""

    def __init__(self) -> None:
        self._said: Kept[Said] = Kept("revisions", Said)

    def of(self, id: str, at: int, counted: int = 1) -> int:
        """The revision of an alert that its maker counts as ``counted``: that, or above all that was given out."""
        said = self._said.get(id)
        if said is None:
            return counted
        revision = max(counted, said.revision + 1)
        self._said[id] = Said(revision, max(at, said.at))
        return revision

    def next(self, alert: Alert) -> int:
        """The revision of a change that its maker does not count, to an alert as it was given out last."""
        self._said[alert.id] = self._said.get(alert.id) or Said(alert.revision, alert.at)
        return self.of(alert.id, alert.at)

    def forget(self, is_over: Callable[[int, int], bool]) -> None:
        """Forget the alerts that nothing changes any more: ``is_over`` says that of a stretch of event time (µs)."""
        self._said.drop_where(lambda said: is_over(said.at, said.at))

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        return self._said.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        self._said.restore(store)

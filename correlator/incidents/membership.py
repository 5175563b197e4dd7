"""Membership on record: which alerts an incident has, one piece of state each, so that no incident has to list all.

The pieces of an incident are those under its id and under the ids that it took the place of. A piece is empty, or names
the alert that stands for a repeat which is only counted.
"""

from collections.abc import Iterator

import msgspec

from correlator.incidents.case import Node
from impetus.domain.batch import Key
from impetus.domain.incident import Incident
from impetus.domain.ports import Store


class Membership:
    """What changed of who is a member of what since the last commit."""

    def __init__(self) -> None:
        self._changed: dict[tuple[str, str], bytes | None] = {}

    def enter(self, node: Node, incident: str, supersedes: tuple[str, ...]) -> None:
        """Put an alert on record as a member of an incident."""
        if node.home == incident or node.home in supersedes:
            return
        self.leave(node)
        node.home = incident
        self._changed[incident, node.alert.id] = b""

    def leave(self, node: Node) -> None:
        """An alert is no longer a member of what it was a member of."""
        if node.home:
            self._changed[node.home, node.alert.id] = None
            node.home = ""

    def count(self, node: Node, first: Node) -> None:
        """A repeat is only counted from now on: another alert stands for it."""
        if node.home:
            self._changed[node.home, node.id] = first.id.encode()

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """What changed since the last call."""
        for (incident, alert), value in sorted(self._changed.items()):
            yield Key(_space(incident), alert.encode()), value
        self._changed.clear()


def members(store: Store, incident: Incident) -> dict[str, str]:
    """The ids of all alerts of an incident, each with the id under which it is on record."""
    return {alert: member.home for alert, member in member_records(store, incident).items()}


class Record(msgspec.Struct, frozen=True, gc=False):
    """Where an alert is on record, and the alert that stands for it if it is a repeat that is only counted."""

    home: str
    counted: str = ""


def member_records(store: Store, incident: Incident) -> dict[str, Record]:
    """How each alert of an incident is on record."""
    found = {
        key.decode(): Record(id, value.decode())
        for id in (incident.id, *incident.supersedes)
        for key, value in store.state(_space(id))
    }
    return found or dict.fromkeys(incident.alert_ids, Record(incident.id))


def _space(incident: str) -> str:
    return f"member:{incident}"

"""Comparing: whether a rerun of a log comes to what the store holds, and where it does not."""

from collections.abc import Collection, Iterator, Mapping

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.incident import Incident
from integrations.embedded.outcome import Outcome

ALERT = ("rule", "level", "at", "first", "events", "group", "certainty", "absent")
INCIDENT = ("title", "kind", "severity", "opened", "updated", "linked", "contested")
PEOPLE = ("status", "owner", "disposition")
"""Of an incident, what follows from the actions of people alone."""


class Difference(msgspec.Struct, frozen=True):
    """One alert or incident that is not the same: which of its facts, or ``missing`` in the rerun, or ``new``."""

    kind: str
    id: str
    title: str
    what: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.title}): {', '.join(self.what)}"


def differences(stored: Outcome, rerun: Outcome, commands: Collection[str]) -> Iterator[Difference]:
    """Every difference, incidents first. What people did counts if the log holds all of it (``commands``)."""
    facts = INCIDENT if unlogged(stored, commands) else INCIDENT + PEOPLE
    yield from _compared("incident", _incidents(stored, facts), _incidents(rerun, facts))
    yield from _compared("alert", _alerts(stored), _alerts(rerun))


def unlogged(stored: Outcome, commands: Collection[str]) -> int:
    """How many actions of people the incidents have on record that the log does not hold."""
    done = {record.id for incident in stored.incidents.values() for record in incident.history}
    return len(done - set(commands))


Facts = dict[str, object]


def _incidents(outcome: Outcome, facts: tuple[str, ...]) -> dict[str, Facts]:
    return {
        id: _facts(one, facts) | {"risk": one.risk.score, "members": outcome.members[id]}
        for id, one in outcome.incidents.items()
    }


def _alerts(outcome: Outcome) -> dict[str, Facts]:
    return {id: _facts(one, ALERT) | {"title": one.title} for id, one in outcome.alerts.items()}


def _facts(one: Alert | Incident, names: tuple[str, ...]) -> Facts:
    return {name: getattr(one, name) for name in names}


def _compared(kind: str, stored: Mapping[str, Facts], rerun: Mapping[str, Facts]) -> Iterator[Difference]:
    for id in sorted(stored.keys() | rerun.keys()):
        before, after = stored.get(id), rerun.get(id)
        if before is None or after is None:
            known = before or after or {}
            yield Difference(kind, id, str(known["title"]), ("missing" if after is None else "new",))
        elif before != after:
            what = tuple(name for name in before if before[name] != after[name])
            yield Difference(kind, id, str(before["title"]), what)

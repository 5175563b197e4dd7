"""Replay: recorded events through the same path as live ones, from the log on. Nothing is kept afterwards."""

import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from correlator.arrival import read_arrival
from correlator.incidents.membership import members
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.domain.alert import Alert
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import MAX_BYTES
from impetus.domain.incident import Incident
from impetus.domain.instant import format_instant
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import IncidentQuery, Store
from impetus.domain.status import Notice
from integrations.embedded.store import EmbeddedStore

Order = Literal["arrival", "time", "file"]
STEP = 1_000
"""Events in one step."""
SOURCE = "replay"
"""Names the source of events that name none."""


class Recorded(msgspec.Struct):
    """One event of a recording, with what orders it (µs)."""

    line: bytes
    time: int
    created: int
    id: str = ""


class Replay:
    """One run of recorded events; afterwards ``incidents`` and ``ledger`` say what came of it."""

    def __init__(self, setup: Setup) -> None:
        self._store: Store = EmbeddedStore.in_memory()
        self._correlator = Correlator(setup, self._store)
        self.problems: list[ImpetusError] = []
        """What was skipped, with file and line."""

    def run(self, files: Sequence[Path], order: Order) -> None:
        """Feed the events of files (``-`` is standard input), merged in the order asked for, and end the run."""
        events, skipped = read_recorded(files, order)
        self.problems += skipped
        for start in range(0, len(events), STEP):
            lines = tuple(event.line for event in events[start : start + STEP])
            self._store.commit(self._correlator.replay_step([Batch(SOURCE, lines)], 0))
            self._correlator.committed()
        self._store.commit(self._correlator.finish())

    def incidents(self) -> list[tuple[Incident, list[Alert]]]:
        """The incidents that hold, oldest first, each with its alerts."""
        return incidents_of(self._store)

    def notices(self) -> tuple[Notice, ...]:
        """Where the picture is not whole: events too late, clocks that are off, waits in doubt."""
        return self._correlator.notices()

    def ledger(self) -> list[LedgerLine]:
        """The explained matches."""
        return self._store.ledger()


def incidents_of(store: Store) -> list[tuple[Incident, list[Alert]]]:
    """The incidents of a store that hold, oldest first, each with its alerts."""
    held = [one for one in store.incidents(IncidentQuery(limit=1_000_000)) if not one.withdrawn]
    held.sort(key=lambda incident: (incident.opened, incident.id))
    return [(incident, _alerts(store, incident)) for incident in held]


def _alerts(store: Store, incident: Incident) -> list[Alert]:
    found = store.alerts(list(members(store, incident)))
    return sorted(found, key=lambda alert: (alert.fired, alert.correlation, alert.id))


def read_recorded(files: Sequence[Path], order: Order) -> tuple[list[Recorded], list[ImpetusError]]:
    """The events of files (``-`` is standard input), merged in an order, and what had to be skipped."""
    problems: list[ImpetusError] = []
    events = list(_read(files, problems))
    if order != "file":
        events.sort(key=lambda event: event.created if order == "arrival" else event.time)
    return events, problems


def _read(files: Sequence[Path], problems: list[ImpetusError]) -> Iterator[Recorded]:
    for path in files:
        for number, line in _lines(path):
            if not line.strip():
                continue
            try:
                arrival = read_arrival(line.strip(), SOURCE)
            except ImpetusError as error:
                problems.append(ImpetusError(error.code, error.what, Where(str(path), number)))
                continue
            yield Recorded(arrival.line, arrival.time, arrival.created, arrival.id)


def _lines(path: Path) -> Iterable[tuple[int, bytes]]:
    """The lines of a file with their numbers; a line that is too long is cut, so that it is refused as malformed."""
    if str(path) == "-":
        yield from _bounded(sys.stdin.buffer)
        return
    try:
        with path.open("rb") as file:
            yield from _bounded(file)
    except OSError as error:
        raise ImpetusError("source.unreadable", error.strerror or str(error), Where(str(path))) from None


def _bounded(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines, without the byte order mark that some programs begin a file with."""
    number = 0
    while line := file.readline(MAX_BYTES + 2):
        number += 1
        yield number, line if number > 1 else line.removeprefix(BOM_UTF8)
        while len(line) == MAX_BYTES + 2 and not line.endswith(b"\n"):
            line = file.readline(MAX_BYTES + 2)


def incident_json(incident: Incident, alerts: Sequence[Alert]) -> dict[str, object]:
    """An incident as ``impetus replay --json`` prints it (``docs/replay.md``)."""
    return {
        "id": incident.id,
        "title": incident.title,
        "kind": incident.kind,
        "severity": incident.severity,
        "status": incident.status,
        "opened": format_instant(incident.opened),
        "updated": format_instant(incident.updated),
        "revision": incident.revision,
        "domains": incident.domains,
        "zones": incident.zones,
        "events": events_of(alerts),
        "alerts": [_alert_json(alert) for alert in alerts],
        "linked": incident.linked,
        "contested": incident.contested,
        "risk": {
            "score": incident.risk.score,
            "terms": [{"name": term.name, "points": term.points} for term in incident.risk.terms],
        },
    }


def events_of(alerts: Sequence[Alert]) -> list[str]:
    """All member events, by event time; an incident itself lists only so many."""
    times = {event: time for alert in alerts for event, time in zip(alert.events, alert.times, strict=True)}
    return sorted(times, key=lambda event: (times[event], event))


def _alert_json(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.id,
        "rule": alert.rule,
        "title": alert.title,
        "level": alert.level,
        "at": format_instant(alert.at),
        "events": alert.events,
        "place": alert.certainty,
        "absent": alert.absent,
    }

"""The Oslo day as tests run it: the demo's events, changed or not, through the correlator into an embedded store."""

import copy
import functools
import json
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from correlator.city import CityModel
from correlator.plan.day import DayPlan
from correlator.setup import Bounds, Setup
from correlator.worker import Correlator
from impetus.app.engine import load_rules
from impetus.domain.alert import Alert
from impetus.domain.batch import Batch, Commit
from impetus.domain.incident import Incident
from impetus.domain.instant import SECOND, format_instant, parse_instant
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import IncidentQuery, Store
from integrations.embedded.store import EmbeddedStore

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo" / "oslo-17-may"
SHARED = ROOT.parent / "shared" / "scenarios" / "oslo-17-may"
DAY = "2027-05-17T"

Event = dict[str, Any]


@functools.cache
def setup_of(folder: Path, planned: bool = True) -> Setup:
    rules = load_rules([ROOT / "rules" / "sigma"]).rules
    plan = DayPlan.read(folder / "plan.yml") if planned else None
    return Setup(rules, CityModel.read(folder / "city.yml"), plan)


@functools.cache
def _recorded(folder: Path) -> tuple[bytes, ...]:
    return tuple((folder / "events.ndjson").read_bytes().splitlines())


def day(folder: Path = DEMO) -> list[Event]:
    """A fresh copy of the events of the day."""
    return [json.loads(line) for line in _recorded(folder)]


def at(clock: str) -> str:
    """A time of the day in Oslo, as events write it: ``10:45:09``."""
    return f"{DAY}{clock}+02:00"


def named(events: Iterable[Event], id: str) -> Event:
    return next(event for event in events if event["event"]["id"] == id)


def moved(events: list[Event], id: str, seconds: int) -> list[Event]:
    """The day with one event earlier or later, its arrival with it."""
    event = named(events, id)
    event["@timestamp"] = _shifted(event["@timestamp"], seconds)
    event["event"]["created"] = _shifted(event["event"]["created"], seconds)
    return events


def _shifted(stamp: str, seconds: int) -> str:
    return format_instant(parse_instant(stamp) + seconds * SECOND)


def twin(event: Event, id: str, clock: str) -> Event:
    """A copy of an event under another id at another time, arriving two seconds later."""
    other = copy.deepcopy(event)
    other["@timestamp"] = at(clock)
    other["event"] |= {"id": id, "created": _shifted(at(clock), 2)}
    return other


def redrawn(events: list[Event], seed: int) -> list[Event]:
    """The day with every arrival anew, within two minutes after its event."""
    draw = random.Random(seed)
    for event in events:
        arrival = parse_instant(event["@timestamp"]) + draw.randrange(120 * SECOND)
        event["event"]["created"] = format_instant(arrival)
    return events


@dataclass
class Outcome:
    """What came of a day."""

    incidents: list[tuple[Incident, list[Alert]]]
    ledger: list[LedgerLine]
    commits: list[Commit]

    def holding(self, event: str) -> list[Incident]:
        return [incident for incident, _ in self.incidents if event in incident.events]

    def the(self, event: str) -> Incident:
        """The one incident that holds an event."""
        (found,) = self.holding(event)
        return found

    def alerts(self, incident: Incident) -> list[Alert]:
        return next(alerts for one, alerts in self.incidents if one.id == incident.id)

    def alert(self, title: str) -> Alert | None:
        return next((a for _, alerts in self.incidents for a in alerts if a.title == title), None)

    @property
    def explained(self) -> dict[str, str]:
        return {line.event: line.entry for line in self.ledger}

    def state(self) -> object:
        """The end state: all that has to be the same, however the events arrived."""
        incidents = [
            (msgspec.structs.replace(one, revision=0, cause="", supersedes=()), sorted(map(_lasting, alerts)))
            for one, alerts in self.incidents
        ]
        return incidents, sorted((line.event, line.rule, line.entry) for line in self.ledger)


def _lasting(alert: Alert) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(alert, revision=0, supersedes=()))


def replay(
    events: Sequence[Event],
    *,
    setup: Setup | None = None,
    cut: Callable[[], int] = lambda: 1_000,
    restart: Callable[[], bool] = lambda: False,
    finish: bool = True,
) -> Outcome:
    """Feed events by arrival in batches as ``cut`` says; between two of them the correlator may be killed."""
    # After a restart nothing is read but what is needed.
    chosen = msgspec.structs.replace(setup or setup_of(DEMO), bounds=Bounds(ahead=0))
    lines = [json.dumps(event).encode() for event in sorted(events, key=lambda e: parse_instant(e["event"]["created"]))]
    store: Store = EmbeddedStore.in_memory()
    correlator, commits = Correlator(chosen, store), list[Commit]()
    while lines:
        size = cut()
        batch, lines = lines[:size], lines[size:]
        commits.append(correlator.replay_step([Batch("day", tuple(batch))], 0))
        store.commit(commits[-1])
        if restart():
            correlator = Correlator(chosen, store)
    if finish:
        commits.append(correlator.finish())
        store.commit(commits[-1])
    with closing(store):
        return outcome_of(store, commits)


def outcome_of(store: Store, commits: Sequence[Commit] = ()) -> Outcome:
    """What a store holds of a day."""
    found = sorted(store.incidents(IncidentQuery(limit=100_000)), key=lambda one: (one.opened, one.id))
    ids = [[id for row in one.members for id in (row.alert, *row.repeats)] for one in found]
    alerts = [(one, store.alerts(these)) for one, these in zip(found, ids, strict=True)]
    return Outcome(alerts, store.ledger(), list(commits))

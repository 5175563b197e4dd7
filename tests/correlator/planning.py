"""Small plans, rules and events for tests of the plan, and a correlator that runs them."""

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
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
from impetus.domain.ports import IncidentQuery, Store
from impetus.domain.rule import RuleSet
from integrations.embedded.store import EmbeddedStore

NOON = parse_instant("2027-05-17T12:00:00Z")
HERE = (59.9066, 10.7366)
AWAY = (59.9151, 10.7354)
"""Some 950 m from ``HERE``."""

PLAN = """
plan: A day
valid: {from: 2027-05-17T06:00:00Z, to: 2027-05-17T18:00:00Z}
"""
CITY = """
city: Oslo
zones:
- {id: Z1}
- {id: Z2, adjacent: [Z1]}
devices:
- {id: CAM-1, kind: camera, zone: Z1, location: {lat: 59.9066, lon: 10.7366}, radius: 15, addresses: [10.0.0.1]}
- {id: VMS-1, kind: vms, zone: Z2}
- {id: HUB-1, kind: hub, shared: true}
"""


def rules(folder: Path, *documents: str) -> RuleSet:
    for number, text in enumerate(documents):
        (folder / f"rule{number}.yml").write_text(text)
    loaded = load_rules([folder])
    assert not loaded.problems, loaded.problems
    return loaded.rules


def rule(name: str, number: int, selection: str, level: str = "medium") -> str:
    return (
        f"title: {name}\nid: 00000000-0000-4000-8000-{number:012}\nname: {name}\nlogsource: {{product: city}}\n"
        f"detection: {{selection: {{{selection}}}, condition: selection}}\nlevel: {level}\n"
    )


def correlation(name: str, number: int, body: str, level: str = "high") -> str:
    return f"title: {name}\nid: 00000000-0000-4000-8000-{number:012}\nname: {name}\ncorrelation: {{{body}, generate: true}}\nlevel: {level}\n"  # noqa: E501


def event(
    id: str, at: float, action: str = "impulse", where: tuple[float, float] | None = HERE, **fields: Any
) -> dict[str, Any]:
    """An event so many seconds after noon."""
    stamp = format_instant(NOON + round(at * SECOND))
    found: dict[str, Any] = {
        "@timestamp": stamp, "event.created": stamp, "event.id": id, "event.provider": "test", "event.action": action,
        "logsource.product": "city", "city.domain": "iot", "device.id": "NS-1", "place.zone": "Z1",
    }  # fmt: skip
    if where is not None:
        found |= {"place.location": {"lat": where[0], "lon": where[1]}, "place.radius": 10}
    return {name: value for name, value in (found | fields).items() if value is not None}


class Run:
    """One correlator over a store in memory; ``restart`` builds it anew from the store."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.store: Store = EmbeddedStore.in_memory()
        self.commits: list[Commit] = []
        self._revisions: dict[str, int] = {}
        self.restart()

    def restart(self) -> None:
        # Nothing is read but what is needed.
        setup = msgspec.structs.replace(self.setup, bounds=Bounds(ahead=0))
        self.correlator = Correlator(setup, self.store)
        self.store.commit(self.correlator.begin())

    def feed(self, *events: dict[str, Any], source: str = "test") -> Commit:
        return self._keep(
            self.correlator.replay_step([Batch(source, tuple(json.dumps(e).encode() for e in events))], 0)
        )

    def finish(self) -> "Run":
        self._keep(self.correlator.finish())
        return self

    def _keep(self, commit: Commit) -> Commit:
        for alert in commit.alerts:
            assert alert.revision > self._revisions.get(alert.id, 0), f"{alert.title} repeats a revision"
            self._revisions[alert.id] = alert.revision
        self.commits.append(commit)
        self.store.commit(commit)
        return commit

    @property
    def incidents(self) -> list[Incident]:
        return self.store.incidents(IncidentQuery(limit=10_000))

    @property
    def alerts(self) -> dict[str, Alert]:
        """The alerts that hold, by id."""
        newest = {alert.id: alert for commit in self.commits for alert in commit.alerts}
        return {id: alert for id, alert in newest.items() if not alert.gone}

    @property
    def alerted(self) -> set[tuple[str, ...]]:
        return {(alert.title, *alert.events) for alert in self.alerts.values()}

    @property
    def explained(self) -> dict[str, str]:
        return {line.event: line.entry for line in self.store.ledger()}

    def state(self) -> object:
        """The end state, as it has to be in any order of arrival."""
        incidents = {
            one.id: (one.kind, one.severity, one.events, one.linked, frozenset(_alerts_of(one)))
            for one in self.incidents
        }
        ledger = {(line.event, line.rule, line.entry) for line in self.store.ledger()}
        return incidents, ledger, self.alerted


def _alerts_of(incident: Incident) -> Iterable[str]:
    return itertools.chain.from_iterable((member.alert, *member.repeats) for member in incident.members)


def setup_of(found: RuleSet, plan: str | None = None, city: str = CITY, **more: Any) -> Setup:
    model = CityModel.parse(city.encode(), "city.yml")
    return Setup(found, model, DayPlan.parse((PLAN + plan).encode(), "plan.yml") if plan is not None else None, **more)


def run_all(setup: Setup, events: Sequence[dict[str, Any]], sizes: Callable[[], int] = lambda: 1_000) -> Run:
    run, waiting = Run(setup), list(events)
    while waiting:
        size = sizes()
        run.feed(*waiting[:size])
        waiting = waiting[size:]
    return run.finish()

"""A service as its runner drives it, over a store on disk: steps at a wall clock, restarts, reloads, and people."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from correlator.plan.approval import approve
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.settings import read_settings
from impetus.app.wiring import make_setup
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.batch import Batch, Commit
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.instant import SECOND, format_instant, parse_instant
from impetus.domain.ports import IncidentQuery
from integrations.embedded.store import EmbeddedStore

NOON = parse_instant("2027-05-17T12:00:00Z")
MET = "threat.enrichments.indicator.name"


def rule(name: str, number: int, category: str, selection: str, level: str = "medium") -> str:
    return (
        f"title: {name}\nid: 00000000-0000-4000-8000-{number:012}\nname: {name}\n"
        f"logsource: {{product: city, category: {category}}}\n"
        f"detection: {{selection: {{{selection}}}, condition: selection}}\nlevel: {level}\n"
    )


def correlation(name: str, number: int, body: str, level: str = "high") -> str:
    id = f"00000000-0000-4000-8000-{number:012}"
    return f"title: {name}\nid: {id}\nname: {name}\ncorrelation: {{{body}, generate: true}}\nlevel: {level}\n"


def rules(doors: int, level: str) -> str:
    """A rule set; ``doors`` in a minute are too many, and a known address is of this level."""
    count = f"type: event_count, rules: [door], group-by: [device.id], timespan: 1m, condition: {{gte: {doors}}}"
    unchecked = "type: temporal, rules: [door, tag], timespan: 2m, condition: door and not tag"
    return "---\n".join([
        rule("door", 1, "door", "event.action: opened"),
        rule("tag", 2, "patrol", "event.action: tag", "informational"),
        rule("silent", 3, "device_health", "event.action: silent"),
        rule("known", 4, "door", f"{MET}|exists: true", level),
        correlation("doors", 5, count),
        correlation("unchecked", 6, unchecked, "critical"),
    ])  # fmt: skip


def city(zone: str) -> str:
    return f"""
city: Oslo
zones: [{{id: Z1}}, {{id: Z2, adjacent: [Z1]}}]
devices:
- {{id: D-1, kind: door, zone: Z1, heartbeat: {{every: 30s, silent_after: 90s}}}}
- {{id: D-2, kind: door, zone: {zone}, criticality: high}}
- {{id: D-3, kind: door, zone: Z2}}
"""


def plan(until: int) -> str:
    return f"""
plan: A day
valid: {{from: 2027-05-17T06:00:00Z, to: 2027-05-17T18:00:00Z}}
expected:
- id: drill
  reason: A drill with the doors
  from: 2027-05-17T12:00:00Z
  to: 2027-05-17T12:{until:02}:00Z
  event: {{event.action: opened, device.id: D-2}}
"""


class Installation:
    """A folder with settings, and what they say: ``write`` changes it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config, self.store = folder, folder / "impetus.toml", folder / "impetus.db"
        self.write(lateness="1m", idle="90s", doors=3, level="medium", zone="Z1", until=4)

    def write(self, **changed: Any) -> Setup:
        """The set-up that the files make, with some things changed."""
        says = self.says = getattr(self, "says", {}) | changed
        plan_file = self.folder / "plan.yml"
        self.folder.joinpath("rules.yml").write_text(rules(says["doors"], says["level"]))
        self.folder.joinpath("city.yml").write_text(city(says["zone"]))
        if not plan_file.exists() or plan_file.read_text() != plan(says["until"]):
            plan_file.write_text(plan(says["until"]))
            for person in ("kari", "ola"):
                try:
                    approve(plan_file, plan_file.read_bytes(), person, NOON)
                except ImpetusError:
                    continue  # of an earlier time
        sources = (
            f'[[source]]\nname = "{name}"\nkind = "json_lines"\npath = "x"\nlateness = "{says["lateness"]}"\n'
            f'idle = "{says["idle"]}"\n' for name in ("doors", "patrol", "feeds")
        )  # fmt: skip
        self.config.write_text(
            '[rules]\npaths = ["rules.yml"]\n[city]\nmodel = "city.yml"\nplan = "plan.yml"\n' + "".join(sources)
        )
        setup, problems = make_setup(read_settings(self.config))
        assert not problems, problems
        return setup


class Service:
    """What the runner does, without its threads. ``now`` is the wall clock, in seconds after noon."""

    def __init__(self, setup: Setup, store: Path) -> None:
        self.setup, self.store, self.now = setup, EmbeddedStore(store), 0.0
        self._number = 0
        self.restart(setup)

    @property
    def wall(self) -> int:
        return NOON + round(self.now * SECOND)

    def restart(self, setup: Setup) -> None:
        self.setup, self._correlator = setup, Correlator(setup, self.store)
        self._keep(self._correlator.begin())

    def reload(self, setup: Setup) -> None:
        self.setup, self._correlator = setup, self._correlator.succeed(setup)
        self._keep(self._correlator.begin())

    def step(self, *batches: tuple[str, Sequence[dict[str, Any]]]) -> None:
        found = [Batch(source, tuple(json.dumps(one).encode() for one in events)) for source, events in batches]
        self._keep(self._correlator.step(found, self.wall))

    def down(self, source: str, down: bool) -> None:
        batch = self._correlator.report(source, down, "a test", self.wall)
        if batch is not None:
            self._keep(self._correlator.step([batch], self.wall))

    def act(self, verb: Any, incident: Incident, *targets: str) -> str:
        self._number += 1
        action = Action(f"a{self._number}", incident.id, "kari", verb, targets=targets)
        self._keep(self._correlator.act(action, self.wall)[1])
        return action.id

    def undo(self, incident: Incident, action: str) -> None:
        self._number += 1
        self._keep(self._correlator.undo(Undo(f"a{self._number}", incident.id, "ola", action), self.wall)[1])

    def promote(self, event: str) -> None:
        self._number += 1
        self._keep(self._correlator.promote(Promotion(f"p{self._number}", event, "kari"), self.wall)[1])

    @property
    def incidents(self) -> list[Incident]:
        return sorted(self.store.incidents(IncidentQuery(limit=10_000)), key=lambda one: one.id)

    def event(self, source: str, category: str, action: str, late: float = 0, **fields: Any) -> dict[str, Any]:
        """An event of so many seconds ago."""
        self._number += 1
        return {
            "@timestamp": format_instant(self.wall - round(late * SECOND)), "event.created": format_instant(self.wall),
            "event.id": f"e{self._number}", "event.provider": source, "event.action": action, "city.domain": "iot",
            "logsource.product": "city", "logsource.category": category, **fields,
        }  # fmt: skip

    def door(self, device: str, late: float = 0, ip: str = "203.0.113.1") -> dict[str, Any]:
        return self.event("doors", "door", "opened", late, **{"device.id": device, "source.ip": ip})

    def tag(self, late: float = 0) -> dict[str, Any]:
        return self.event("patrol", "patrol", "tag", late, **{"device.id": "D-3"})

    def indicator(self, ip: str) -> dict[str, Any]:
        says = {"threat.indicator.type": "ipv4-addr", "threat.indicator.name": ip}
        return self.event("feeds", "indicator", "indicator", **says)

    def _keep(self, commit: Commit) -> None:
        self.store.commit(commit)
        self._correlator.committed()


def live(service: Service, installation: Installation, seed: int, steps: int = 60) -> None:
    """Some time of a service in which all comes up that the log has to hold."""
    draw, done = random.Random(seed), list[tuple[Incident, str]]()
    for _ in range(steps):
        service.now += draw.choice([1, 5, 20, 45, 200])
        _happen(service, draw)
        try:
            _meddle(service, installation, draw, done)
        except ImpetusError as error:
            assert error.code == "action.refused", error
    service.now += 400
    service.step()


def _happen(service: Service, draw: random.Random) -> None:
    doors = [
        service.door(draw.choice(["D-1", "D-2", "D-3"]), draw.choice([0, 0, 10, 70]), f"203.0.113.{draw.randrange(9)}")
        for _ in range(draw.randrange(4))
    ]
    tags = [service.tag(draw.choice([0, 30])) for _ in range(draw.random() < 0.3)]
    known = [service.indicator(f"203.0.113.{draw.randrange(9)}") for _ in range(draw.random() < 0.2)]
    service.step(("doors", doors), ("patrol", tags), ("feeds", known))


def _meddle(
    service: Service, installation: Installation, draw: random.Random, done: list[tuple[Incident, str]]
) -> None:
    changes = [
        {"doors": draw.choice([2, 3])}, {"level": draw.choice(["low", "high"])}, {"zone": draw.choice(["Z1", "Z2"])},
        {"until": draw.choice([4, 9, 40])}, {"lateness": draw.choice(["30s", "1m"])},
    ]  # fmt: skip
    incidents, ledger = service.incidents, service.store.ledger()
    match draw.randrange(14):
        case 0:
            service.reload(installation.write(**draw.choice(changes)))
        case 1:
            service.restart(installation.write(**draw.choice([{}, *changes])))
        case 2 if ledger:
            service.promote(draw.choice(ledger).event)
        case 3 if len(incidents) > 1:
            one, other = draw.sample(incidents, 2)
            done.append((one, service.act("merge", one, other.id)))
        case 4 if incidents:
            one = draw.choice(incidents)
            done.append((one, service.act("split", one, draw.choice(one.alert_ids))))
        case 5 if incidents:
            service.act("take", draw.choice(incidents))
        case 6 if done:
            service.undo(*done.pop())
        case 7:
            service.down("patrol", draw.random() < 0.5)

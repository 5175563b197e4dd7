"""``impetus replay``: recorded events in, incidents out. See ``docs/replay.md``."""

import argparse
import sys
from pathlib import Path

import msgspec

from correlator.city import CityModel
from correlator.plan.day import DayPlan
from correlator.setup import Setup
from impetus.app.engine import load_rules
from impetus.app.printing import say
from impetus.app.replaying import Replay, incident_json
from impetus.app.settings import read_settings
from impetus.app.wiring import bounded, shipped_rules
from impetus.domain.instant import format_instant


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--city", type=Path, help="the city model")
    parser.add_argument("--plan", type=Path, help="the plan, taken as approved")
    parser.add_argument(
        "--rules", type=Path, action="append", help="rules instead of the shipped ones; may be repeated"
    )
    parser.add_argument("--config", type=Path, help="settings whose [incidents], [windows] and times of sources hold")
    parser.add_argument("--order", choices=("arrival", "time", "file"), default="arrival", help="the order of arrival")
    parser.add_argument("--json", action="store_true", help="one incident a line, as JSON")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="write the explained events here, one a line")
    parser.add_argument("--strict", action="store_true", help="end at a malformed event or an unusable rule")
    parser.add_argument(
        "events", nargs="+", type=Path, metavar="EVENTS", help="files of events, one a line; - for standard input"
    )


def main(arguments: argparse.Namespace) -> int:
    """Replay and print; 0 whatever was found, 2 where something cannot be read."""
    setup = read_setup(arguments)
    replay = Replay(bounded(setup, read_settings(arguments.config)) if arguments.config else setup)
    replay.run(arguments.events, arguments.order)
    for problem in replay.problems:
        if arguments.strict:
            raise problem
        sys.stderr.write(f"impetus: skipped {problem}\n")
    for notice in replay.notices():
        sys.stderr.write(f"impetus: {notice}\n")
    if arguments.ledger:
        lines = [msgspec.json.encode(line) + b"\n" for line in replay.ledger()]
        arguments.ledger.write_bytes(b"".join(lines))
    _print(replay, arguments.json)
    return 0


def read_setup(arguments: argparse.Namespace) -> Setup:
    """Rules, city model and plan as the arguments name them."""
    loaded = load_rules(arguments.rules or [shipped_rules()])
    for problem in loaded.problems:
        if arguments.strict or problem.code != "rule.unsupported":
            raise problem
        sys.stderr.write(f"impetus: left out {problem}\n")
    city = CityModel.read(arguments.city) if arguments.city else CityModel.empty()
    return Setup(loaded.rules, city, DayPlan.read(arguments.plan) if arguments.plan else None)


def _print(replay: Replay, as_json: bool) -> None:
    for incident, alerts in replay.incidents():
        if as_json:
            say(msgspec.json.encode(incident_json(incident, alerts)).decode())
            continue
        say(f"{incident.severity:13} {incident.title}")
        zones = ", ".join(incident.zones) or "-"
        facts = f"{format_instant(incident.opened)} · {zones} · risk {incident.risk.score}"
        say(f"{'':13} {incident.kind} {incident.id} · {facts}")
        for alert in alerts:
            say(f"{'':15} {format_instant(alert.at)} {alert.level:13} {alert.title} ({len(alert.events)} events)")
    if not as_json:
        say(f"{len(replay.ledger())} matches explained by the plan, {len(replay.problems)} records skipped")

"""``impetus plan``: check, compare, try and approve a plan, and read its ledger. See ``docs/city.md``."""

import argparse
import asyncio
import uuid
from pathlib import Path

import msgspec
from google.protobuf.json_format import MessageToJson

from correlator.city import CityModel
from correlator.document import read_file
from correlator.plan.approval import NEEDED, approve, approvers, read_approvals, state_of, version_of
from correlator.plan.checking import check_plan
from correlator.plan.day import DayPlan
from correlator.plan.difference import differences
from correlator.setup import Setup
from impetus.api.client import Client
from impetus.app import connection
from impetus.app.engine import load_rules
from impetus.app.printing import report_findings, say, say_json
from impetus.app.trying import Tried, try_plan
from impetus.app.warning import warn
from impetus.app.wiring import shipped_rules, wall_clock
from impetus.domain.action import Promotion
from impetus.domain.errors import ImpetusError, Where


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_of_files(verbs)
    ledger = verbs.add_parser("ledger", help="list what the plan in force explains, in the running Impetus")
    connection.add(ledger)
    ledger.add_argument("--entry", default="", help="of this entry of the plan alone")
    ledger.add_argument("--json", action="store_true", help="one line of the ledger a line, as JSON")
    promote = verbs.add_parser("promote", help="take an explanation back: the event alerts after all")
    connection.add(promote)
    connection.add_actor(promote)
    promote.add_argument("event", help="the id of the event, as ledger prints it")
    promote.add_argument("--note", default="", help="why")


def _add_of_files(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = verbs.add_parser("check", help="say what is wrong or unwise in a plan")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--city", type=Path, metavar="FILE", help="the city model, whose zones it may name")
    check.add_argument("--json", action="store_true", help="one finding a line, as JSON")
    check.add_argument("--strict", action="store_true", help="count warnings as errors")
    diff = verbs.add_parser("diff", help="say in words what changed from one plan to another")
    diff.add_argument("before", type=Path, metavar="A")
    diff.add_argument("after", type=Path, metavar="B")
    trial = verbs.add_parser("try", help="say what a plan would have explained of recorded events")
    trial.add_argument("file", type=Path, metavar="FILE")
    trial.add_argument("events", nargs="+", type=Path, metavar="EVENTS", help="files of events, one a line")
    trial.add_argument("--city", type=Path, metavar="FILE", help="the city model")
    trial.add_argument("--rules", type=Path, action="append", help="rules instead of the shipped ones; may be repeated")
    trial.add_argument("--order", choices=("arrival", "time", "file"), default="arrival", help="the order of arrival")
    trial.add_argument("--json", action="store_true", help="one alert a line, as JSON")
    approval = verbs.add_parser("approve", help=f"approve this version of a plan; {NEEDED} people bring it into force")
    approval.add_argument("file", type=Path, metavar="FILE")
    approval.add_argument("--as", dest="name", required=True, metavar="NAME", help="who approves it")
    state = verbs.add_parser("state", help="say whether a plan is a draft, approved, in force or over")
    state.add_argument("file", type=Path, metavar="FILE")


def main(arguments: argparse.Namespace) -> int:
    """Do what the verb says."""
    verbs = {"check": _check, "diff": _diff, "try": _try, "approve": _approve, "state": _state}
    if arguments.verb in verbs:
        return verbs[arguments.verb](arguments)
    asyncio.run(_served(arguments))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    """0 if the plan can come into force, 1 if not; 2 (raised) if it cannot be read."""
    city = CityModel.read(arguments.city) if arguments.city else None
    findings = check_plan(read_file(arguments.file, "plan"), str(arguments.file), city)
    return report_findings(findings, as_json=arguments.json, strict=arguments.strict)


def _diff(arguments: argparse.Namespace) -> int:
    """0 if the plans say the same, 1 if not."""
    lines = differences(DayPlan.read(arguments.before).plan, DayPlan.read(arguments.after).plan)
    for line in lines:
        say(line)
    return 1 if lines else 0


def _try(arguments: argparse.Namespace) -> int:
    """1 if something would be wrongly explained."""
    if any(str(path) == "-" for path in arguments.events):
        raise ImpetusError("source.unreadable", "the events are read twice", Where("-"), "Give them as files")
    city = CityModel.read(arguments.city) if arguments.city else CityModel.empty()
    rules = load_rules(arguments.rules or [shipped_rules()]).rules
    tried, skipped = try_plan(Setup(rules, city, DayPlan.read(arguments.file)), arguments.events, arguments.order)
    for problem in skipped:
        warn(f"skipped {problem}")
    for one in tried:
        say_json(msgspec.json.encode(one).decode()) if arguments.json else say(_line(one))
    counts = {verdict: sum(one.verdict == verdict for one in tried) for verdict in ("explained", "doubtful", "wrong")}
    if not arguments.json:
        said = f"{counts['doubtful']} of them doubtful, {counts['wrong']} of them wrongly"
        say(f"{len(tried)} alerts would be explained, {said}")
    return 1 if counts["wrong"] else 0


def _line(one: Tried) -> str:
    why = f": {one.why}" if one.why else ""
    return f"{one.verdict:10} {one.entry:12} {one.event:20} {one.level:13} {one.title}{why}"


def _approve(arguments: argparse.Namespace) -> int:
    text = read_file(arguments.file, "plan")
    plan = DayPlan.parse(text, str(arguments.file))
    given = approve(arguments.file, text, arguments.name, wall_clock())
    _say_state(plan, given)
    return 0


def _state(arguments: argparse.Namespace) -> int:
    text = read_file(arguments.file, "plan")
    given = approvers(read_approvals(arguments.file), version_of(text))
    _say_state(DayPlan.parse(text, str(arguments.file)), given)
    return 0


def _say_state(plan: DayPlan, given: tuple[str, ...]) -> None:
    by = f", approved by {', '.join(given)}" if given else ""
    say(f"{plan.name}: {state_of(plan, given, wall_clock())}{by} ({len(given)} of {NEEDED} approvals)")


async def _served(arguments: argparse.Namespace) -> None:
    async with Client(connection.address(arguments)) as client:
        if arguments.verb == "ledger":
            for line in await client.ledger(entry=arguments.entry):
                text = f"{line.entry:12} {line.event:20} {line.reason} (rule {line.rule}, {line.plan})"
                as_json = MessageToJson(line, preserving_proto_field_name=True, indent=None)
                say_json(as_json) if arguments.json else say(text)
            return
        actor = connection.actor(arguments)
        incident = await client.promote(Promotion(str(uuid.uuid4()), arguments.event, actor, arguments.note))
        say(f"{arguments.event} alerts now, in {incident.id}" if incident.id else f"{arguments.event} alerts now")

"""``impetus incidents``: the console's twin for pipes, scripts and screen readers."""

import argparse
import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from impetus.api.client import Client
from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.words import word
from impetus.app import connection
from impetus.app.commands import exchange
from impetus.app.printing import say, say_json
from impetus.domain.action import TARGETED, VERBS, Action, Undo
from impetus.domain.instant import format_instant

_HELP = {
    "merge": "say that incidents are one",
    "split": "say that alerts do not belong to an incident",
    "clear": "trust devices again that an incident makes contested",
}
_TARGETS = {
    "merge": "an incident that belongs to it",
    "split": "an alert that does not, as show prints it; its repeats go with it",
    "clear": "a device, as show prints it",
}
DISPOSITIONS = ("true_positive", "false_positive", "benign", "duplicate")


class _Verb(argparse.ArgumentParser):
    """A verb, which takes ``--json``, too; where it is not given, what was given before the verb stays."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON, one object a line")


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    connection.add(parser)
    parser.add_argument("--json", action="store_true", help="JSON, one object a line")
    verbs: argparse._SubParsersAction[argparse.ArgumentParser]
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Verb)
    _add_reading(verbs)
    exchange.add(verbs)
    for verb in VERBS:
        command = verbs.add_parser(verb, help=_HELP.get(verb, f"{verb} an incident"))
        command.add_argument("id")
        if verb in TARGETED:
            command.add_argument("targets", nargs="+", metavar=TARGETED[verb].upper(), help=_TARGETS[verb])
        command.add_argument("--note", default="", help="why")
        connection.add_actor(command)
        if verb == "close":
            command.add_argument("--disposition", choices=DISPOSITIONS, required=True)
    undo = verbs.add_parser("undo", help="take an action back")
    undo.add_argument("id")
    undo.add_argument("action", help="id of the action, as show prints it")
    connection.add_actor(undo)


def _add_reading(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    listing = verbs.add_parser("list", help="list incidents, highest risk first")
    listing.add_argument("--status", action="append", default=[], choices=("open", "taken", "escalated", "closed"))
    listing.add_argument("--kind", default="", choices=("incident", "watch"))
    listing.add_argument("--zone", default="")
    listing.add_argument("--limit", type=int, default=0)
    verbs.add_parser("watch", help="follow every change")
    verbs.add_parser("show", help="one incident with its alerts").add_argument("id")


def main(arguments: argparse.Namespace) -> int:
    """Do what the verb says; without one, list."""
    arguments.verb = arguments.verb or "list"
    return asyncio.run(_main(arguments))


async def _main(arguments: argparse.Namespace) -> int:
    async with Client(connection.address(arguments)) as client:
        if arguments.verb in _EXCHANGE:
            return await _EXCHANGE[arguments.verb](client, arguments)
        await _VERBS.get(arguments.verb, _act)(client, arguments)
    return 0


async def _list(client: Client, arguments: argparse.Namespace) -> None:
    narrowed = vars(arguments)
    answer = await client.list_incidents(
        statuses=narrowed.get("status") or (),
        kind=narrowed.get("kind", ""),
        zone=narrowed.get("zone", ""),
        limit=narrowed.get("limit", 0),
    )
    for incident in answer.incidents:
        _print(incident, arguments)


async def _watch(client: Client, arguments: argparse.Namespace) -> None:
    async for change in client.watch():
        _print(change.incident, arguments)


async def _show(client: Client, arguments: argparse.Namespace) -> None:
    answer = await client.incident(arguments.id)
    if arguments.json:
        say_json(_json(answer))
        return
    _print(answer.incident, arguments)
    members = {member.alert_id: member for member in answer.incident.members}
    for alert in answer.alerts:
        say(f"  {format_instant(alert.at_us)} {word(pb.Severity, alert.level):13} {alert.title}")
        say(f"    {alert.summary}")
        say(f"    rule {alert.rule_id} by {alert.author or 'unknown'}")
        say(f"    {alert.id} why: {_joined(members.get(alert.id))}; events: {', '.join(alert.event_ids)}")
    if answer.incident.alert_count > _listed(answer.incident):
        say(f"  {answer.incident.alert_count} alerts in all")
    if answer.incident.contested:
        say(f"  contested until cleared: {', '.join(answer.incident.contested)}")
    _print_cascade(answer.cascade)
    for term in answer.incident.risk_terms:
        say(f"  risk {term.points:+} {term.name} {term.evidence}")
    for record in answer.incident.history:
        undone = " (undone)" if record.undone_by else ""
        did = " ".join(filter(None, (record.actor, word(pb.Verb, record.verb), *record.targets, record.note)))
        say(f"  {format_instant(record.at_us)} {did} [{record.id}]{undone}")


def _print_cascade(cascade: pb.Cascade) -> None:
    """What else fails with it, by which path, and what zones lose by that."""
    for consequence in cascade.devices:
        say(f"  fails with it: {consequence.kind} {consequence.device} ({' → '.join(consequence.path)})")
    for loss in cascade.zones:
        left = f"; left: {', '.join(loss.left)}" if loss.left else ", and has no other"
        say(f"  zone {loss.zone} loses {loss.kind} {', '.join(loss.lost)}{left}")


def _joined(member: pb.Member | None) -> str:
    """Why an alert joined, and for a row how often it came and from when to when."""
    if member is None:
        return "a repeat"
    if member.count < 2:
        return member.why
    return f"{member.why}; {member.count} times, {format_instant(member.first_us)} to {format_instant(member.last_us)}"


def _listed(incident: pb.Incident) -> int:
    return sum(member.count for member in incident.members)


async def _act(client: Client, arguments: argparse.Namespace) -> None:
    action = Action(
        id=str(uuid.uuid4()),
        incident=arguments.id,
        actor=connection.actor(arguments),
        verb=arguments.verb,
        disposition=vars(arguments).get("disposition"),
        note=arguments.note,
        targets=tuple(vars(arguments).get("targets") or ()),
    )
    _print(await client.act(action), arguments)


async def _undo(client: Client, arguments: argparse.Namespace) -> None:
    undo = Undo(str(uuid.uuid4()), arguments.id, connection.actor(arguments), arguments.action)
    _print(await client.undo(undo), arguments)


_VERBS: dict[str, Callable[[Client, argparse.Namespace], Awaitable[None]]] = {
    "list": _list,
    "watch": _watch,
    "show": _show,
    "undo": _undo,
}

_EXCHANGE: dict[str, Callable[[Client, argparse.Namespace], Awaitable[int]]] = {
    "export": exchange.run_export,
    "import": exchange.run_import,
    "imported": exchange.run_imported,
}


def _print(incident: pb.Incident, arguments: argparse.Namespace) -> None:
    if arguments.json:
        say_json(_json(incident))
        return
    severity, status = word(pb.Severity, incident.severity), word(pb.IncidentStatus, incident.status)
    owner = f" by {incident.owner}" if incident.owner else ""
    zones = ", ".join(incident.zones) or "-"
    say(f"{incident.risk_score:3} {severity:13} {status}{owner} · {incident.title} · {zones} · {incident.id}")


def _json(message: Message) -> str:
    return MessageToJson(message, preserving_proto_field_name=True, indent=None)

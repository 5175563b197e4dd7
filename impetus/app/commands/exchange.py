"""The verbs of ``impetus incidents`` between installations: export, import, and a look at what was imported."""

import argparse
import platform
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from impetus.api.client import Client
from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.words import word
from impetus.app.exchange import export, read_lines, write_line
from impetus.app.printing import say, say_json
from impetus.app.warning import warn
from impetus.domain.errors import ImpetusError, Where

ALL = 5_000
"""Incidents that the API lists at most."""
STATUSES = ("open", "taken", "escalated", "closed")


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The arguments."""
    export = verbs.add_parser("export", help="write incidents for another installation, one JSON object a line")
    export.add_argument("ids", nargs="*", metavar="ID", help="these only; else all")
    export.add_argument("--status", action="append", default=[], choices=STATUSES)
    export.add_argument("--origin", default=platform.node(), help="the name of this installation (its host name)")
    bring = verbs.add_parser("import", help="keep incidents that another installation exported, to read")
    bring.add_argument("file", metavar="FILE", help="what export wrote; - is standard input")
    imported = verbs.add_parser("imported", help="the incidents of other installations")
    imported.add_argument("foreign", nargs="?", default="", metavar="ID", help="this one only")
    imported.add_argument("--origin", default="", help="of this installation only")


async def run_export(client: Client, arguments: argparse.Namespace) -> int:
    """Print incidents as lines."""
    async for id in _ids(client, arguments):
        say_json(write_line(export(arguments.origin, await client.incident(id))))
    return 0


async def _ids(client: Client, arguments: argparse.Namespace) -> AsyncIterator[str]:
    for id in arguments.ids:
        yield id
    if arguments.ids:
        return
    found = (await client.list_incidents(statuses=arguments.status, limit=ALL)).incidents
    if len(found) == ALL:
        warn(f"the {ALL} incidents of the highest risk; name others by their ids")
    for incident in found:
        yield incident.id


async def run_import(client: Client, arguments: argparse.Namespace) -> int:
    """Import a file line by line; 1 if one was refused."""
    counts = {"changed": 0, "known": 0, "refused": 0}
    with _opened(arguments.file) as file:
        for foreign in read_lines(file, arguments.file):
            try:
                if isinstance(foreign, ImpetusError):
                    raise foreign
                counts["changed" if await client.bring(foreign) else "known"] += 1
            except ImpetusError as error:
                if error.code != "incident.foreign":
                    raise
                counts["refused"] += 1
                warn(str(error))
    say(f"{counts['changed']} imported, {counts['known']} known already, {counts['refused']} refused")
    return 1 if counts["refused"] else 0


async def run_imported(client: Client, arguments: argparse.Namespace) -> int:
    """Print what was imported, as it came with ``--json``."""
    found = False
    async for foreign in client.imported(origin=arguments.origin, id=arguments.foreign):
        found = True
        say_json(write_line(foreign)) if arguments.json else say(_text(foreign))
    if arguments.foreign and not found:
        of = arguments.origin or "another installation"
        raise ImpetusError("incident.unknown", f"there is no incident {arguments.foreign!r} of {of}")
    return 0


def _text(foreign: pb.ForeignIncident) -> str:
    one = foreign.incident
    severity, status = word(pb.Severity, one.severity), word(pb.IncidentStatus, one.status)
    return f"{one.risk_score:3} {severity:13} {status} · {one.title} · of {foreign.origin} · {one.id}"


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except OSError as error:
        raise ImpetusError("incident.foreign", error.strerror or str(error), Where(name)) from None

"""``impetus doctor``: what is misconfigured or unreachable, and how to mend it."""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from impetus.api.client import Client
from impetus.app.checks import examine
from impetus.app.diagnosis.finding import Finding, Grade
from impetus.app.printing import say, say_json
from impetus.app.settings import Settings, read_settings
from impetus.domain.errors import ImpetusError

ANSWER = 2.0
"""Seconds that a running Impetus has to answer in."""
GRADES: Mapping[str, Grade] = {"source.down": "warning", "store.unavailable": "error", "store.damaged": "error"}
"""The notices that only what runs can tell."""


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--config", type=Path, default=Path("impetus.toml"), help="the settings (impetus.toml)")
    parser.add_argument("--deep", action="store_true", help="read the whole store, and name all that is damaged")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: check, grade, text, hint")


def main(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 if something is wrong."""
    settings = read_settings(arguments.config)
    running, standing = asyncio.run(_running(settings))
    wrong = False
    for check, finding in (*examine(settings, running, arguments.deep), *(("running", one) for one in standing)):
        wrong = wrong or finding.grade == "error"
        if arguments.json:
            say_json(msgspec.json.encode({"check": check, **msgspec.structs.asdict(finding)}).decode())
        else:
            say(f"{finding.grade:8} {finding}")
    return 1 if wrong else 0


async def _running(settings: Settings) -> tuple[bool, list[Finding]]:
    """Whether an Impetus runs with these settings, and how it is."""
    async with Client(settings.address, deadline=ANSWER) as client:
        try:
            status = await client.status()
        except ImpetusError:
            return False, [Finding("ok", f"nothing runs at {settings.address}")]
    found = [Finding("ok", f"running: {status.events} events, {status.events_per_second:.0f} events/s")]
    for source in status.sources:
        text = f"source {source.name} is {source.state} {source.problem}".rstrip()
        found.append(Finding("error" if source.state == "failed" else "ok", text))
    # The others are in the store, too, where they are looked for whether anything runs or not.
    told = ((GRADES[one.code], one) for one in status.notices if one.code in GRADES)
    return True, found + [Finding(grade, f"{one.about}: {one.what} [{one.code}]", one.hint) for grade, one in told]

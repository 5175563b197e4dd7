"""``impetus doctor``: what is misconfigured or unreachable, and how to mend it."""

import argparse
import asyncio
from pathlib import Path

from impetus.api.client import Client
from impetus.app.checks import Finding, examine
from impetus.app.printing import say
from impetus.app.settings import Settings, read_settings
from impetus.domain.errors import ImpetusError

ANSWER = 2.0
"""Seconds that a running Impetus has to answer in."""


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--config", type=Path, default=Path("impetus.toml"), help="the settings (impetus.toml)")


def main(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 if something is wrong."""
    settings = read_settings(arguments.config)
    findings = [*examine(settings), *asyncio.run(_running(settings))]
    for finding in findings:
        say(f"{finding.grade:8} {finding.text}")
    return 1 if any(finding.grade == "error" for finding in findings) else 0


async def _running(settings: Settings) -> list[Finding]:
    """How a running Impetus is, if one answers."""
    async with Client(settings.address, deadline=ANSWER) as client:
        try:
            status = await client.status()
        except ImpetusError:
            return [Finding("ok", f"nothing runs at {settings.address}")]
    found = [Finding("ok", f"running: {status.events} events, {status.events_per_second:.0f} events/s")]
    for source in status.sources:
        text = f"source {source.name} is {source.state} {source.problem}".rstrip()
        found.append(Finding("error" if source.state == "failed" else "ok", text))
    # The others are in the store, too, where they are looked for whether anything runs or not.
    down = [one for one in status.notices if one.code == "source.down"]
    return found + [Finding("warning", f"{one.about}: {one.what} [{one.code}]. {one.hint}") for one in down]

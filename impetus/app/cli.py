"""The command ``impetus``."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from impetus.app import output
from impetus.app.warning import warn
from impetus.domain.errors import ImpetusError

COMMANDS = {
    "run": "Run Impetus on this machine, with the sources of its settings",
    "worker": "Run a worker of a cluster on this machine",
    "demo": "Show what Impetus does, on samples that come with it",
    "replay": "Run recorded events through the same engine and print the incidents",
    "match": "Match single-event rules against events as they are",
    "tui": "Open the console on a running Impetus",
    "incidents": "List incidents, show one, act on one",
    "events": "Search events",
    "rules": "List, lint and test rules; say why one fired or did not",
    "city": "Check a city model, make one from GeoJSON, say what covers a zone",
    "plan": "Check, compare, try and approve a plan, and read its ledger",
    "backup": "Copy the store while it is used, or check such a copy",
    "restore": "Put a backup in the place of a store that is not there",
    "retention": "Say what is kept how long, what goes next, and what went",
    "doctor": "Say what is misconfigured or unreachable, and how to mend it",
}

UNUSABLE = 2
"""Exit status when the input, a rule, the model or the settings cannot be read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status. An error that people can mend is one line on standard error."""
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except ImpetusError as error:
        warn(str(error))
        return UNUSABLE
    except BrokenPipeError:
        return 0  # who reads has enough
    except KeyboardInterrupt:
        return 130
    finally:
        output.finish()


def _run(words: Sequence[str]) -> int:
    parser = _parser(words[0] if words and words[0] in COMMANDS else None)
    try:
        parsed = parser.parse_args(words)
    except SystemExit:
        output.flush()  # the help may not have gone out
        raise
    status: int = parsed.main(parsed)
    output.flush()
    return status


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    """The parser; only the module of the wanted command is imported, so that each starts fast."""
    parser = argparse.ArgumentParser(
        prog="impetus", description="A SIEM for cities: the network and the street as one place."
    )
    parser.add_argument("--version", action="version", version=f"impetus {version('impetus')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, help in COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help)
        if name == wanted:
            module = import_module(f"impetus.app.commands.{name}")
            module.add(command)
            command.set_defaults(main=module.main)
    return parser

"""``impetus restore``: a backup in the place of a store that is not there."""

import argparse
from pathlib import Path

from impetus.app.commands.backup import tell
from impetus.app.keys import key_path
from integrations.embedded.backup import restore


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("backup", type=Path, metavar="DIR", help="a backup that impetus backup made")
    parser.add_argument("--into", type=Path, required=True, metavar="STORE", help="the file of the store to be")
    parser.add_argument("--json", action="store_true", help="its manifest as one JSON object")


def main(arguments: argparse.Namespace) -> int:
    """Restore; nothing is overwritten."""
    tell(restore(arguments.backup, arguments.into, key_path(arguments.into)), "restored", arguments)
    return 0

"""``impetus backup``: a copy of the store, made while it is used, and its check."""

import argparse
from pathlib import Path

import msgspec

from impetus.app import stores
from impetus.app.printing import say, say_json
from impetus.app.wiring import wall_clock
from integrations.embedded.backup import Manifest, back_up, verify


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the backup: a new folder")
    stores.add(parser)
    parser.add_argument("--verify", action="store_true", help="make none; read the whole of the one that is there")
    parser.add_argument("--json", action="store_true", help="its manifest as one JSON object")


def main(arguments: argparse.Namespace) -> int:
    """Copy or check; what is wrong is an error."""
    if arguments.verify:
        tell(verify(arguments.folder), "is whole", arguments)
        return 0
    place = stores.find(arguments)
    manifest = back_up(place.store, place.key, arguments.folder, wall_clock())
    tell(manifest, "made", arguments)
    return 0


def tell(manifest: Manifest, what: str, arguments: argparse.Namespace) -> None:
    """Print what a backup holds."""
    if arguments.json:
        say_json(msgspec.json.encode(manifest).decode())
        return
    size = sum(file.bytes for file in manifest.files.values())
    counts = manifest.counts
    held = f"{counts['events']} events ever, {counts['incidents']} incidents, {size:,} bytes"
    say(f"backup of {manifest.made} {what}: {held}")

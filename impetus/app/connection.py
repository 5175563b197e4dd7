"""Where a command finds the running Impetus: an address, or the settings that name one."""

import argparse
import getpass
from pathlib import Path

from impetus.app.settings import read_settings

DEFAULT = Path("impetus.toml")


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that talks to a running Impetus."""
    parser.add_argument("--address", help="unix:PATH or HOST:PORT; else as the settings say")
    parser.add_argument("--config", type=Path, default=DEFAULT, help="the settings (impetus.toml)")


def address(arguments: argparse.Namespace) -> str:
    """The address to connect to."""
    given: str | None = arguments.address
    return given if given else read_settings(arguments.config).address


def add_actor(parser: argparse.ArgumentParser) -> None:
    """Who acts."""
    parser.add_argument("--actor", default=None, help="who acts (your login name)")


def actor(arguments: argparse.Namespace) -> str:
    """The name that goes on record."""
    return arguments.actor or getpass.getuser()

"""``impetus tui``: the console on a running Impetus."""

import argparse

from impetus.app import connection


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    connection.add(parser)
    connection.add_actor(parser)
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters alone")


def main(arguments: argparse.Namespace) -> int:
    """Open the console."""
    from tui.console import run  # noqa: PLC0415 - Textual is loaded only where it is shown

    run(connection.address(arguments), ascii=arguments.ascii, actor=connection.actor(arguments))
    return 0
